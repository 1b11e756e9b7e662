//! The whole program as one function of its arguments and the outside.

use crate::cli::{Cli, Command, ErrorFormat, Global};
use crate::commands;
use crate::error::Error;
use crate::system::{System, browser};
use crate::warm;
use clap::Parser;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

/// Runs the command line `args` (the program's name first) and returns the exit code. On failure nothing has been
/// written to stdout.
pub fn run(args: impl IntoIterator<Item = OsString>, system: &mut System) -> u8 {
    let args = by_name(args.into_iter().collect());
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return refuse(&args, &error, system),
    };
    start_log(&cli.global);
    match dispatch(cli.command, &cli.global, system) {
        Ok(code) => {
            warm::remember(&args, system);
            code
        }
        Err(error) => {
            report(&error, cli.global.error_format, system);
            error.code().exit_code()
        }
    }
}

fn dispatch(command: Command, global: &Global, system: &mut System) -> Result<u8, Error> {
    match command {
        Command::Get(args) => commands::get(system, global, &args),
        Command::Reject(args) => commands::reject(system, global, &args),
        Command::Login(args) => commands::login(system, global, &args),
        Command::Logout(args) => commands::logout(system, global, &args),
        Command::Import(args) => commands::import(system, global, &args),
        Command::Status(args) => commands::status(system, global, &args),
        Command::Exec(args) => commands::exec(system, global, &args),
        Command::Helper(args) => commands::helper(system, global, &args.protocol),
        Command::Keygen => commands::keygen(system),
        Command::OpenUrl { url } => Ok(u8::from(!browser::opens(&url))),
        Command::Setup(args) => commands::setup(system, global, &args),
    }
}

/// Called by the name that git or Bazel looks for, the program is that helper.
fn by_name(args: Vec<OsString>) -> Vec<OsString> {
    let Some(protocol) = args.first().and_then(|name| protocol(name)) else { return args };
    let begin = ["zoho-cred", "helper", protocol].map(OsString::from);
    begin.into_iter().chain(args.into_iter().skip(1)).collect()
}

/// The protocol of the helper that a program of this name is.
pub(crate) fn protocol(name: &OsStr) -> Option<&'static str> {
    match Path::new(name).file_stem()?.to_str()? {
        "git-credential-zoho" => Some("git"),
        "credential-helper-zoho" => Some("uri"),
        _ => None,
    }
}

/// clap's own words: help and version go to stdout, complaints become our error.
fn refuse(args: &[OsString], error: &clap::Error, system: &mut System) -> u8 {
    if !error.use_stderr() {
        return match system.print(error.render().to_string().as_bytes()) {
            Ok(()) => 0,
            Err(error) => error.code().exit_code(),
        };
    }
    let words = error.render().to_string();
    let first = words.trim_start_matches("error: ").lines().next().unwrap_or_default().trim().to_owned();
    let json = args.windows(2).any(|pair| pair[0] == "--error-format" && pair[1] == "json")
        || args.iter().any(|arg| arg == "--error-format=json");
    match (json, error.kind()) {
        (false, clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) => {
            system.say(words.trim_end())
        }
        (json, _) => {
            let format = if json { ErrorFormat::Json } else { ErrorFormat::Text };
            report(&Error::Usage(first), format, system);
        }
    }
    2
}

/// Writes an error to stderr: `error[CODE]: …`, then `cause:` and `hint:` lines, or one line of JSON.
pub fn report(error: &Error, format: ErrorFormat, system: &System) {
    let text = match format {
        ErrorFormat::Text => {
            let mut lines = vec![format!("zoho-cred: error[{}]: {}", error.code().word(), error.message())];
            lines.extend(error.cause().map(|cause| format!("zoho-cred: cause: {cause}")));
            lines.extend(error.hint().map(|hint| format!("zoho-cred: hint: {hint}")));
            lines.join("\n")
        }
        ErrorFormat::Json => {
            let code = error.code();
            serde_json::json!({"error": {
                "code": code.word(),
                "message": error.message(),
                "hint": error.hint(),
                "retryable": code.retryable(),
                "retry_after_s": error.retry_after().map(|after| after.as_secs()),
                "exit_code": code.exit_code(),
            }})
            .to_string()
        }
    };
    system.say(&text);
}

/// Our own log only: other crates' could hold what ours never does.
fn start_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) | (_, 0) => return,
        (_, 1) => log::LevelFilter::Info,
        (_, _) => log::LevelFilter::Debug,
    };
    let started = env_logger::Builder::new()
        .filter_module("zoho_cred", level)
        .format(|buffer, record| writeln!(buffer, "zoho-cred: {}: {}", record.level(), record.args()))
        .try_init();
    if started.is_err() {
        log::debug!("another logger is at work");
    }
}
