//! What clap finds wrong with a command line, as an error of ours: one sentence in the language of the call, and what
//! was probably meant.

use super::Cli;
use crate::config::nearest;
use crate::error::Error;
use crate::words::t;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory};
use std::error::Error as _;
use std::ffi::OsString;

/// The complaint about `args` as [`Error::CommandLine`].
pub fn complaint(error: &clap::Error, args: &[OsString]) -> Error {
    let mut root = Cli::command();
    root.build();
    let command = meant(&root, args);
    let suggested =
        [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
            .into_iter()
            .find_map(|kind| text(error, kind));
    Error::CommandLine {
        problem: problem(error).unwrap_or_else(|| first_line(error)),
        nearest: near(error, command).or(suggested),
        command: command.get_bin_name().unwrap_or("zoho-cred").to_owned(),
    }
}

/// The command that `args` mean, as far as its names are right.
fn meant<'a>(root: &'a Command, args: &[OsString]) -> &'a Command {
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

/// What was meant. clap sees no likeness where two letters changed places, and may name several.
fn near(error: &clap::Error, command: &Command) -> Option<String> {
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = text(error, ContextKind::InvalidSubcommand)?;
            nearest(&word, command.get_subcommands().map(Command::get_name)).map(str::to_owned)
        }
        ErrorKind::UnknownArgument => {
            let word = text(error, ContextKind::InvalidArg)?;
            let flags = command.get_arguments().filter_map(Arg::get_long);
            nearest(word.strip_prefix("--")?, flags).map(|near| format!("--{near}"))
        }
        _ => None,
    }
}

fn problem(error: &clap::Error) -> Option<String> {
    let get = |kind| text(error, kind);
    let argument = || get(ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => t!("unexpected argument '{argument}' found", argument = argument()?),
        ErrorKind::InvalidSubcommand => {
            t!("unrecognized subcommand '{name}'", name = get(ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingSubcommand => t!(
            "'{command}' requires a subcommand but one was not provided: {choices}",
            command = get(ContextKind::InvalidSubcommand)?,
            choices = get(ContextKind::ValidSubcommand)?,
        ),
        ErrorKind::MissingRequiredArgument => {
            t!("the following required arguments were not provided: {arguments}", arguments = argument()?)
        }
        ErrorKind::ArgumentConflict => t!(
            "the argument '{argument}' cannot be used with '{other}'",
            argument = argument()?,
            other = get(ContextKind::PriorArg)?,
        ),
        ErrorKind::InvalidValue if get(ContextKind::InvalidValue)?.is_empty() => {
            t!("a value is required for '{argument}' but none was supplied", argument = argument()?)
        }
        ErrorKind::InvalidValue => t!(
            "invalid value '{value}' for '{argument}', which is one of {choices}",
            value = get(ContextKind::InvalidValue)?,
            argument = argument()?,
            choices = get(ContextKind::ValidValue)?,
        ),
        ErrorKind::ValueValidation => t!(
            "invalid value '{value}' for '{argument}': {why}",
            value = get(ContextKind::InvalidValue)?,
            argument = argument()?,
            why = error.source()?,
        ),
        _ => return None,
    })
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) if texts.is_empty() => None,
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        _ => None,
    }
}

/// clap's own words, where we have none: it says the rest of them in further lines.
fn first_line(error: &clap::Error) -> String {
    let words = error.render().to_string();
    words.trim_start_matches("error: ").lines().next().unwrap_or_default().trim().to_owned()
}
