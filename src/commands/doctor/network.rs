//! Checks of the connection to the accounts server, and of the clock.

use crate::commands::Session;
use crate::commands::doctor::check::Check;
use crate::i18n::{humanize, tr};
use crate::oauth::SERVER_INFO_PATH;
use crate::problem::Problem;
use crate::system::{HttpAnswer, HttpRequest, System};
use std::time::Duration;

/// Time limit of the one request.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest difference of the clocks that is harmless, in seconds.
const MOST_OFF_S: i64 = 60;
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// Both checks share one GET.
pub(crate) fn checks(session: &Session, system: &System) -> Vec<Check> {
    let what = &tr!("accounts server");
    let accounts = &session.profile.accounts_url;
    let request = HttpRequest::get(accounts.join(SERVER_INFO_PATH), TIMEOUT);
    let http = session.http(system).and_then(|http| http.ready().map(|()| http));
    let answer = match http {
        Ok(http) => http.send(&request).map_err(|failure| failure.problem),
        Err(error) => return vec![Check::error(what, &error)],
    };
    match answer {
        Ok(answer) => vec![reached(what, accounts.as_str(), &answer), clock(system, &answer)],
        Err(problem) => {
            let fix = fix(system, &problem);
            let offline = tr!("the accounts server did not send its time");
            vec![
                Check::failed(what, problem.message(&request.host()), fix),
                Check::skipped(&tr!("clock"), offline),
            ]
        }
    }
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

/// The advice for a failed connection.
fn fix(system: &System, problem: &Problem) -> String {
    if let Some(advice) = problem.advice() {
        return advice;
    }
    match PROXIES.iter().find(|name| system.env.get(name).is_some()) {
        Some(name) => tr!("check the proxy in {name}, or add the host to NO_PROXY", name),
        None => tr!("check the network, and HTTPS_PROXY if you need a proxy"),
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
    match off_s {
        s if s.abs() <= MOST_OFF_S => Check::ok(what, tr!("matches Zoho's")),
        s => {
            let message = if s > 0 {
                tr!("{time} ahead of Zoho's", time = off)
            } else {
                tr!("{time} behind Zoho's", time = off)
            };
            Check::failed(what, message, tr!("set the clock, preferably by NTP: timedatectl set-ntp true"))
        }
    }
}
