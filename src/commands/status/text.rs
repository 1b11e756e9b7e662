//! The status as text.

use crate::commands::report::{Report, Style, StyledText, plain, styled};
use crate::commands::status::state::{LastFailure, State, Status};
use crate::i18n::{humanize, tr};
use crate::sanitize::sanitize;
use std::time::Duration;

/// The full status, one fact per line. `shared` describes the shared store.
pub(crate) fn describe(status: &Status, shared: Option<String>, report: &Report, now_ms: i64) -> String {
    let fact = |name: String, value: Option<String>| Some(vec![plain(name), plain(sanitize(&value?))]);
    report.table(
        [
            Some(vec![styled(Style::Strong, status.profile.clone()), state(status, report, now_ms)]),
            fact(tr!("data center"), Some(place(status))),
            fact(tr!("login"), login(status)),
            fact(tr!("account"), status.account.clone()),
            fact(tr!("client"), Some(status.client_id.clone())),
            fact(tr!("flow"), status.flow.clone()),
            fact(tr!("scopes"), (!status.scopes.is_empty()).then(|| status.scopes.join(" "))),
            fact(tr!("organization"), status.org_id.clone()),
            fact(tr!("token"), Some(token(status, report, now_ms))),
            fact(tr!("budget"), Some(budget(status, report))),
            fact(tr!("minted"), Some(tr!("{count} in the last hour", count = status.minted_last_hour))),
            fact(tr!("last failure"), last_failure(status, report)),
            fact(tr!("lock"), status.lock.held.then(|| refreshing(status.lock.pid))),
            fact(tr!("secrets"), Some(status.stores.secrets.to_owned())),
            fact(tr!("cache"), Some(status.stores.cache.clone())),
            fact(tr!("shared##store"), shared),
            fact(tr!("next"), next(status)),
        ]
        .into_iter()
        .flatten(),
    )
}

/// The state in its style, and until when it lasts.
pub(crate) fn state(status: &Status, report: &Report, now_ms: i64) -> StyledText {
    match status.state {
        State::Ready => styled(Style::Good, tr!("ready")),
        State::LoginRequired => styled(Style::Bad, tr!("login required")),
        State::OutOfBudget => {
            let slot = humanize(status.budget.in_use.next_slot);
            styled(Style::Caution, tr!("out of budget: next slot in {slot}", slot))
        }
        State::CoolingDown => {
            let until =
                status.cool_down_until.as_deref().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            let until = report.time(until.map_or(now_ms, jiff::Timestamp::as_millisecond));
            styled(
                Style::Caution,
                tr!("cooling down until {until}: Zoho throttled this refresh token", until),
            )
        }
    }
}

fn login(status: &Status) -> Option<String> {
    match (status.settings_changed, status.scopes_edited) {
        (true, _) => Some(tr!("settings changed since the login")),
        (false, true) => Some(tr!("scopes edited since the login; log in again to apply them")),
        (false, false) => None,
    }
}

fn place(status: &Status) -> String {
    match status.data_center {
        Some(code) => format!("{code} ({})", status.accounts_url),
        None => status.accounts_url.clone(),
    }
}

fn token(status: &Status, report: &Report, now_ms: i64) -> String {
    let Some(token) = &status.token else {
        return match status.state {
            State::Ready => tr!("none yet; the next call requests one"),
            State::LoginRequired | State::CoolingDown | State::OutOfBudget => tr!("none##instead of a time"),
        };
    };
    let seconds = |s: i64| u64::try_from(s).unwrap_or_default();
    let bar = report.bar(seconds(token.expires_in), seconds(token.life_s));
    let left = humanize(rounded(Duration::from_secs(seconds(token.expires_in))));
    let then = match (status.state, token.early_from_ms > now_ms) {
        (State::Ready, true) => tr!("refreshes at {time}", time = report.time(token.early_from_ms)),
        (State::Ready, false) => tr!("the next call refreshes it"),
        _ => tr!("no refresh is possible for now"),
    };
    tr!("{bar} {left} left, {then}", bar, left, then)
}

/// Rounds long times down to whole minutes.
fn rounded(left: Duration) -> Duration {
    match left.as_secs() {
        s @ 600.. => Duration::from_secs(s / 60 * 60),
        s => Duration::from_secs(s),
    }
}

fn budget(status: &Status, report: &Report) -> String {
    let in_use = &status.budget.in_use;
    format!("{} {}", report.bar(in_use.left().into(), in_use.limit.into()), in_use.describe())
}

fn last_failure(status: &Status, report: &Report) -> Option<String> {
    let LastFailure { code, message, at_ms, .. } = status.last_failure.as_ref()?;
    Some(tr!("{message} ({code}), at {time}", message, code, time = report.time(*at_ms)))
}

pub(crate) fn refreshing(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => tr!("process {pid} is refreshing", pid),
        None => tr!("another process is refreshing"),
    }
}

/// The next step for the user, if any.
fn next(status: &Status) -> Option<String> {
    let name = &status.profile;
    (status.state == State::LoginRequired).then(|| format!("zoho-cred login {name}"))
}
