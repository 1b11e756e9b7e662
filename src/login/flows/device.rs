//! `--flow device`: a code that the user enters on another device.

use crate::error::{Code, Error, WrongAnswer};
use crate::i18n::{humanize, tr};
use crate::login::client_secret::{ClientSecret, another_client_secret, secret_of};
use crate::login::display;
use crate::login::exchange::{IssuedTokens, grant, post, throttled};
use crate::login::flows::{denied, timed_out};
use crate::model::{AccountsUrl, Profile};
use crate::oauth::device::{self, CODE_PATH, DeviceCode, POLL_FLOOR, Poll, TOKEN_PATH};
use crate::oauth::rejection::LikelyCause;
use crate::oauth::{Answer, SERVER_INFO_PATH, classify, client_rejected};
use crate::secret::Secret;
use crate::system::{Deadline, Http, HttpRequest, Spinner, System};
use crate::zoho::DataCenter;
use std::rc::Rc;
use std::time::Duration;
use url::Url;

/// The shortest pause between two polls, whatever the server says.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
/// How long before the code expires the last poll is sent.
const LAST_POLL: Duration = Duration::from_secs(2);
/// Added to the pause after a `slow_down` to a pause of [`POLL_FLOOR`] or more.
const SLOWER: Duration = Duration::from_secs(5);

/// Shows the user code and polls until the user has answered. Also returns the client secret, which differs if the
/// user's account is in another data center.
pub fn run(
    system: &mut System,
    http: &dyn Http,
    profile: &Profile,
    mut client: ClientSecret,
) -> Result<(IssuedTokens, Secret), Error> {
    let mut code = request_code(http, profile)?;
    if !is_own_page(&code.verification_url, &profile.accounts_url) {
        return Err(Error::unavailable(&tr!("the page for entering the code is not on the accounts server")));
    }
    code.verification_url_complete.take_if(|url| !is_own_page(url, &profile.accounts_url));
    show_code(system, &code);
    let clock = Rc::clone(&system.clock);
    let clock = &*clock;
    let deadline = Deadline::after(clock, code.life);
    let mut pause = code.interval.max(SHORTEST_PAUSE);
    let mut accounts = profile.accounts_url.clone();
    let mut spinner = show_spinner(system, code.life);
    wait(system, pause, &deadline)?;
    loop {
        let asked = clock.timestamp();
        let form = device::poll_form(profile, &client.secret, &code.device_code);
        let poll = post(http, accounts.join(TOKEN_PATH), &form)
            .map(|answer| device::read_poll(answer.status, &answer.body, accounts.is_loopback()));
        match poll {
            Ok(Poll::Pending) => {}
            Ok(Poll::SlowDown) if pause < POLL_FLOOR => pause = POLL_FLOOR,
            Ok(Poll::SlowDown) => pause += SLOWER,
            Ok(Poll::OtherDataCenter(location)) => {
                accounts = other_server(http, &accounts, &location)?;
                // A prompt for the secret replaces the spinner.
                drop(spinner);
                client = ClientSecret::given(secret_of(system, profile, &accounts, client)?);
                spinner = show_spinner(system, deadline.remaining(clock));
            }
            Ok(Poll::Denied) => return Err(denied("access_denied")),
            Ok(Poll::Expired) => return Err(timed_out()),
            Ok(Poll::Answer(Answer::Transient(problem))) => {
                log::info!("asked again later: {}", problem.code());
            }
            Ok(Poll::Answer(Answer::Unknown(error))) => log::info!("asked again later: {error}"),
            Ok(Poll::Answer(class)) => match grant(profile, class, asked, accounts.clone()) {
                Ok(issued) => return Ok((issued, client.secret)),
                Err(error) if error.wrong_answer() == Some(WrongAnswer::Client) => {
                    drop(spinner);
                    client = ClientSecret::given(another_client_secret(system, error)?);
                    spinner = show_spinner(system, deadline.remaining(clock));
                }
                Err(error) => return Err(error),
            },
            Err(error) => log::info!("asked again later: {}", error.message()),
        }
        wait(system, pause, &deadline)?;
    }
}

