//! `--flow paste`: works with any registered redirect URI; the user pastes the redirected URL.

use crate::cli::LoginArgs;
use crate::error::Error;
use crate::i18n::tr;
use crate::login::display;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::redirect::ConsentRequest;
use crate::login::prompts::{bad_answer, given_code, read_line};
use crate::model::Profile;
use crate::system::System;

/// Prints the URL of the consent page and reads the redirected URL or the bare code.
pub(crate) fn code(
    system: &mut System,
    profile: &Profile,
    args: &LoginArgs,
) -> Result<AuthorizationCode, Error> {
    let request = ConsentRequest::new(profile, args.no_pkce)?;
    system.say(&tr!("zoho-cred: visit this page in your browser and accept:"));
    display::address(system, &request.url());
    system.say(&tr!(
        "zoho-cred: you will be redirected to a long URL that starts with {address}; the page need not load",
        address = profile.redirect_uri,
    ));
    let pasted = match given_code(system, args)? {
        Some(text) => request.pasted(text.expose())?,
        None => loop {
            system.say_part(&format!("{}: ", tr!("Paste the whole URL")));
            // A file would have to be written after this login has begun.
            let text = read_line(system)?.ok_or_else(|| bad_answer(tr!("nothing was entered")))?;
            if let Some(pasted) = request.typed(system, &text)? {
                break pasted;
            }
        },
    };
    Ok(request.granted(pasted))
}
