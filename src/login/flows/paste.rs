//! `--flow paste`: works with any registered redirect URI; the user pastes the redirected URL.

use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::{denied, untrusted};
use crate::login::prompts::bad_answer;
use crate::login::{ask, display, random, read_code};
use crate::model::Profile;
use crate::oauth::authorize;
use crate::oauth::callback::{self, Callback, Pasted};
use crate::secret::Secret;
use crate::system::System;
use std::path::Path;

/// Prints the URL of the consent page and reads the redirected URL or the bare code.
pub fn code(
    system: &mut System,
    profile: &Profile,
    code_file: Option<&Path>,
    no_pkce: bool,
) -> Result<AuthorizationCode, Error> {
    let (state, pkce) = (random::state()?, random::pkce(no_pkce)?);
    let url = authorize::url(profile, &state, pkce.as_ref().map(|pkce| pkce.challenge.as_str()));
    system.say(&tr!("zoho-cred: visit this page in your browser and accept:"));
    display::address(system, &url);
    system.say(&tr!(
        "zoho-cred: you will be redirected to a long URL that starts with {address}; the page need not load",
        address = profile.redirect_uri,
    ));
    let text = read_code(system, code_file, |system| {
        ask(system, &tr!("Paste the whole URL"), "--code-file").map(Secret::new)
    })?;
    let own = &profile.accounts_url;
    let (code, accounts_url) = match callback::pasted(text.expose()) {
        Some(Pasted::Code(code)) => (code, own.clone()),
        Some(Pasted::Query(query)) => match callback::read(&query, &state, own) {
            Callback::Granted { code, accounts } => (code, accounts),
            Callback::Denied(error) | Callback::Stray(error) => return Err(denied(&error)),
            Callback::Untrusted(problem) => return Err(untrusted(problem)),
            Callback::Foreign => {
                let problem = tr!("its state is not the one of this login");
                return Err(untrusted(problem));
            }
        },
        None => {
            let problem = tr!("that is neither the redirected URL nor a code");
            return Err(bad_answer(problem));
        }
    };
    let redirect_uri = Some(profile.redirect_uri.clone());
    Ok(AuthorizationCode { code, redirect_uri, verifier: pkce.map(|pkce| pkce.verifier), accounts_url })
}
