//! `--flow refresh-token`: an existing refresh token.

use crate::cli::LoginArgs;
use crate::config::environment;
use crate::error::Error;
use crate::i18n::tr;
use crate::login::prompts::bad_answer;
use crate::login::{ask_secret, read_secret_file, wrong};
use crate::model::is_well_formed;
use crate::secret::Secret;
use crate::system::System;

/// Reads the refresh token from its file, the environment, stdin, or a prompt.
pub(crate) fn refresh_token(system: &mut System, args: &LoginArgs) -> Result<Secret, Error> {
    let token = match &args.refresh_token_file {
        Some(path) => read_secret_file(system, path)?,
        None => match environment::refresh_token(&system.env)? {
            Some(token) => token,
            None if system.terminal.stdin => {
                ask_secret(system, &tr!("Refresh token"), "--refresh-token-file", check)?
            }
            None => read_secret_file(system, "-".as_ref()).map_err(|_| {
                wrong(tr!("the refresh token is missing: use --refresh-token-file, or write it to stdin"))
            })?,
        },
    };
    check(token.expose()).map_err(bad_answer)?;
    Ok(token)
}

pub(crate) fn check(token: &str) -> Result<(), String> {
    if is_well_formed(token) { Ok(()) } else { Err(tr!("that is not a refresh token")) }
}
