//! The status in words: what a profile has, and what happens next.

use super::state::{State, Status};
use crate::commands::page::{Page, Tone, Words, plain, toned};
use crate::config::duration::words;
use std::time::Duration;

/// The status for people: one fact a line.
pub fn describe(status: &Status, page: &Page, now_ms: i64) -> String {
    let fact = |name: &str, value: String| Some(vec![plain(name), plain(value)]);
    let shared = status.stores.shared.as_ref();
    page.table(
        [
            Some(vec![toned(Tone::Strong, status.profile.clone()), state(status, page, now_ms)]),
            fact("data centre", place(status)),
            fact("token", token(status, page, now_ms)),
            fact("budget", budget(status, page)),
            fact("minted", format!("{} in the last hour", status.minted_last_hour)),
            status.last_failure.as_ref().and_then(|failure| {
                fact(
                    "last failure",
                    format!("{} ({}), at {}", failure.message, failure.code, page.time(failure.at_ms)),
                )
            }),
            holder(status).and_then(|who| fact("lock", who)),
            fact("secrets", status.stores.secrets.to_owned()),
            fact("cache", status.stores.cache.clone()),
            shared.and_then(|place| fact("shared", place.clone())),
            next(status).and_then(|step| fact("next", step)),
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
            format!("zoho-cred get {name} prints a token, zoho-cred --help tells all")
        }
        (_, None) => format!("wait; zoho-cred status {name} tells more"),
    });
    page.table([
        vec![toned(Tone::Strong, status.profile.clone()), state(status, page, now_ms)],
        vec![plain("token"), plain(token(status, page, now_ms))],
        vec![plain("next"), plain(step)],
    ])
}

/// The state with its tone, and until when it lasts.
pub fn state(status: &Status, page: &Page, now_ms: i64) -> Words {
    match status.state {
        State::Ready => toned(Tone::Good, "ready"),
        State::LoginRequired => toned(Tone::Bad, "login required"),
        State::OutOfBudget => {
            let slot = words(Duration::from_secs(status.budget.next_slot_s));
            toned(Tone::Caution, format!("out of budget: next slot in {slot}"))
        }
        State::CoolingDown => {
            let until =
                status.cool_down_until.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let until = page.time(until.map_or(now_ms, jiff::Timestamp::as_millisecond));
            toned(Tone::Caution, format!("cooling down until {until}: Zoho throttled this refresh token"))
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
            State::Ready => "none yet; the next call gets one".into(),
            State::LoginRequired | State::CoolingDown | State::OutOfBudget => "none".into(),
        };
    };
    let seconds = |s: i64| u64::try_from(s).unwrap_or_default();
    let bar = page.bar(seconds(token.expires_in), seconds(token.life_s));
    let left = words(rounded(Duration::from_secs(seconds(token.expires_in))));
    let then = match (status.state, token.early_from_ms > now_ms) {
        (State::Ready, true) => format!("renews at {}", page.time(token.early_from_ms)),
        (State::Ready, false) => "the next call renews it".into(),
        _ => "then no new one for now".into(),
    };
    format!("{bar} {left} left, {then}")
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
    let slot = match budget.used {
        0 => String::new(),
        _ => format!(", next slot in {}", words(budget.next_free)),
    };
    format!("{bar} {} of {} left{slot}", budget.left, budget.limit)
}

fn holder(status: &Status) -> Option<String> {
    status.lock.held.then(|| match status.lock.pid {
        Some(pid) => format!("process {pid} is refreshing"),
        None => "somebody is refreshing".into(),
    })
}

/// What a person has to do, if anything.
fn next(status: &Status) -> Option<String> {
    let name = &status.profile;
    (status.state == State::LoginRequired).then(|| format!("zoho-cred login {name}"))
}
