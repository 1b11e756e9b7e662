//! `--flow browser`: opens the consent page and receives the redirect on a loopback address.

use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::{denied, timed_out, untrusted};
use crate::login::listener::{Listener, ResponsePage};
use crate::login::{display, random};
use crate::model::Profile;
use crate::oauth::authorize;
use crate::oauth::callback::{self, Callback};
use crate::oauth::pkce::Pkce;
use crate::system::browser::is_at_hand;
use crate::system::peer::Peer;
use crate::system::{Deadline, System};
use std::time::Duration;

/// Flags of the browser flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choices {
    pub(crate) no_browser: bool,
    pub(crate) no_pkce: bool,
    /// How long to wait for the redirect.
    pub(crate) timeout: Duration,
}

/// Opens the consent page and waits for the redirect with our state.
pub fn code(system: &System, profile: &Profile, choices: Choices) -> Result<AuthorizationCode, Error> {
    let listener = Listener::bind(&profile.redirect_uri)?;
    let (state, pkce) = (random::state()?, random::pkce(choices.no_pkce)?);
    let url = authorize::url(profile, &state, pkce.as_ref().map(|pkce| pkce.challenge.as_str()));
    show_url(system, &url, choices);
    let deadline = Deadline::after(&*system.clock, choices.timeout);
    let (mut strays, mut strangers) = (0u64, 0u64);
    let _spinner = system.show_spinner(&tr!("waiting for consent"), Some(choices.timeout));
    loop {
        let Some(arrival) = listener.next(deadline.remaining(&*system.clock)) else {
            return Err(timed_out());
        };
        if arrival.peer() == Peer::Other {
            arrival.answer(ResponsePage::Refused);
            strangers += 1;
            if strangers == 1 {
                system.warn(&tr!(
                    "rejected a redirect from another user's process; if it was your browser, log in with --flow paste"
                ));
            }
            continue;
        }
        match callback::read(arrival.query(), &state, &profile.accounts_url) {
            Callback::Granted { code, accounts } => {
                arrival.answer(ResponsePage::Granted);
                let redirect_uri = Some(profile.redirect_uri.clone());
                let verifier = pkce.map(|Pkce { verifier, .. }| verifier);
                return Ok(AuthorizationCode { code, redirect_uri, verifier, accounts_url: accounts });
            }
            Callback::Denied(error) => {
                arrival.answer(ResponsePage::Denied);
                return Err(denied(&error));
            }
            Callback::Untrusted(problem) => {
                arrival.answer(ResponsePage::Refused);
                return Err(untrusted(problem));
            }
            Callback::Stray(error) => {
                arrival.answer(ResponsePage::Foreign);
                strays += 1;
                if strays == 1 {
                    system.warn(&tr!(
                        "ignored a redirect with error={error} but without this login's state; still waiting",
                        error
                    ));
                }
                log::debug!("{strays} redirects without a state so far");
            }
            Callback::Foreign => arrival.answer(ResponsePage::Foreign),
        }
    }
}

fn show_url(system: &System, url: &str, choices: Choices) {
    let opened = if choices.no_browser {
        false
    } else {
        system.browser.open(url).map_err(|problem| log::info!("no browser was opened: {problem}")).is_ok()
    };
    if opened && is_at_hand(&system.env) {
        system.say(&tr!("zoho-cred: opened the consent page in your browser; if you do not see it, visit:"))
    } else {
        system.say(&tr!("zoho-cred: visit this page in your browser and accept:"))
    }
    display::address(system, url);
    let wait = crate::i18n::humanize(choices.timeout);
    system.say(&tr!("zoho-cred: waiting up to {wait} for the redirect", wait));
}
