//! The whole program as one function of its arguments and a [`System`].

use crate::cli::{
    Cli, Color, Command, DoctorArgs, ErrorFormat, Global, ReportFormat, StatusArgs, clap_error,
    hide_repeated_globals, parse_alone, translated,
};
use crate::commands;
use crate::error::{Code, Error};
use crate::i18n::{Language, language, speak, tr};
use crate::sanitize::{Sanitized, json, sanitize};
use crate::system::{LabelColor, System, browser};
use clap::builder::StyledStr;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::Path;

/// Runs the command line `args` (the program name first) and returns the exit code. On failure, nothing has been
/// written to stdout.
pub fn run(args: impl IntoIterator<Item = OsString>, system: &mut System) -> u8 {
    let args: Vec<_> = args.into_iter().collect();
    if commands::completions::complete(&args, system) {
        return 0;
    }
    let args = expand_program_name(args);
    let _speaking = speak(if wants_json(&args) { Language::English } else { user_language(system) });
    system.terminal.color = match value_of("--color", &args) {
        Some(Color::Always) => Some(true),
        Some(Color::Never) => Some(false),
        Some(Color::Auto) | None => None,
    };
    let cli = match parse_alone(&args).map_or_else(|| Cli::try_parse_from(&args), Ok) {
        Ok(cli) => cli,
        Err(error) => return report_clap_error(&args, error, system),
    };
    let machine_readable = cli.command.as_ref().is_some_and(is_machine_readable);
    let _speaking = speak(if machine_readable { Language::English } else { language() });
    start_log(&cli.global);
    system.terminal.quiet = cli.global.quiet;
    let outcome = match cli.command {
        Some(command) => dispatch(command, &cli.global, system),
        None => {
            let help = command(&args, system).render_help();
            system.say_styled(drawn(&help, system.styles_stderr()).trim_end());
            return Code::Usage.exit_code();
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            report(&error, cli.global.error_format, system);
            error.code().exit_code()
        }
    }
}

fn dispatch(command: Command, global: &Global, system: &mut System) -> Result<u8, Error> {
    // These two install the handlers later, in `Session::with_ports`: printing a cached token takes no time that a
    // signal could interrupt.
    if !matches!(command, Command::Get(_) | Command::Exec(_)) {
        system.signals.install();
    }
    match command {
        Command::Get(args) => commands::get::run(system, global, &args),
        Command::Reject(args) => commands::reject::run(system, global, &args),
        Command::Login(args) => commands::login::run(system, global, &args),
        Command::Logout(args) => commands::logout::run(system, global, &args),
        Command::Profile(action) => commands::profile::run(system, global, &action),
        Command::Export(args) => commands::export::run(system, global, &args),
        Command::Import(args) => commands::import::run(system, global, &args),
        Command::List { output } => commands::list::run(system, global, output),
        Command::Status(args) => commands::status::run(system, global, &args),
        Command::Doctor(args) => commands::doctor::run(system, global, &args),
        Command::Exec(args) => commands::exec::run(system, global, &args),
        Command::Api(args) => commands::api::run(system, global, &args),
        Command::Helper(protocol) => commands::helper::run(system, global, &protocol),
        Command::Keygen => commands::keygen::run(system),
        Command::Completions { shell } => commands::completions::run(system, shell),
        Command::Man(args) => commands::man::run(system, &args),
        Command::OpenUrl { url } => Ok(u8::from(!browser::opens(&url))),
        Command::Health { file } => commands::health::run(system, &file),
        Command::Setup(args) => commands::setup::run(system, global, &args),
    }
}

/// The setting of the operating system counts on terminals only. The encoding of other outputs is not known there.
fn user_language(system: &System) -> Language {
    let on_terminal = system.terminal.stdout && system.terminal.stderr;
    Language::of(|name| system.env.get(name), || if on_terminal { (system.locale)() } else { None })
}

/// Maps the program names that git and Bazel look for to the `helper` command.
fn expand_program_name(args: Vec<OsString>) -> Vec<OsString> {
    let Some(protocol) = args.first().and_then(|name| protocol(name)) else { return args };
    let helper = ["zoho-cred", "helper", protocol].map(OsString::from);
    helper.into_iter().chain(args.into_iter().skip(1)).collect()
}

/// The helper protocol that belongs to a program name.
fn protocol(name: &OsStr) -> Option<&'static str> {
    match Path::new(name).file_stem()?.to_str()? {
        "git-credential-zoho" => Some("git"),
        "credential-helper-zoho" => Some("uri"),
        _ => None,
    }
}