fn request_code(http: &dyn Http, profile: &Profile) -> Result<DeviceCode, Error> {
    let answer = post(http, profile.accounts_url.join(CODE_PATH), &device::code_form(profile))?;
    match classify(answer.status, &answer.body, profile.accounts_url.is_loopback()) {
        Answer::Throttled => return Err(throttled()),
        Answer::Transient(problem) if answer.status >= 500 => {
            return Err(problem.error(profile.accounts_url.host(), None));
        }
        _ => {}
    }
    device::read_code(&answer.body).map_err(|error| match error.as_str() {
        error if error.starts_with("invalid_") || LikelyCause::of(error).is_some() => {
            client_rejected(profile, error)
        }
        error => Error::unavailable(&tr!("the accounts server sent no device code: {error}", error)),
    })
}

fn show_code(system: &System, code: &DeviceCode) {
    system.say(&tr!("zoho-cred: on any device, visit this page and enter the code:"));
    display::address(system, &code.verification_url);
    display::code(system, &code.user_code);
    if let Some(complete) = &code.verification_url_complete {
        system.say(&tr!("zoho-cred: or visit {complete}", complete));
    }
    system.say(&tr!("zoho-cred: the code is valid for {time}", time = humanize(code.life)));
}

/// Whether a URL may be shown to the user: https on the accounts server or another one of Zoho's, or, for a
/// loopback accounts server, http on loopback.
fn is_own_page(url: &str, accounts: &AccountsUrl) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let origin = AccountsUrl::new(&url.origin().ascii_serialization());
    let bare = url.username().is_empty() && url.password().is_none();
    bare && origin.is_ok_and(|origin| {
        let same_host = url.host_str() == Some(accounts.host());
        let both_zohos = origin.data_center().is_some() && accounts.data_center().is_some();
        let both_here = origin.is_loopback() && accounts.is_loopback();
        (url.scheme() == "https" && same_host) || both_zohos || both_here
    })
}

fn show_spinner(system: &System, left: Duration) -> Spinner {
    system.show_spinner(&tr!("waiting for the code"), Some(left))
}

/// Waits for the next poll. Polling faster would only be answered with `slow_down`. If another poll after this one
/// would be too late, this one is delayed until shortly before the code expires, so that the user has the full
/// time.
fn wait(system: &System, pause: Duration, deadline: &Deadline) -> Result<(), Error> {
    let left = deadline.remaining(&*system.clock);
    if left < pause {
        return Err(timed_out());
    }
    let is_last = left < pause * 2;
    let pause = if is_last { pause.max(left.saturating_sub(LAST_POLL)) } else { pause };
    system.signals.wait(&*system.clock, pause)
}

/// The accounts server for a location: from Zoho's table, or for a loopback server from its server info.
fn other_server(http: &dyn Http, accounts: &AccountsUrl, location: &str) -> Result<AccountsUrl, Error> {
    let unknown = || {
        let hint = tr!("update zoho-cred, or run the same login again with --accounts-url");
        Error::new(
            Code::BadInput,
            tr!("zoho-cred does not know the data center '{location}' of the account", location),
            hint,
        )
    };
    if !accounts.is_loopback() {
        return DataCenter::by_code(location).map(AccountsUrl::of).ok_or_else(unknown);
    }
    let request = HttpRequest::get(accounts.join(SERVER_INFO_PATH), Duration::from_secs(5));
    let answer = http.send(&request).map_err(|_| unknown())?;
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let found = json["locations"][location].as_str().and_then(|url| AccountsUrl::new(url).ok());
    found.filter(AccountsUrl::is_loopback).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_accounts_servers_own_pages_are_shown() {
        let zoho = AccountsUrl::new("https://accounts.zoho.com").unwrap();
        let own = AccountsUrl::new("https://accounts.example:8443/iam").unwrap();
        let here = AccountsUrl::new("http://127.0.0.1:8080").unwrap();
        assert!(is_own_page("https://accounts.zoho.com/oauth/v3/device?user_code=A", &zoho));
        assert!(is_own_page("https://accounts.zoho.eu/oauth/v3/device", &zoho));
        assert!(is_own_page("https://accounts.example/device", &own));
        assert!(is_own_page("http://localhost:9/device", &here));
        for bad in [
            "javascript:alert(1)//https://accounts.zoho.com/",
            "http://accounts.zoho.com/oauth/v3/device",
            "https://accounts.zoho.com.evil.example/",
            "https://accounts.zoho.com@evil.example/",
            "https://x@accounts.zoho.com/",
            "http://127.0.0.1:8080/device",
            "file:///etc/passwd",
            "data:text/html,x",
            "x",
        ] {
            assert!(!is_own_page(bad, &zoho), "{bad}");
        }
        assert!(!is_own_page("https://accounts.zoho.com/", &here));
    }
}
