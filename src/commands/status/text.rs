//! The status in words: what a profile has, and what happens next.

use super::state::{State, Status};
use crate::commands::page::{Page, Tone, Words, plain, toned};
use crate::config::duration::words;
use crate::words::{local, t};
use std::time::Duration;

/// The status for people: one fact a line. `shared` tells of the store that machines share.
pub fn describe(status: &Status, shared: Option<String>, page: &Page, now_ms: i64) -> String {
    let fact = |name: String, value: String| Some(vec![plain(name), plain(value)]);
    page.table(
        [
            Some(vec![toned(Tone::Strong, status.profile.clone()), state(status, page, now_ms)]),
            fact(t!("data centre"), place(status)),
            fact(t!("token"), token(status, page, now_ms)),
            fact(t!("budget"), budget(status, page)),
            fact(t!("minted"), t!("{count} in the last hour", count = status.minted_last_hour)),
            status.last_failure.as_ref().and_then(|failure| {
                fact(
                    t!("last failure"),
                    t!(
                        "{message} ({code}), at {time}",
                        message = local(&failure.message),
                        code = failure.code,
                        time = page.time(failure.at_ms),
                    ),
                )
            }),
            status.lock.held.then(|| refreshing(status.lock.pid)).and_then(|who| fact(t!("lock"), who)),
            fact(t!("secrets"), status.stores.secrets.to_owned()),
            fact(t!("cache"), status.stores.cache.clone()),
            shared.and_then(|line| fact(t!("shared"), line)),
            next(status).and_then(|step| fact(t!("next"), step)),
        ]
        .into_iter()
        .flatten(),
    )
}

/// The status in three lines, and what to do next.
pub fn summary(status: &Status, page: &Page, now_ms: i64) -> String {
    let name = &status.profile;
    let step = next(status).unwrap_or_else(|| match (status.state, &status.token) {
        (State::Ready, _) | (_, Some(_)) => {
            t!("zoho-cred get {name} prints a token, zoho-cred --help tells all", name)
        }
        (_, None) => t!("wait; zoho-cred status {name} tells more", name),
    });
    page.table([
        vec![toned(Tone::Strong, status.profile.clone()), state(status, page, now_ms)],
        vec![plain(t!("token")), plain(token(status, page, now_ms))],
        vec![plain(t!("next")), plain(step)],
    ])
}

/// The state with its tone, and until when it lasts.
pub fn state(status: &Status, page: &Page, now_ms: i64) -> Words {
    match status.state {
        State::Ready => toned(Tone::Good, t!("ready")),
        State::LoginRequired => toned(Tone::Bad, t!("login required")),
        State::OutOfBudget => {
            let slot = words(Duration::from_secs(status.budget.next_slot_s));
            toned(Tone::Caution, t!("out of budget: next slot in {slot}", slot))
        }
        State::CoolingDown => {
            let until =
                status.cool_down_until.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let until = page.time(until.map_or(now_ms, jiff::Timestamp::as_millisecond));
            toned(Tone::Caution, t!("cooling down until {until}: Zoho throttled this refresh token", until))
        }
    }
}

fn place(status: &Status) -> String {
    match status.data_center {
        Some(code) => format!("{code} ({})", status.accounts_url),
        None => status.accounts_url.clone(),
    }
}

fn token(status: &Status, page: &Page, now_ms: i64) -> String {
    let Some(token) = &status.token else {
        return match status.state {
            State::Ready => t!("none yet; the next call gets one"),
            State::LoginRequired | State::CoolingDown | State::OutOfBudget => t!("none"),
        };
    };
    let seconds = |s: i64| u64::try_from(s).unwrap_or_default();
    let bar = page.bar(seconds(token.expires_in), seconds(token.life_s));
    let left = words(rounded(Duration::from_secs(seconds(token.expires_in))));
    let then = match (status.state, token.early_from_ms > now_ms) {
        (State::Ready, true) => t!("renews at {time}", time = page.time(token.early_from_ms)),
        (State::Ready, false) => t!("the next call renews it"),
        _ => t!("then no new one for now"),
    };
    t!("{bar} {left} left, {then}", bar, left, then)
}

/// Whole minutes where there are many.
fn rounded(left: Duration) -> Duration {
    match left.as_secs() {
        s @ 600.. => Duration::from_secs(s / 60 * 60),
        s => Duration::from_secs(s),
    }
}

fn budget(status: &Status, page: &Page) -> String {
    let budget = &status.budget;
    let bar = page.bar(budget.left.into(), budget.limit.into());
    let (left, limit) = (budget.left, budget.limit);
    match budget.used {
        0 => t!("{bar} {left} of {limit} left", bar, left, limit),
        _ => t!(
            "{bar} {left} of {limit} left, next slot in {time}",
            bar,
            left,
            limit,
            time = words(budget.next_free),
        ),
    }
}

/// Who has the lock.
pub fn refreshing(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => t!("process {pid} is refreshing", pid),
        None => t!("somebody is refreshing"),
    }
}

/// What a person has to do, if anything.
fn next(status: &Status) -> Option<String> {
    let name = &status.profile;
    (status.state == State::LoginRequired).then(|| format!("zoho-cred login {name}"))
}
