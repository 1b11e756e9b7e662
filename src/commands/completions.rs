//! `completions`: the completion scripts of the shells.
//!
//! A script calls this program at every completion, because profiles, scopes and commands are not known beforehand.

use crate::cli::{Cli, Global};
use crate::commands::session::read_config;
use crate::error::Error;
use crate::i18n::tr;
use crate::system::{System, process};
use crate::zoho::{data_center, products, scopes};
use clap::{Command, CommandFactory, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, PathCompleter, ValueCompleter};
use clap_complete::env::{CompleteEnv, Shells};
use clap_complete::{CompletionCandidate, Shell};
use std::ffi::{OsStr, OsString};
use std::io::Write;

/// Set by the completion script; the value is the shell's name.
const VARIABLE: &str = "_ZOHO_CRED_COMPLETE";

pub(crate) fn run(system: &mut System, shell: Shell) -> Result<u8, Error> {
    let mut script = Vec::new();
    let name = shell.to_string();
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
    let engine = CompleteEnv::with_factory(|| with_candidates(Cli::command())).var(VARIABLE);
    let completed = engine.try_complete(args.iter().cloned(), None);
    // The engine writes to Rust's stdout directly, so flush that buffer.
    let _ = std::io::stdout().flush();
    completed.unwrap_or_else(|error| {
        system.say(&error.render().to_string());
        true
    })
}

/// The clap command with candidates for what the definitions do not list.
fn with_candidates(command: Command) -> Command {
    let is_exec = command.get_name() == "exec";
    let command = command.mut_args(|arg| match arg.get_id().as_str() {
        "profile" | "profile_flag" => arg.add(ArgValueCandidates::new(profiles)),
        "data_center" => arg.add(ArgValueCandidates::new(data_centers)),
        "product" => arg.add(ArgValueCandidates::new(all_products)),
        "scopes" => arg.add(ArgValueCompleter::new(scopes)),
        "command" if is_exec => arg.add(ArgValueCompleter::new(CommandLine)),
        id if ["config", "input"].contains(&id) || id.ends_with("file") => {
            arg.value_hint(ValueHint::FilePath)
        }
        "dir" => arg.value_hint(ValueHint::DirPath),
        _ => arg,
    });
    command.mut_subcommands(with_candidates)
}

/// An unreadable config has no profiles; the next command reports the error.
fn profiles() -> Vec<CompletionCandidate> {
    let config = read_config(&System::real(), &Global::default(), false);
    config
        .map(|config| config.names())
        .unwrap_or_default()
        .into_iter()
        .map(CompletionCandidate::new)
        .collect()
}

fn data_centers() -> Vec<CompletionCandidate> {
    let all = data_center::ALL.iter();
    all.map(|dc| CompletionCandidate::new(dc.code).help(Some(dc.product_domain.into()))).collect()
}

fn all_products() -> Vec<CompletionCandidate> {
    let all = products::all().iter();
    all.map(|product| CompletionCandidate::new(&product.name).help(Some(product.title.clone().into())))
        .collect()
}

/// Completes the last one of a list separated by commas.
fn scopes(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let (before, last) = current.rsplit_once(',').map_or(("", &*current), |(before, last)| (before, last));
    let before = if before.is_empty() { String::new() } else { format!("{before},") };
    let begins = |scope: &&str| scope.to_lowercase().starts_with(&last.to_lowercase());
    let all = scopes::presets().chain(scopes::known()).filter(begins);
    all.map(|scope| CompletionCandidate::new(format!("{before}{scope}"))).collect()
}

/// The command of `exec`, then its arguments.
struct CommandLine;

impl ValueCompleter for CommandLine {
    fn complete(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        self.complete_at(0, current)
    }

    fn complete_at(&self, index: usize, current: &OsStr) -> Vec<CompletionCandidate> {
        let is_path = current.to_string_lossy().contains('/');
        if index > 0 || is_path {
            return PathCompleter::any().complete(current);
        }
        let path = System::real().env.get("PATH").map(str::to_owned).unwrap_or_default();
        process::programs(&path, &current.to_string_lossy())
            .into_iter()
            .map(CompletionCandidate::new)
            .collect()
    }
}
