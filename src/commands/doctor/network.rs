//! Checks of the connection to the accounts server, of the clock, and of the cached token.

use crate::commands::Session;
use crate::commands::doctor::check::Check;
use crate::commands::status::LocalState;
use crate::i18n::{humanize, tr};
use crate::oauth::SERVER_INFO_PATH;
use crate::oauth::userinfo::{self, Account, Liveness};
use crate::system::{Http, HttpAnswer, HttpRequest, System};
use crate::zoho::{products, scopes};
use std::time::Duration;

/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest difference of the clocks that is harmless, in seconds.
const MOST_OFF_S: i64 = 60;

/// Reachability and clock share one GET. Without `local`, no token is checked.
pub(crate) fn checks(session: &Session, system: &System, local: Option<&LocalState>) -> Vec<Check> {
    let what = &tr!("accounts server");
    let accounts = &session.profile.accounts_url;
    let request = HttpRequest::get(accounts.join(SERVER_INFO_PATH), TIMEOUT);
    let http = (system.http)(&session.roots);
    if let Err(error) = http.ready(accounts.as_str()) {
        return vec![Check::error(what, &error)];
    }
    match http.send(&request) {
        Ok(answer) => {
            let mut checks = vec![reached(what, accounts.as_str(), &answer), clock(system, &answer)];
            checks.extend(local.and_then(|local| token(session, system, &*http, local)));
            checks
        }
        Err(failure) => {
            let network = || tr!("check the network, and HTTPS_PROXY if you need a proxy");
            let fix = failure.problem.advice().unwrap_or_else(network);
            let offline = tr!("the accounts server did not send its time");
            vec![
                Check::failed(what, failure.problem.message(&request.host()), fix),
                Check::skipped(&tr!("clock"), offline),
            ]
        }
    }
}

/// Asks Zoho about the cached token, which costs no budget.
fn token(session: &Session, system: &System, http: &dyn Http, local: &LocalState) -> Option<Check> {
    let (what, name) = (&tr!("token"), &session.profile.name);
    let token = local.cache.valid_token(system.clock.now())?;
    let url = session.profile.accounts_url.join(userinfo::PATH);
    let answer = http.send(&HttpRequest::get_with(&token.access_token, url, TIMEOUT));
    let (liveness, account) = match &answer {
        Ok(answer) => {
            let (status, body) = (answer.status, &*answer.body);
            (userinfo::liveness(status, body), userinfo::account(status, body))
        }
        Err(_) => (Liveness::Unknown, Account::Unknown),
    };
    let window = session.profile.budget.window;
    let was_rejected = local.ledger.rejects_in(&system.clock.timestamp(), window) > 0;
    Some(match (liveness, account) {
        (Liveness::Dead, _) => {
            let fix = format!("zoho-cred get {name} | zoho-cred reject {name}");
            Check::failed(what, tr!("Zoho no longer accepts the cached token"), fix)
        }
        (Liveness::Unknown, _) => {
            let message = tr!("Zoho did not say whether the cached token is valid");
            Check::warning(what, message, tr!("try again later"))
        }
        (Liveness::Alive, _) if was_rejected => Check::warning(
            what,
            tr!("Zoho accepts it; a call that is still refused needs another scope or organization"),
            tr!("run 'zoho-cred api -p {name} URL' with the call's URL; it names the scope", name),
        ),
        (Liveness::Alive, Account::Known(account)) => {
            Check::ok(what, tr!("Zoho accepts it; the account is {account}", account))
        }
        (Liveness::Alive, Account::NeedsScope | Account::Unknown) => {
            let needed = |product| scopes::needed(product, "GET", userinfo::PATH);
            let scope = products::by_name("accounts").and_then(needed).unwrap_or_default();
            Check::ok(what, tr!("Zoho accepts it; to see the account, it needs the scope {scope}", scope))
        }
    })
}

fn reached(name: &str, accounts: &str, answer: &HttpAnswer) -> Check {
    match answer.status {
        500.. => Check::warning(
            name,
            tr!("{accounts} answers {status}", accounts, status = answer.status),
            tr!("try again later"),
        ),
        _ => Check::ok(name, tr!("{accounts} answers", accounts)),
    }
}

fn clock(system: &System, answer: &HttpAnswer) -> Check {
    let what = &tr!("clock");
    let there = answer.date.as_deref().and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(there) = there else {
        return Check::skipped(what, tr!("the accounts server did not send its time"));
    };
    let off_s = system.clock.now().wall_ms.div_euclid(1000) - there.timestamp().as_second();
    let off = humanize(Duration::from_secs(off_s.unsigned_abs()));
    if off_s.abs() <= MOST_OFF_S {
        return Check::ok(what, tr!("matches Zoho's"));
    }
    let message = if off_s > 0 {
        tr!("{time} ahead of Zoho's", time = off)
    } else {
        tr!("{time} behind Zoho's", time = off)
    };
    Check::failed(what, message, tr!("set the clock, preferably by NTP: timedatectl set-ntp true"))
}
