//! `--flow refresh-token`: an existing refresh token.

use crate::cli::LoginArgs;
use crate::config::environment;
use crate::error::Error;
use crate::i18n::tr;
use crate::login::ask_secret;
use crate::login::prompts::{bad_answer, given_secret};
use crate::model::is_well_formed;
use crate::secret::Secret;
use crate::system::System;

/// Reads the refresh token from its file, the environment, stdin, or a prompt.
pub(crate) fn refresh_token(system: &mut System, args: &LoginArgs) -> Result<Secret, Error> {
    let file = args.refresh_token_file.as_deref();
    let from_environment = if file.is_none() { environment::refresh_token(&system.env)? } else { None };
    let given = match from_environment {
        Some(token) => Some(token),
        None => given_secret(system, file, || {
            tr!("the refresh token is missing: use --refresh-token-file, or write it to stdin")
        })?,
    };
    match given {
        Some(token) => check(token.expose()).map_err(bad_answer).map(|()| token),
        None => ask_secret(system, &tr!("Refresh token"), "--refresh-token-file", check),
    }
}

pub(crate) fn check(token: &str) -> Result<(), String> {
    if is_well_formed(token) { Ok(()) } else { Err(tr!("that is not a refresh token")) }
}
