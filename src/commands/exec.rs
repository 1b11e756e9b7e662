//! `exec`: runs a command with an access token in its environment.

use crate::cli::{EnvValue, ExecArgs, Global};
use crate::commands::Session;
use crate::commands::token::token;
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::model::MinTtl;
use crate::output::{USED_FOR_A_WHILE, View, header_line, variables};
use crate::refresh::TokenRequest;
use crate::system::{System, process};
use std::io::{self, ErrorKind};

/// The variables and their values. All are removed first, because an outer `exec` may have set them and a token
/// must not be combined with another profile's API domain.
const DEFAULT_VARIABLES: [(&str, EnvValue); 3] = [
    ("ZOHO_ACCESS_TOKEN", EnvValue::Token),
    ("ZOHO_API_DOMAIN", EnvValue::ApiDomain),
    ("ZOHO_ACCESS_TOKEN_EXPIRES_AT", EnvValue::ExpiresAt),
];

/// Gets a token and replaces this process with the command. Long-lived credentials are removed from its
/// environment.
pub(crate) fn exec(system: &mut System, global: &Global, args: &ExecArgs) -> Result<u8, Error> {
    let mut session = Session::open(system, global, args.profile.as_deref())?;
    let min_ttl = args.min_ttl.map_or(MinTtl::Implied(USED_FOR_A_WHILE), MinTtl::Explicit);
    let request =
        TokenRequest { min_ttl, timeout: args.timeout, wait: args.wait, refresh: false, offline: false };
    let response = token(&mut session, system, &request)?;
    if let Some(warning) = response.warning.as_ref().filter(|_| !global.verbosity.quiet) {
        system.warn(warning);
    }
    let scheme = args.scheme.unwrap_or(session.profile.scheme);
    let view = View::of(&session.profile, scheme, &response.record, system.clock.now())?;
    let removed = DEFAULT_VARIABLES.map(|(name, _)| name);
    let (program, rest) =
        args.command.split_first().ok_or_else(|| Error::usage(tr!("which command?"), "zoho-cred exec"))?;
    // Ctrl-C is for the command.
    system.signals.hold();
    process::become_program(program, rest, &environment(&view, args), &removed)
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

/// The variables to set. `--env` moves a value from its default variable to another one.
fn environment(view: &View<'_>, args: &ExecArgs) -> Vec<(String, String)> {
    let defaults = variables(view);
    let value_of = |value: EnvValue| {
        if value == EnvValue::Header {
            return Some(header_line(view));
        }
        let (name, _) = DEFAULT_VARIABLES.iter().find(|(_, default)| *default == value)?;
        defaults.iter().find(|(default, _)| default == name).map(|(_, value)| value.clone())
    };
    let is_moved = |value: EnvValue| args.env.iter().any(|rename| rename.value == value);
    let names = DEFAULT_VARIABLES.iter().filter(|(_, value)| !is_moved(*value));
    let names = names.map(|(name, value)| ((*name).to_owned(), *value));
    let renames = args.env.iter().map(|rename| (rename.name.clone(), rename.value));
    let mut set: Vec<_> =
        names.chain(renames).filter_map(|(name, value)| Some((name, value_of(value)?))).collect();
    set.push(("ZOHO_CRED_PROFILE".into(), view.profile.to_owned()));
    set
}
