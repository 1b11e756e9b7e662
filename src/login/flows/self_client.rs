//! `--flow self-client`: a code that the API console generated.

use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::prompts::{bad_answer, code_of_stdin};
use crate::login::{ask_secret, read_secret_file};
use crate::model::Profile;
use crate::oauth::callback::looks_like_code;
use crate::system::System;
use std::path::Path;

/// Reads the code from a file, stdin or a prompt.
pub(crate) fn code(
    system: &mut System,
    profile: &Profile,
    code_file: Option<&Path>,
) -> Result<AuthorizationCode, Error> {
    let check = |code: &str| {
        if looks_like_code(code) { Ok(()) } else { Err(tr!("that is not a code from the API console")) }
    };
    let code = match code_file {
        Some(path) => read_secret_file(system, path)?,
        None if system.terminal.stdin => {
            explain(system, profile);
            ask_secret(system, &tr!("Code"), "--code-file", check)?
        }
        None => code_of_stdin(system)?,
    };
    check(code.expose()).map_err(bad_answer)?;
    let accounts_url = profile.accounts_url.clone();
    Ok(AuthorizationCode { code, redirect_uri: None, verifier: None, accounts_url })
}

fn explain(system: &System, profile: &Profile) {
    let console =
        profile.data_center.map_or(tr!("the API console"), |dc| format!("https://{}", dc.console_host));
    system.say(&tr!("zoho-cred: in {console}, choose Self Client, then Generate Code", console));
    if !profile.scopes.is_empty() {
        system.say(&tr!("zoho-cred: enter this scope, press CREATE, and copy the code:"));
        system.say_as_it_is(&format!("\n  {}\n", profile.scopes.join(",")));
    }
}
