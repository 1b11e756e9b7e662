//! `completions`: the completion scripts of the shells.
//!
//! A script calls this program at every completion, because profile names are not known beforehand.

use crate::cli::{Cli, CompletionsArgs, Global};
use crate::commands::session::read_config;
use crate::error::Error;
use crate::i18n::tr;
use crate::system::System;
use clap::{Command, CommandFactory};
use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCandidates;
use clap_complete::env::{CompleteEnv, Shells};
use std::ffi::OsString;
use std::io::Write;

/// Set by the completion script; the value is the shell's name.
const VARIABLE: &str = "_ZOHO_CRED_COMPLETE";

pub(crate) fn completions(system: &mut System, args: &CompletionsArgs) -> Result<u8, Error> {
    let mut script = Vec::new();
    let name = args.shell.to_string();
    let written = Shells::builtins()
        .completer(&name)
        .map(|shell| shell.write_registration(VARIABLE, "zoho_cred", "zoho-cred", "zoho-cred", &mut script));
    match written {
        Some(Ok(())) => {
            system.print(&script)?;
            Ok(0)
        }
        _ => Err(Error::usage(tr!("there are no completions for {name}", name), "zoho-cred completions")),
    }
}

/// Answers a completion request; returns `false` if this call is none.
pub(crate) fn complete(args: &[OsString], system: &System) -> bool {
    if system.env.get(VARIABLE).is_none() {
        return false;
    }
    let completed = CompleteEnv::with_factory(command).var(VARIABLE).try_complete(args.iter().cloned(), None);
    // The engine writes to Rust's stdout directly, so flush that buffer.
    let _ = std::io::stdout().flush();
    completed.unwrap_or_else(|error| {
        system.say(&error.render().to_string());
        true
    })
}

/// The clap command with profile names as completion candidates.
fn command() -> Command {
    with_names(Cli::command())
}

fn with_names(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_id().as_str() {
        "profile" => arg.add(ArgValueCandidates::new(names)),
        _ => arg,
    });
    command.mut_subcommands(with_names)
}

/// An unreadable config has no names; the next command reports the error.
fn names() -> Vec<CompletionCandidate> {
    let config = read_config(&System::real(), &Global::default(), false);
    config
        .map(|config| config.names())
        .unwrap_or_default()
        .into_iter()
        .map(CompletionCandidate::new)
        .collect()
}
