//! The check of the shared store.

use crate::commands::Session;
use crate::commands::doctor::check::Check;
use crate::commands::shared::{facts, look};
use crate::error::Code;
use crate::i18n::tr;
use crate::sanitize::sanitize;
use crate::store::shared::remote::{Eviction, Health, Refusal};
use crate::system::System;
use std::time::Duration;

/// A slower answer delays every refresh noticeably.
const SLOW: Duration = Duration::from_millis(250);

/// Whether the shared store works, if one is configured.
pub(crate) fn check(session: &Session, system: &System) -> Check {
    let what = &tr!("shared store");
    let Some((place, health)) = look(session, system) else {
        return Check::skipped(what, tr!("none configured; the state is local to this machine"));
    };
    match health {
        Ok(health) => evaluate(what, &place, &health),
        Err(error) if error.code() == Code::Unavailable => Check::failed(
            what,
            error.in_one_line(),
            tr!("check that it is running, and the URL in [store] or ZOHO_CRED_STORE"),
        ),
        Err(error) => Check::error(what, &error),
    }
}

fn evaluate(what: &str, place: &str, health: &Health) -> Check {
    let facts = facts(place, health);
    if let Some(refusal) = &health.clock_refusal {
        let problem = refusal.message();
        return Check::failed(what, format!("{facts}; {problem}"), tr!("set both clocks by NTP"));
    }
    match &health.eviction {
        _ if health.refusal == Some(Refusal::Replica) => Check::failed(
            what,
            tr!("{facts}; it is a read-only replica, so no refresh is possible", facts),
            tr!("set [store] or ZOHO_CRED_STORE to the URL of the primary"),
        ),
        _ if health.refusal == Some(Refusal::Full) => Check::failed(
            what,
            tr!("{facts}; its memory is full, so no refresh is possible", facts),
            tr!("raise its maxmemory, or use a separate store"),
        ),
        Eviction::Never if health.latency > SLOW => Check::warning(
            what,
            facts,
            tr!("move the store closer to the machines; each refresh sends it five commands"),
        ),
        Eviction::Never => Check::ok(what, facts),
        Eviction::Policy(policy) => Check::failed(
            what,
            tr!(
                "{facts}; its maxmemory-policy is {policy}, so it may evict the budget",
                facts,
                policy = sanitize(policy)
            ),
            tr!("redis-cli config set maxmemory-policy noeviction"),
        ),
        Eviction::Unknown => Check::warning(
            what,
            tr!("{facts}; its maxmemory-policy cannot be read", facts),
            tr!("check that it is noeviction, or allow INFO to zoho-cred's user"),
        ),
    }
}
