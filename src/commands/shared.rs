//! Describes the shared store.

use crate::commands::Session;
use crate::error::Error;
use crate::i18n::{humanize, tr};
use crate::model::CredentialId;
use crate::store::inspect;
use crate::store::shared::remote::Health;
use crate::system::System;

/// The location and health of the shared store; `None` if none is configured.
pub(crate) fn look(session: &Session, system: &System) -> Option<(String, Result<Health, Error>)> {
    let shared = match session.shared(system) {
        Ok(shared) => shared?,
        Err(error) => return Some((tr!("shared store"), Err(error))),
    };
    // Without a login there is no key to read, but the connection can still be tested.
    let known = session.source(system).known_id().ok().flatten();
    let id = known.unwrap_or_else(|| CredentialId::known("none", "none"));
    Some((shared.place(), inspect(&session.state, &shared, &id)))
}

/// Latency, clock offset, and whether a machine holds the lease.
pub(crate) fn facts(place: &str, health: &Health) -> String {
    let latency = health.latency.as_millis();
    let offset = format!("{:+.1}", health.clock_offset_ms as f64 / 1000.0);
    let facts = tr!("{place} answers in {latency} ms, its clock is {offset} s off", place, latency, offset);
    match health.lease {
        Some(left) => {
            tr!("{facts}, a machine is refreshing (for {time} at most)", facts, time = humanize(left))
        }
        None => facts,
    }
}

/// A one-line description.
pub(crate) fn line(session: &Session, system: &System) -> Option<String> {
    let (place, health) = look(session, system)?;
    Some(match health {
        Ok(health) => facts(&place, &health),
        Err(error) => format!("{place}: {}", error.message()),
    })
}
