//! The program `zoho-sandbox`: its arguments and commands.

use crate::sandbox::books;
use crate::sandbox::desk;
use crate::sandbox::faults::Fault;
use crate::sandbox::limits::{Limits, parse_duration};
use crate::sandbox::run;
use crate::sandbox::server::{Options, Server};
use crate::sandbox::tls::Certificate;
use crate::system::{Clock, RealClock};
use clap::{Args, Parser, Subcommand};
use serde_json::{Map, Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A local Zoho Accounts server with Zoho's limits, for tests
#[derive(Parser)]
#[command(name = "zoho-sandbox", version)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand)]
enum CliCommand {
    /// Print the URL and the credentials, then serve until a signal: one JSON line, or a summary on a terminal
    Serve(Serve),
    /// Run a command with a temporary profile that is logged in to a new sandbox
    Run(Run),
}

#[derive(Args)]
struct Serve {
    /// Loopback address to listen on; port 0 selects a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Args)]
struct Run {
    /// Name of the temporary profile
    #[arg(long, default_value = "crm")]
    profile: String,
    #[command(flatten)]
    server: ServerArgs,
    /// Command to run, with its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Settings of the server. Every limit defaults to Zoho's own.
#[derive(Args)]
struct ServerArgs {
    /// Use TLS, with a valid or a faulty certificate
    #[arg(long, value_enum, value_name = "KIND", num_args = 0..=1, require_equals = true,
        default_missing_value = "valid")]
    tls: Option<Certificate>,
    /// Data center in which the clients are registered
    #[arg(long, value_name = "DC", default_value = "us")]
    data_center: String,
    /// Another data center, on its own port (repeatable)
    #[arg(long, value_name = "DC")]
    other_dc: Vec<String>,
    /// Data center of the user's account: one of the others
    #[arg(long, value_name = "DC")]
    user_location: Option<String>,
    /// Use one client secret for all data centers instead of one for each
    #[arg(long)]
    single_secret: bool,
    /// Scopes of the first refresh token (repeatable, or separated by commas)
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    scope: Vec<String>,
    /// Registered redirect URI (repeatable)
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Lifetime of an access token (default: 1h)
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    token_life: Option<Duration>,
    /// Access tokens per refresh token and window (default: 10)
    #[arg(long, value_name = "N")]
    budget: Option<usize>,
    /// Length of the window (default: 10m)
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    window: Option<Duration>,
    /// Valid access tokens per refresh token (default: 10)
    #[arg(long, value_name = "N")]
    live_tokens: Option<usize>,
    /// Valid refresh tokens per client (default: 20)
    #[arg(long, value_name = "N")]
    refresh_tokens: Option<usize>,
    /// Authorization codes per client and window (default: 10)
    #[arg(long, value_name = "N")]
    codes: Option<usize>,
    /// Lifetime of an authorization code (default: 2m)
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    code_life: Option<Duration>,
    /// Lifetime of a device code (default: 5m)
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    device_life: Option<Duration>,
    /// Shortest interval between polls for a device code (default: 30s)
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    device_poll_floor: Option<Duration>,
    /// Return a new refresh token with every refresh, which Zoho does not do
    #[arg(long)]
    rotate_refresh_tokens: bool,
    /// Leave `state` out of the redirect after Reject, as Zoho sometimes does
    #[arg(long)]
    no_state_on_reject: bool,
    /// A fault from the start: KIND, ENDPOINT:KIND, wire:NAME or a JSON object (repeatable)
    #[arg(long, value_name = "FAULT")]
    fault: Vec<Fault>,
    /// Delay of every response (default: 0)
    #[arg(long, value_name = "DUR", value_parser = parse_duration)]
    latency: Option<Duration>,
}

impl ServerArgs {
    fn options(self, listen: Option<SocketAddr>) -> Options {
        let (base, default) = (Options::default(), Limits::default());
        Options {
            listen: listen.unwrap_or(base.listen),
            tls: self.tls,
            data_center: self.data_center,
            other_data_centers: self.other_dc,
            single_secret: self.single_secret,
            scopes: if self.scope.is_empty() { base.scopes } else { self.scope },
            redirect_uris: if self.redirect_uri.is_empty() { base.redirect_uris } else { self.redirect_uri },
            faults: self.fault,
            limits: Limits {
                token_life: self.token_life.unwrap_or(default.token_life),
                budget: self.budget.unwrap_or(default.budget),
                window: self.window.unwrap_or(default.window),
                live_tokens: self.live_tokens.unwrap_or(default.live_tokens),
                refresh_tokens: self.refresh_tokens.unwrap_or(default.refresh_tokens),
                codes: self.codes.unwrap_or(default.codes),
                code_life: self.code_life.unwrap_or(default.code_life),
                device_life: self.device_life.unwrap_or(default.device_life),
                device_poll_floor: self.device_poll_floor.unwrap_or(default.device_poll_floor),
                latency: self.latency.unwrap_or(default.latency),
                rotate_refresh_tokens: self.rotate_refresh_tokens,
                user_location: self.user_location,
                state_on_reject: !self.no_state_on_reject,
            },
        }
    }
}

/// Runs the program. The first argument is the program name.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no failure. If printing fails, nothing else can be reported.
            let printed = error.print();
            return if error.use_stderr() || printed.is_err() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let done = match cli.command {
        CliCommand::Serve(Serve { listen, server }) => serve(server.options(Some(listen))),
        CliCommand::Run(Run { profile, server, command }) => {
            run::run(server.options(None), &profile, &command)
        }
    };
    done.unwrap_or_else(|error| {
        print_error(&error.to_string());
        ExitCode::FAILURE
    })
}

