//! `--flow browser`: opens the consent page and receives the redirect on a loopback address.

use crate::cli::LoginArgs;
use crate::error::Error;
use crate::i18n::{humanize, tr};
use crate::login::display;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::redirect::ConsentRequest;
use crate::login::flows::{denied, timed_out, untrusted};
use crate::login::listener::{Arrival, Listener, ResponsePage};
use crate::login::prompts::read_line;
use crate::model::{AccountsUrl, Profile};
use crate::oauth::callback::Callback;
use crate::secret::Secret;
use crate::system::browser::is_at_hand;
use crate::system::stdio::has_input;
use crate::system::{Deadline, System};
use std::time::Duration;

/// How often a pasted line and signals are looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Opens the consent page and waits for the redirect with our state, or for a person who pastes it.
pub(crate) fn code(
    system: &mut System,
    profile: &Profile,
    args: &LoginArgs,
) -> Result<AuthorizationCode, Error> {
    let listener = Listener::bind(&profile.redirect_uri)?;
    let request = ConsentRequest::new(profile, args.no_pkce)?;
    let signals = system.signals.clone();
    let granted = signals.while_checked(|| {
        show_url(system, &request.url(), args);
        wait(system, &listener, &request, args.timeout)
    })??;
    Ok(request.granted(granted))
}

fn wait(
    system: &mut System,
    listener: &Listener,
    request: &ConsentRequest<'_>,
    timeout: Duration,
) -> Result<(Secret, AccountsUrl), Error> {
    let deadline = Deadline::after(&*system.clock, timeout);
    let mut warned = Warned::default();
    let _spinner = system.show_spinner(&tr!("waiting for consent"), Some(timeout));
    loop {
        system.signals.check()?;
        let left = deadline.remaining(&*system.clock);
        if left.is_zero() {
            return Err(timed_out());
        }
        if let Some(arrival) = listener.next(left.min(LOOK))
            && let Some(granted) = redirected(system, request, arrival, &mut warned)?
        {
            return Ok(granted);
        }
        if takes_paste(system) && has_input(Duration::ZERO) {
            let Some(text) = read_line(system)?.filter(|text| !text.is_empty()) else { continue };
            if let Some(granted) = request.typed(system, &text)? {
                return Ok(granted);
            }
        }
    }
}

/// What was said once and is not repeated.
#[derive(Default)]
struct Warned {
    stray: bool,
    stranger: bool,
}

/// The code of a redirect to our port, if it is that of this login.
fn redirected(
    system: &System,
    request: &ConsentRequest<'_>,
    arrival: Arrival,
    warned: &mut Warned,
) -> Result<Option<(Secret, AccountsUrl)>, Error> {
    if !arrival.is_own() {
        arrival.answer(ResponsePage::Refused);
        if !std::mem::replace(&mut warned.stranger, true) {
            system.warn(&tr!(
                "rejected a redirect from another user's process; if it was your browser, log in with --flow paste"
            ));
        }
        return Ok(None);
    }
    let (page, granted) = match request.read(arrival.query()) {
        Callback::Granted { code, accounts } => (ResponsePage::Granted, Ok(Some((code, accounts)))),
        Callback::Denied(error) => (ResponsePage::Denied, Err(denied(&error))),
        Callback::Untrusted(problem) => (ResponsePage::Refused, Err(untrusted(problem))),
        Callback::Stray(error) => {
            if !std::mem::replace(&mut warned.stray, true) {
                system.warn(&tr!(
                    "ignored a redirect with error={error} but without this login's state; still waiting",
                    error
                ));
            }
            (ResponsePage::Foreign, Ok(None))
        }
        Callback::Foreign => (ResponsePage::Foreign, Ok(None)),
    };
    arrival.answer(page);
    granted
}

/// Whether the redirected URL can be pasted instead. On Windows, the wait for it could not be ended, and would take the answer
/// to a later prompt.
fn takes_paste(system: &System) -> bool {
    system.terminal.stdin && cfg!(unix)
}

fn show_url(system: &System, url: &str, args: &LoginArgs) {
    let open =
        || system.browser.open(url).inspect_err(|problem| log::info!("no browser was opened: {problem}"));
    let opened = !args.no_browser && open().is_ok();
    if opened && is_at_hand(&system.env) {
        system.say(&tr!("zoho-cred: opened the consent page in your browser; if you do not see it, visit:"))
    } else {
        system.say(&tr!("zoho-cred: visit this page in your browser and accept:"))
    }
    display::address(system, url);
    let wait = humanize(args.timeout);
    system.say(&tr!("zoho-cred: waiting up to {wait} for the redirect", wait));
    if takes_paste(system) {
        system.say(&tr!("zoho-cred: if the browser shows an error after you accept, paste its URL here"));
    }
}
