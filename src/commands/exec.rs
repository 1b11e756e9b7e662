//! `exec`: runs a command with an access token in its environment.

use crate::cli::{ExecArgs, Global};
use crate::commands::Session;
use crate::commands::token::token;
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::model::MinTtl;
use crate::output::{USED_FOR_A_WHILE, View, variables};
use crate::refresh::TokenRequest;
use crate::system::{System, process};
use std::io::{self, ErrorKind};

/// Gets a token and replaces this process with the command. Long-lived credentials are removed from its
/// environment.
pub(crate) fn run(system: &mut System, global: &Global, args: &ExecArgs) -> Result<u8, Error> {
    let mut session = Session::open(system, global, args.profile.as_deref())?;
    let min_ttl = args.token.min_ttl.map_or(MinTtl::Implied(USED_FOR_A_WHILE), MinTtl::Explicit);
    let request = TokenRequest { wait: args.token.wait, ..TokenRequest::new(min_ttl, args.token.timeout) };
    let response = token(&mut session, system, &request)?;
    if let Some(warning) = &response.warning {
        system.warn(warning);
    }
    let profile = &session.profile;
    let view = View::of(profile, profile.scheme, &response.record, system.clock.now())?;
    let (program, rest) =
        args.command.split_first().ok_or_else(|| Error::usage(tr!("which command?"), "zoho-cred exec"))?;
    // Ctrl-C is for the command.
    system.signals.hold();
    process::become_program(program, rest, &variables(&view))
        .map_err(|error| not_run(&program.to_string_lossy(), &error))
}

fn not_run(program: &str, error: &io::Error) -> Error {
    let hint = tr!("check the command after '--', and PATH");
    match error.kind() {
        ErrorKind::NotFound => {
            Error::new(Code::Command(127), tr!("there is no command '{program}'", program), hint)
        }
        _ => Error::new(Code::Command(126), tr!("could not run '{program}'", program), hint)
            .with_cause(causes::cause(error)),
    }
}
