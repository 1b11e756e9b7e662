//! `--flow self-client`: a code that the API console generated.

use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::prompts::bad_answer;
use crate::login::{ask_secret, read_code};
use crate::model::Profile;
use crate::oauth::callback::is_code;
use crate::system::System;
use std::path::Path;

/// Reads the code from a file, stdin or a prompt.
pub fn code(
    system: &mut System,
    profile: &Profile,
    code_file: Option<&Path>,
) -> Result<AuthorizationCode, Error> {
    let code = read_code(system, code_file, |system| {
        let console =
            profile.data_center.map_or(tr!("the API console"), |dc| format!("https://{}", dc.console_host));
        system.say(&tr!("zoho-cred: in {console}, choose Self Client, then Generate Code", console));
        if !profile.scopes.is_empty() {
            system.say(&tr!("zoho-cred: with the scope {scopes}", scopes = profile.scopes.join(",")));
        }
        ask_secret(system, &tr!("Code"), "--code-file")
    })?;
    if is_code(code.expose()) {
        Ok(AuthorizationCode {
            code,
            redirect_uri: None,
            verifier: None,
            accounts_url: profile.accounts_url.clone(),
        })
    } else {
        Err(bad_answer(tr!("that is not a code from the API console")))
    }
}
