//! `exec`: runs a command with an access token in its environment.

use crate::cli::{EnvValue, ExecArgs, Global};
use crate::commands::Session;
use crate::commands::get::token;
use crate::error::Error;
use crate::i18n::tr;
use crate::model::MinTtl;
use crate::output::{USED_FOR_A_WHILE, View, header_line, variables};
use crate::refresh::TokenRequest;
use crate::system::{System, process};
use std::io::ErrorKind;

/// The variables and their values. All are removed first, because an outer `exec` may have set them and a token
/// must not be combined with another profile's API domain.
const USUAL: [(&str, EnvValue); 3] = [
    ("ZOHO_ACCESS_TOKEN", EnvValue::Token),
    ("ZOHO_API_DOMAIN", EnvValue::ApiDomain),
    ("ZOHO_ACCESS_TOKEN_EXPIRES_AT", EnvValue::ExpiresAt),
];

/// Gets a token and replaces this process with the command. Long-lived credentials are removed from its
/// environment.
pub(crate) fn exec(system: &mut System, global: &Global, args: &ExecArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let min_ttl = args.min_ttl.map_or(MinTtl::Implied(USED_FOR_A_WHILE), MinTtl::Explicit);
    let ask =
        TokenRequest { min_ttl, timeout: args.timeout, wait: args.wait, refresh: false, offline: false };
    let obtained = token(&session, system, &ask)?;
    if let Some(warning) = obtained.warning.as_ref().filter(|_| !global.verbosity.quiet) {
        system.warn(warning);
    }
    let scheme = args.scheme.unwrap_or(session.profile.scheme);
    let view = View::of(&session.profile, scheme, &obtained.record, system.clock.now())?;
    let removed = USUAL.map(|(name, _)| name);
    let (program, rest) = args
        .command
        .split_first()
        .ok_or_else(|| Error::Usage { problem: tr!("which command?"), command: "zoho-cred exec" })?;
    process::become_program(program, rest, &environment(&view, args), &removed).map_err(|error| {
        Error::Command {
            program: program.to_string_lossy().into_owned(),
            found: error.kind() != ErrorKind::NotFound,
            problem: error.to_string(),
        }
    })
}

/// The variables to set. `--env` moves a value from its default variable to another one.
fn environment(view: &View<'_>, args: &ExecArgs) -> Vec<(String, String)> {
    let usual = variables(view);
    let value = |held: EnvValue| match held {
        EnvValue::Header => Some(header_line(view)),
        held => {
            let (name, _) = USUAL.iter().find(|(_, usual)| *usual == held)?;
            usual.iter().find(|(usual, _)| usual == name).map(|(_, value)| value.clone())
        }
    };
    let moved = |held: EnvValue| args.env.iter().any(|rename| rename.value == held);
    let mut set: Vec<(String, String)> = Vec::new();
    let stay = USUAL.iter().filter(|(_, held)| !moved(*held));
    set.extend(stay.filter_map(|(name, held)| Some(((*name).to_owned(), value(*held)?))));
    set.extend(args.env.iter().filter_map(|rename| Some((rename.name.clone(), value(rename.value)?))));
    set.push(("ZOHO_CRED_PROFILE".into(), view.profile.to_owned()));
    set
}
