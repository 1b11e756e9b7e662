//! `--flow self-client`: a code that the API console generated.

use crate::cli::LoginArgs;
use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::prompts::{bad_answer, given_code};
use crate::login::{ask_secret, guide};
use crate::model::Profile;
use crate::oauth::callback::looks_like_code;
use crate::system::System;

/// Reads the code from a file, stdin or a prompt.
pub(crate) fn code(
    system: &mut System,
    profile: &Profile,
    args: &LoginArgs,
) -> Result<AuthorizationCode, Error> {
    let code = match given_code(system, args)? {
        Some(code) => {
            check(code.expose()).map_err(bad_answer)?;
            code
        }
        None => {
            explain(system, profile);
            ask_secret(system, &tr!("Code"), "--code-file", check)?
        }
    };
    let accounts_url = profile.accounts_url.clone();
    Ok(AuthorizationCode { code, redirect_uri: None, verifier: None, accounts_url })
}

fn check(code: &str) -> Result<(), String> {
    if looks_like_code(code) { Ok(()) } else { Err(tr!("that is not a code from the API console")) }
}

fn explain(system: &System, profile: &Profile) {
    let console = guide::console(profile.data_center);
    system.say(&tr!("zoho-cred: in {console}, choose Self Client, then Generate Code", console));
    if !profile.scopes.is_empty() {
        system.say(&tr!("zoho-cred: enter this scope, press CREATE, and copy the code:"));
        system.say_as_it_is(&format!("\n  {}\n", profile.scopes.join(",")));
    }
}