/// Prints one line on stderr and ignores errors.
pub(super) fn print_error(message: &str) {
    let _ = writeln!(io::stderr(), "zoho-sandbox: error: {message}");
}

fn serve(options: Options) -> io::Result<ExitCode> {
    let (scopes, redirect_uris) = (options.scopes.clone(), options.redirect_uris.clone());
    // Install these before printing: a reader of the line may send the signal at once.
    let signals = Signals::new()?;
    let server = Server::start(options)?;
    let ca_file = server.ca_pem().map(run::private_file).transpose()?;
    let data_centers: Map<String, Value> =
        server.data_centers().iter().map(|(name, url)| (name.clone(), json!(url))).collect();
    let line = json!({
        "url": server.url(),
        "accounts_url": server.url(),
        "api_domain": server.api_domain(),
        "data_center": server.data_centers()[0].0,
        "data_centers": data_centers,
        "client_id": server.client_id(),
        "client_secret": server.client_secret(),
        "refresh_token": server.refresh_token(),
        "soid": server.soid(),
        "desk_org_id": desk::ORG_ID,
        "books_organization_id": books::ORGANIZATION_ID,
        "scopes": scopes,
        "redirect_uri": redirect_uris.first(),
        "redirect_uris": redirect_uris,
        "ca_file": ca_file.as_ref().map(|file| file.path()),
        "clients": server.clients(),
    });
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        write!(stdout, "{}", summary(&server, &line))?;
    } else {
        writeln!(stdout, "{line}")?;
    }
    stdout.flush()?;
    signals.wait();
    Ok(ExitCode::SUCCESS)
}

/// What a person needs to know. `line` is what a program gets.
fn summary(server: &Server, line: &Value) -> String {
    let url = server.url();
    let mut text = format!("Zoho sandbox at {url} (open it in a browser to see what is there)\n\n");
    let names =
        ["client_id", "client_secret", "refresh_token", "soid", "desk_org_id", "books_organization_id"];
    for name in names.into_iter().chain(["ca_file"]) {
        if let Some(value) = line[name].as_str() {
            text += &format!("  {name:<22} {value}\n");
        }
    }
    for (name, url) in server.data_centers().iter().skip(1) {
        text += &format!("  {:<22} {url}\n", format!("data center {name}"));
    }
    text + &format!(
        "\nLog:   curl {url}/sandbox/log\nFault: curl -d html {url}/sandbox/faults\nStop:  Ctrl-C\n"
    )
}

/// The signals that end `serve`. tokio's signal support would add two descriptors to every process of `zoho-cred`,
/// and panics where there are none.
struct Signals(Arc<AtomicBool>);

impl Signals {
    fn new() -> io::Result<Signals> {
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&came))?;
        }
        Ok(Signals(came))
    }

    fn wait(self) {
        while !self.0.load(Ordering::SeqCst) {
            RealClock::default().sleep(Duration::from_millis(20));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(flags: &[&str]) -> Options {
        let arguments = ["zoho-sandbox", "serve"].into_iter().chain(flags.iter().copied());
        match Cli::try_parse_from(arguments).unwrap().command {
            CliCommand::Serve(serve) => serve.server.options(Some(serve.listen)),
            CliCommand::Run(_) => panic!("not serve"),
        }
    }

    #[test]
    fn flags_become_options() {
        let options = options(&["--tls", "--token-life", "25s", "--budget=3", "--scope", "a.b,c.d"]);
        assert_eq!(options.tls, Some(Certificate::Valid));
        assert_eq!(options.limits.token_life, Duration::from_secs(25));
        assert_eq!((options.limits.budget, options.limits.live_tokens), (3, 10));
        assert_eq!(options.scopes, ["a.b", "c.d"]);
    }

    #[test]
    fn a_bad_certificate_is_asked_for_by_name() {
        assert_eq!(options(&["--tls=wrong-host"]).tls, Some(Certificate::WrongHost));
        assert_eq!(options(&[]).tls, None);
    }
}
