//! The check of the shared store.

use crate::commands::Session;
use crate::commands::doctor::check::Check;
use crate::commands::shared::{facts, look};
use crate::error::Code;
use crate::i18n::tr;
use crate::store::{Health, Refusal};
use crate::system::System;
use std::time::Duration;

/// A slower answer delays every refresh noticeably.
const SLOW: Duration = Duration::from_millis(250);

/// Whether the shared store works, if one is configured.
pub(crate) fn check(session: &Session, system: &System) -> Check {
    let what = &tr!("shared store");
    let Some((place, health)) = look(session, system) else {
        return Check::skipped(what, tr!("none is set; this machine keeps its state for itself"));
    };
    match health {
        Ok(health) => evaluate(what, &place, &health),
        Err(error) if error.code() == Code::Unavailable => Check::failed(
            what,
            error.in_one_line(),
            tr!("see that it runs there, or correct the address in [store] or ZOHO_CRED_STORE"),
        ),
        Err(error) => Check::error(what, &error),
    }
}

fn evaluate(what: &str, place: &str, health: &Health) -> Check {
    let facts = facts(place, health);
    match health.eviction.as_deref() {
        _ if health.foreign => Check::failed(
            what,
            tr!("{facts}; the token there is sealed with another key", facts),
            tr!(
                "give this machine the fleet's ZOHO_CRED_STORE_KEY, or the one before it as ZOHO_CRED_STORE_KEY_OLD"
            ),
        ),
        _ if health.refusal == Some(Refusal::Replica) => Check::failed(
            what,
            tr!("{facts}; it is a replica that takes no writes, so nobody can refresh", facts),
            tr!("write the address of the primary into [store] or ZOHO_CRED_STORE"),
        ),
        _ if health.refusal == Some(Refusal::Full) => Check::failed(
            what,
            tr!("{facts}; its memory is full, so nobody can refresh", facts),
            tr!("raise its maxmemory, or give the fleet a store of its own"),
        ),
        Some("noeviction") if health.latency > SLOW => Check::warning(
            what,
            facts,
            tr!("put the store nearer to its machines: a refresh asks it six times"),
        ),
        Some("noeviction") => Check::ok(what, facts),
        Some(policy) => Check::failed(
            what,
            tr!("{facts}; its maxmemory-policy is {policy}, so it may forget the budget", facts, policy),
            tr!("redis-cli config set maxmemory-policy noeviction"),
        ),
        None => Check::warning(
            what,
            tr!("{facts}; it does not tell its maxmemory-policy", facts),
            tr!("see that it is noeviction, or allow INFO to our user"),
        ),
    }
}
