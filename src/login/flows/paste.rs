//! `--flow paste`: works with any registered redirect URI; the user pastes the redirected URL.

use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::redirect::{ConsentRequest, Unusable};
use crate::login::prompts::{code_of_stdin, read_line, reject};
use crate::login::{display, read_secret_file, wrong};
use crate::model::Profile;
use crate::system::System;
use std::path::Path;

/// Prints the URL of the consent page and reads the redirected URL or the bare code.
pub(crate) fn code(
    system: &mut System,
    profile: &Profile,
    code_file: Option<&Path>,
    no_pkce: bool,
) -> Result<AuthorizationCode, Error> {
    let request = ConsentRequest::new(profile, no_pkce)?;
    system.say(&tr!("zoho-cred: visit this page in your browser and accept:"));
    display::address(system, &request.url());
    system.say(&tr!(
        "zoho-cred: you will be redirected to a long URL that starts with {address}; the page need not load",
        address = profile.redirect_uri,
    ));
    let text = match code_file {
        Some(path) => read_secret_file(system, path)?,
        None if system.terminal.stdin => return ask(system, request),
        None => code_of_stdin(system)?,
    };
    let pasted = request.pasted(text.expose()).map_err(Unusable::into_error)?;
    Ok(request.granted(pasted))
}

/// Asks until the redirect of this login is pasted.
fn ask(system: &mut System, request: ConsentRequest<'_>) -> Result<AuthorizationCode, Error> {
    loop {
        system.say_part(&format!("{}: ", tr!("Paste the whole URL")));
        let Some(text) = read_line(system)? else {
            return Err(wrong(tr!(
                "nothing was entered; use {flag} to skip the prompt",
                flag = "--code-file"
            )));
        };
        match request.pasted(&text) {
            Ok(pasted) => return Ok(request.granted(pasted)),
            Err(denied @ Unusable::Denied(_)) => return Err(denied.into_error()),
            Err(unusable) => reject(system, &unusable.reason()),
        }
    }
}