/// The last value of a flag in unparsed arguments, because help and parse errors depend on some flags, too.
fn value_of<T: ValueEnum>(flag: &str, args: &[OsString]) -> Option<T> {
    let own = args.iter().take_while(|arg| *arg != "--").map(|arg| arg.to_str().unwrap_or_default());
    let mut value = None;
    let mut is_next = false;
    for arg in own {
        if is_next {
            value = Some(arg);
        } else if let Some(joined) = arg.strip_prefix(flag).and_then(|rest| rest.strip_prefix('=')) {
            value = Some(joined);
        }
        is_next = arg == flag;
    }
    T::from_str(value?, false).ok()
}

fn wants_json(args: &[OsString]) -> bool {
    value_of("--error-format", args) == Some(ErrorFormat::Json)
}

/// Whether a program reads the output, which is then in English.
fn is_machine_readable(command: &Command) -> bool {
    match command {
        Command::Helper(_) => true,
        Command::Status(StatusArgs { output, .. })
        | Command::Doctor(DoctorArgs { output, .. })
        | Command::List { output } => *output == ReportFormat::Json,
        _ => false,
    }
}

/// The clap command with help in the user's language.
fn command(args: &[OsString], system: &System) -> clap::Command {
    let long = args.iter().any(|arg| arg == "--help" || arg == "help");
    let command = hide_repeated_globals(Cli::command());
    match language() {
        Language::English => command,
        Language::Translated(_) => translated(command, long, system.terminal.columns()),
    }
}

fn drawn(text: &StyledStr, in_color: bool) -> String {
    if in_color { text.ansi().to_string() } else { text.to_string() }
}

/// Prints help and version on stdout, and reports any other clap error as ours.
fn report_clap_error(args: &[OsString], error: clap::Error, system: &mut System) -> u8 {
    let error = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            command(args, system).try_get_matches_from(args).err().unwrap_or(error)
        }
        _ => error,
    };
    if !error.use_stderr() {
        let text = drawn(&error.render(), system.styles_stdout());
        let Err(error) = system.print(format!("{}\n", text.trim_end()).as_bytes()) else { return 0 };
        let format = if wants_json(args) { ErrorFormat::Json } else { ErrorFormat::Text };
        report(&error, format, system);
        return error.code().exit_code();
    }
    match (wants_json(args), error.kind()) {
        (false, ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) => {
            system.say_styled(drawn(&error.render(), system.styles_stderr()).trim_end());
        }
        (true, _) => report(&clap_error(&error, args), ErrorFormat::Json, system),
        (false, _) => report(&clap_error(&error, args), ErrorFormat::Text, system),
    }
    2
}

/// An error with `--error-format json`, in the order of the contract.
#[derive(Serialize)]
struct ErrorJson<'a> {
    code: &'static str,
    message: Cow<'a, str>,
    hint: Option<Cow<'a, str>>,
    retryable: bool,
    retry_after_s: Option<u64>,
    exit_code: u8,
}

/// Writes an error to stderr: `error[CODE]: …`, then `cause:` and `hint:` lines, or one line of JSON.
pub(crate) fn report(error: &Error, format: ErrorFormat, system: &System) {
    let code = error.code();
    if format == ErrorFormat::Json {
        let error = ErrorJson {
            code: code.word(),
            message: sanitize(error.message()),
            hint: error.hint().map(sanitize),
            retryable: code.retryable(),
            retry_after_s: error.retry_after().map(|after| after.as_secs()),
            exit_code: code.exit_code(),
        };
        return system.say(&json(&HashMap::from([("error", error)])));
    }
    system.say_labeled(&format!("error[{}]:", code.word()), LabelColor::Red, error.message());
    if let Some(cause) = error.cause() {
        system.say_labeled(&tr!("cause:"), LabelColor::Cyan, cause);
    }
    if let Some(hint) = error.hint() {
        system.say_labeled(&tr!("hint:"), LabelColor::Green, hint);
    }
}

/// Logs only this crate's messages: those of other crates could contain secrets.
fn start_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) | (_, 0) => return,
        (_, 1) => log::LevelFilter::Info,
        (_, _) => log::LevelFilter::Debug,
    };
    let started = env_logger::Builder::new()
        .filter_module("zoho_cred", level)
        .format(|buffer, record| {
            writeln!(buffer, "zoho-cred: {}: {}", record.level(), Sanitized(record.args()))
        })
        .try_init();
    if started.is_err() {
        log::debug!("another logger is already set");
    }
}
