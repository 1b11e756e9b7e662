//! `exec`: runs a command with an access token in its environment.

use crate::cli::{EnvValue, ExecArgs, Global};
use crate::commands::Session;
use crate::commands::token::token;
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::model::MinTtl;
use crate::output::{USED_FOR_A_WHILE, View, header, variables};
use crate::refresh::TokenRequest;
use crate::system::{System, process};
use std::io::{self, ErrorKind};

/// The variables that `--env` can replace. They are removed first, because an outer `exec` may have set them and a token
/// must not be combined with another profile's API domain.
const DEFAULTS: [(EnvValue, &str); 3] = [
    (EnvValue::Token, "ZOHO_ACCESS_TOKEN"),
    (EnvValue::ApiDomain, "ZOHO_API_DOMAIN"),
    (EnvValue::ExpiresAt, "ZOHO_ACCESS_TOKEN_EXPIRES_AT"),
];

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
    let scheme = args.token.scheme.unwrap_or(session.profile.scheme);
    let view = View::of(&session.profile, scheme, &response.record, system.clock.now())?;
    let (program, rest) =
        args.command.split_first().ok_or_else(|| Error::usage(tr!("which command?"), "zoho-cred exec"))?;
    // Ctrl-C is for the command.
    system.signals.hold();
    process::become_program(program, rest, &environment(&view, args), &DEFAULTS.map(|(_, name)| name))
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
    let is_moved = |name: &str| args.env.iter().any(|rename| default_variable(rename.value) == Some(name));
    let kept = defaults.iter().filter(|(name, _)| !is_moved(name));
    let kept = kept.map(|(name, value)| ((*name).to_owned(), value.clone()));
    let renamed = args.env.iter().filter_map(|rename| {
        let value = match default_variable(rename.value) {
            Some(variable) => defaults.iter().find(|(name, _)| *name == variable)?.1.clone(),
            None => header(view),
        };
        Some((rename.name.clone(), value))
    });
    kept.chain(renamed).collect()
}

fn default_variable(value: EnvValue) -> Option<&'static str> {
    DEFAULTS.iter().find(|(known, _)| *known == value).map(|(_, name)| *name)
}
