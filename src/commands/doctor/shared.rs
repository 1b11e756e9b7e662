//! The store that machines share.

use super::check::Check;
use crate::commands::Session;
use crate::config::duration::words;
use crate::credential::{CredentialId, CredentialSource};
use crate::store::{Health, Shared};
use crate::system::System;
use std::time::Duration;

const NAME: &str = "shared store";
/// An answer that takes longer makes every refresh slow.
const SLOW: Duration = Duration::from_millis(250);

/// Whether the shared store works, if one is set.
pub fn check(session: &Session, system: &System) -> Check {
    let Some(shared) = session.shared(system) else {
        return Check::skipped(NAME, "none is set; this machine keeps its state for itself");
    };
    let place = Shared::place(&session.config, &system.env).unwrap_or_default();
    // Without a login there is no key to look at, but the connection can be tried all the same.
    let id = session.source(system).id().unwrap_or_else(|_| CredentialId::known("none", "none"));
    match shared.inspect(&id) {
        Ok(health) => judge(&place, &health),
        Err(error) => Check::error(NAME, &error),
    }
}

fn judge(place: &str, health: &Health) -> Check {
    let latency = health.latency.as_millis();
    let lease = match health.lease {
        Some(left) => format!(", a machine refreshes (for {} at most)", words(left)),
        None => String::new(),
    };
    let offset = health.clock_offset_ms as f64 / 1000.0;
    let facts = format!("{place} answers in {latency} ms, its clock is {offset:+.1} s off{lease}");
    match health.eviction.as_deref() {
        _ if health.foreign => Check::failed(
            NAME,
            format!("{facts}; the token there is sealed with another key"),
            "give this machine the fleet's ZOHO_CRED_STORE_KEY, or the one before it as ZOHO_CRED_STORE_KEY_OLD",
        ),
        Some("noeviction") if health.latency > SLOW => {
            Check::warning(NAME, facts, "put the store nearer to its machines: a refresh asks it six times")
        }
        Some("noeviction") => Check::ok(NAME, facts),
        Some(policy) => Check::failed(
            NAME,
            format!("{facts}; its maxmemory-policy is {policy}, so it may forget the budget"),
            "redis-cli config set maxmemory-policy noeviction",
        ),
        None => Check::warning(
            NAME,
            format!("{facts}; it does not tell its maxmemory-policy"),
            "see that it is noeviction, or allow INFO to our user",
        ),
    }
}
