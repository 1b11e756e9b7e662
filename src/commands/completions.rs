//! `completions`: what makes a shell complete our command line, profile names included.
//!
//! The shell is given a few lines that ask this program at every press of the key: names of profiles are not known
//! beforehand.

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

/// The variable by which a shell asks; its value is the shell's name.
const VARIABLE: &str = "_ZOHO_CRED_COMPLETE";

/// Prints the lines for one shell.
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
        _ => Err(Error::Usage {
            problem: tr!("there are no completions for {name}", name),
            command: "zoho-cred completions",
        }),
    }
}

/// Answers a shell that asks; `false` where none does.
pub(crate) fn complete(args: &[OsString], system: &System) -> bool {
    if system.env.get(VARIABLE).is_none() {
        return false;
    }
    let completed = CompleteEnv::with_factory(command).var(VARIABLE).try_complete(args.iter().cloned(), None);
    // It writes past us, and nobody else empties what Rust holds back.
    let _ = std::io::stdout().flush();
    completed.unwrap_or_else(|error| {
        system.say(&error.render().to_string());
        true
    })
}

/// The command line with the names that a profile can have.
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

/// A config that cannot be read has no names; the next call says why.
fn names() -> Vec<CompletionCandidate> {
    let config = read_config(&System::real(), &Global::default(), false);
    config
        .map(|config| config.names())
        .unwrap_or_default()
        .into_iter()
        .map(CompletionCandidate::new)
        .collect()
}
