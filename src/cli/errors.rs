//! Converts clap's errors to ours: one sentence in the user's language, and a suggestion.

use crate::cli::Cli;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::nearest::{did_you_mean, nearest};
use crate::sanitize::mask_argument;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};
use std::error::Error as _;
use std::ffi::OsString;

pub(crate) fn clap_error(error: &clap::Error, args: &[OsString]) -> Error {
    let mut root = Cli::command();
    root.build();
    let command = innermost_command(&root, args);
    let suggested =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| text(error, kind));
    let problem = problem(error, command).unwrap_or_else(|| first_line(error));
    match suggestion(error, command).or(suggested) {
        Some(near) => Error::new(Code::Usage, problem, did_you_mean(&near)),
        None => Error::usage(problem, command.get_bin_name().unwrap_or("zoho-cred")),
    }
}

/// The innermost subcommand named in `args`.
fn innermost_command<'a>(root: &'a Command, args: &[OsString]) -> &'a Command {
    let mut command = root;
    for arg in args.iter().skip(1) {
        match command.find_subcommand(arg) {
            Some(sub) => command = sub,
            None if arg == "--" => break,
            None => {}
        }
    }
    command
}

/// The suggestion. clap's own does not recognize transposed letters, and may list several.
fn suggestion(error: &clap::Error, command: &Command) -> Option<String> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = text(error, ContextKind::InvalidSubcommand)?;
            let names = || command.get_subcommands().map(Command::get_name);
            synonym(&word, &COMMANDS, names()).or_else(|| nearest(&word, names()).map(str::to_owned))
        }
        ErrorKind::UnknownArgument => {
            let word = text(error, ContextKind::InvalidArg)?;
            let flags = || command.get_arguments().filter_map(Arg::get_long);
            match word.strip_prefix("--") {
                Some(flag) => synonym(flag, &FLAGS, flags())
                    .or_else(|| nearest(flag, flags()).map(str::to_owned))
                    .map(|flag| format!("--{flag}")),
                // Probably the command for `exec`, given without `--`.
                None if command.get_name() == "exec" && !word.starts_with('-') => Some(format!("-- {word}")),
                None => None,
            }
        }
        ErrorKind::InvalidValue => {
            let Some(ContextValue::Strings(values)) = error.get(ContextKind::ValidValue) else { return None };
            nearest(&text(error, ContextKind::InvalidValue)?, values.iter().map(String::as_str))
                .map(str::to_owned)
        }
        _ => None,
    }
}

/// Words of other tools for our commands.
const COMMANDS: [(&str, &str); 16] = [
    ("token", "get"),
    ("print", "get"),
    ("access-token", "get"),
    ("refresh", "get --refresh"),
    ("auth", "login"),
    ("signin", "login"),
    ("configure", "login"),
    ("init", "login"),
    ("signout", "logout"),
    ("revoke", "logout"),
    ("ls", "list"),
    ("profiles", "list"),
    ("show", "status"),
    ("whoami", "status"),
    ("check", "doctor"),
    ("run", "exec"),
];

/// Words of other tools for our flags.
const FLAGS: [(&str, &str); 14] = [
    ("code", "code-file"),
    ("format", "output"),
    ("json", "output json"),
    ("dc", "data-center"),
    ("region", "data-center"),
    ("location", "data-center"),
    ("account", "profile"),
    ("user", "profile"),
    ("name", "profile"),
    ("force", "refresh"),
    ("no-cache", "refresh"),
    ("cached", "offline"),
    ("file", "output-file"),
    ("validity", "min-ttl"),
];

/// What `word` of another tool is called here, if it is among `names`.
fn synonym<'a>(
    word: &str,
    synonyms: &[(&str, &str)],
    mut names: impl Iterator<Item = &'a str>,
) -> Option<String> {
    let (_, ours) = synonyms.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(word))?;
    let name = ours.split(' ').next()?;
    names.any(|known| known == name).then(|| (*ours).to_owned())
}

fn problem(error: &clap::Error, command: &Command) -> Option<String> {
    let get = |kind| text(error, kind);
    let argument = || get(ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => tr!("unexpected argument '{argument}' found", argument = argument()?),
        ErrorKind::InvalidSubcommand => {
            tr!("unrecognized subcommand '{name}'", name = get(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingSubcommand => tr!(
            "'{command}' requires a subcommand but one was not provided: {choices}",
            command = get(ContextKind::InvalidSubcommand)?,
            choices = get(ContextKind::ValidSubcommand)?,
        ),
        ErrorKind::MissingRequiredArgument => {
            let arguments = argument()?;
            match choices(command, &arguments) {
                Some(choices) => tr!("{arguments} is missing: use one of {choices}", arguments, choices),
                None => tr!("the following required arguments were not provided: {arguments}", arguments),
            }
        }
        ErrorKind::TooManyValues => tr!(
            "unexpected value '{value}' for '{argument}', which takes no value",
            value = get(ContextKind::InvalidValue)?,
            argument = argument()?,
        ),
        ErrorKind::ArgumentConflict => tr!(
            "the argument '{argument}' cannot be used with '{other}'",
            argument = argument()?,
            other = get(ContextKind::PriorArg)?,
        ),
        ErrorKind::InvalidValue if get(ContextKind::InvalidValue)?.is_empty() => {
            tr!("a value is required for '{argument}' but none was supplied", argument = argument()?)
        }
        ErrorKind::InvalidValue => tr!(
            "invalid value '{value}' for '{argument}': use one of {choices}",
            value = get(ContextKind::InvalidValue)?,
            argument = argument()?,
            choices = get(ContextKind::ValidValue)?,
        ),
        ErrorKind::ValueValidation => tr!(
            "invalid value '{value}' for '{argument}': {why}",
            value = get(ContextKind::InvalidValue)?,
            argument = argument()?,
            why = mask_argument(&error.source()?.to_string()),
        ),
        _ => return None,
    })
}

/// The possible values of an argument, if it has any.
fn choices(command: &Command, argument: &str) -> Option<String> {
    let arg = command.get_arguments().find(|arg| arg.to_string() == argument)?;
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(mask_argument(text)),
        ContextValue::Strings(texts) if texts.is_empty() => None,
        ContextValue::Strings(texts) => Some(mask_argument(&texts.join(", "))),
        _ => None,
    }
}

/// The first line of clap's own message, for errors that have no translation.
fn first_line(error: &clap::Error) -> String {
    let message = error.render().to_string();
    mask_argument(message.trim_start_matches("error: ").lines().next().unwrap_or_default().trim())
}
