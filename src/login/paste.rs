//! `--flow paste`: any registered redirect URI, and the address that the browser ended at.

use super::exchange::Code;
use super::show;
use super::{ask, random, read_code};
use crate::config::Profile;
use crate::error::Error;
use crate::oauth::authorize;
use crate::oauth::callback::{self, Callback, Pasted};
use crate::secret::Secret;
use crate::system::System;
use crate::words::t;
use std::path::Path;

/// Prints the consent page's address and takes the redirected one, or the bare code.
pub fn code(
    system: &mut System,
    profile: &Profile,
    code_file: Option<&Path>,
    no_pkce: bool,
) -> Result<Code, Error> {
    let (state, pkce) = (random::state()?, random::pkce(no_pkce)?);
    let url = authorize::url(profile, &state, pkce.as_ref().map(|pkce| pkce.challenge.as_str()));
    system.say(&t!("zoho-cred: visit this page in your browser and accept:"));
    show::address(system, &url);
    system.say(&t!(
        "zoho-cred: you will end at a long address that begins with {address}; that page need not load",
        address = profile.redirect_uri,
    ));
    let text = read_code(system, code_file, |system| {
        ask(system, &t!("Paste that whole address"), "--code-file").map(Secret::new)
    })?;
    let own = &profile.accounts_url;
    let (code, accounts_url) = match callback::pasted(text.expose()) {
        Some(Pasted::Code(code)) => (code, own.clone()),
        Some(Pasted::Query(query)) => match callback::read(&query, &state, own) {
            Callback::Granted { code, accounts } => (code, accounts),
            Callback::Denied(error) | Callback::Stray(error) => return Err(Error::Denied { error }),
            Callback::Untrusted(problem) => return Err(Error::UntrustedRedirect { problem }),
            Callback::Foreign => {
                let problem = t!("it does not belong to this login: its state is another one");
                return Err(Error::UntrustedRedirect { problem });
            }
        },
        None => {
            let problem = t!("that is neither the redirected address nor a code");
            return Err(Error::BadAnswer { problem });
        }
    };
    let redirect_uri = Some(profile.redirect_uri.clone());
    Ok(Code { code, redirect_uri, verifier: pkce.map(|pkce| pkce.verifier), accounts_url })
}
