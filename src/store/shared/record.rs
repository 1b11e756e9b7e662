//! The operations of a [`Remote`](super::remote::Remote) on a record in memory, for stores that only replace whole values.
//! The Lua scripts in `store::redis::scripts` do the same, which `tests/explore/scripts.rs` checks.

use crate::store::shared::remote::{
    LEASE_MS, LedgerChange, NewToken, Reply, Reserved, key_id, owner_process,
};
use serde::{Deserialize, Serialize};

/// One credential's record. An empty string or vector is a missing field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    pub lease: Option<Lease>,
    pub rev: String,
    pub json: String,
    pub generation: u64,
    #[serde(with = "base64_text")]
    pub sealed: Vec<u8>,
    pub mark: String,
    /// When the token was requested, by the engine's clock.
    pub asked: i64,
    /// HMAC of the token that was last rejected.
    pub tomb: String,
}

/// Who may refresh, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub owner: String,
    /// By the engine's clock, in ms since 1970.
    pub until_ms: i64,
}

impl Record {
    pub fn owner(&self, now: i64) -> Option<&str> {
        self.lease.as_ref().filter(|lease| lease.until_ms > now).map(|lease| lease.owner.as_str())
    }

    pub fn look(&mut self, now: i64, owner: Option<&str>, ids: &[Vec<u8>]) -> Option<Reply> {
        if key_id(&self.sealed).is_some_and(|sealed| !ids.iter().any(|id| id == sealed)) {
            return None;
        }
        Some(Reply {
            got: owner.is_some_and(|owner| self.take_lease(now, owner)),
            engine_ms: now,
            generation: self.generation,
            sealed: self.sealed.clone(),
            revoked_mac: self.tomb.clone(),
            rev: self.rev.clone(),
            json: self.json.clone(),
        })
    }

    fn take_lease(&mut self, now: i64, owner: &str) -> bool {
        // A lease that ends later than a new one would is from before the engine's clock was set back.
        let is_ahead = self.lease.as_ref().is_some_and(|lease| lease.until_ms > now.saturating_add(LEASE_MS));
        let is_ours = |held: &str| owner_process(held) == owner_process(owner) && held <= owner;
        let is_free = is_ahead || self.owner(now).is_none_or(is_ours);
        if is_free {
            self.lease = Some(Lease { owner: owner.to_owned(), until_ms: now + LEASE_MS });
        }
        is_free
    }

    pub fn reserve(&mut self, now: i64, owner: &str, change: LedgerChange<'_>) -> Reserved {
        if self.owner(now) != Some(owner) || (self.rev != change.rev && self.rev != change.next) {
            return Reserved::Lost;
        }
        (self.rev, self.json) = (change.next.to_owned(), change.json.to_owned());
        self.lease = Some(Lease { owner: owner.to_owned(), until_ms: now + LEASE_MS });
        Reserved::Yes
    }

    pub fn record(&mut self, change: LedgerChange<'_>) -> (String, String) {
        if self.rev == change.rev {
            (self.rev, self.json) = (change.next.to_owned(), change.json.to_owned());
        }
        (self.rev.clone(), self.json.clone())
    }

    pub fn commit(&mut self, token: NewToken<'_>) -> bool {
        let mark = token.macs.first().cloned().unwrap_or_default();
        if !self.sealed.is_empty() && self.mark == mark {
            return true;
        }
        let newer = !self.sealed.is_empty() && self.asked >= token.asked_ms;
        if self.generation > token.generation && newer {
            return false;
        }
        if !self.tomb.is_empty() && token.macs.contains(&self.tomb) {
            return false;
        }
        self.generation = self.generation.max(token.generation).saturating_add(1);
        (self.sealed, self.mark, self.asked) = (token.sealed.to_vec(), mark, token.asked_ms);
        true
    }

    pub fn drop_token(&mut self, macs: &[String]) {
        if !self.mark.is_empty() && macs.contains(&self.mark) {
            self.clear();
            self.generation = self.generation.saturating_add(1);
        }
        self.tomb = macs.first().cloned().unwrap_or_default();
    }

    pub fn set_aside(&mut self, sealed: &[u8]) {
        if self.sealed == sealed {
            self.clear();
        }
    }

    pub fn release(&mut self, now: i64, owner: &str) {
        if self.owner(now) == Some(owner) {
            self.lease = None;
        }
    }

    fn clear(&mut self) {
        (self.sealed, self.mark, self.asked) = (Vec::new(), String::new(), 0);
    }
}

mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(serde::de::Error::custom)
    }
}
