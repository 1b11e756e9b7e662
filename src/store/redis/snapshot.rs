//! What Redis held at one moment, in this machine's time.

use crate::error::Error;
use crate::model::ClockReading;
use crate::model::CredentialId;
use crate::model::{CacheRecord, Ledger, Timestamp, TokenSet};
use crate::store::Locked;
use crate::store::local::records::{decode, encode};
use crate::store::local::{LockedLocal, decode_cache};
use crate::store::redis::clocks::Clocks;
use crate::store::redis::foreign;
use crate::store::redis::remote::Reply;
use crate::store::redis::seal::{Keys, Unopened};
use crate::system::Clock;

/// The fleet's state as it was at `at`.
pub struct Snapshot {
    /// Counts the writes of the token.
    pub generation: u64,
    /// The token set, if one is there and can be opened.
    pub cache: Option<CacheRecord>,
    /// A sealed value that nobody can open.
    pub broken: Option<Vec<u8>>,
    /// The mark of the token that was last rejected.
    tomb: String,
    /// The version of the ledger.
    pub rev: String,
    /// The ledger; one that cannot be read counts as all but two used.
    pub ledger: Ledger,
    /// This machine's time when the answer was there, and Redis's in it.
    clocks: Clocks,
}

/// What the shared store needs so that both agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// Our token, which is newer and lives.
    Ours,
    /// To drop its token, which was rejected here.
    Drop,
}

impl Snapshot {
    /// Reads an answer that has just arrived; [`Error::Setting`] if the token is sealed with a foreign key.
    pub fn of(raw: Reply, keys: &Keys, credential: &CredentialId, clock: &dyn Clock) -> Result<Self, Error> {
        let mut view = Snapshot {
            generation: raw.generation,
            cache: None,
            broken: None,
            tomb: raw.tomb,
            rev: raw.rev,
            ledger: Ledger::default(),
            clocks: Clocks { at: clock.timestamp(), redis_ms: raw.redis_ms },
        };
        view.ledger = view.read_ledger(&raw.json, &view.clocks.at);
        if raw.sealed.is_empty() {
            return Ok(view);
        }
        match keys.open(credential.cache(), &raw.sealed) {
            Ok(text) => view.cache = decode_cache(&text).map(|cache| view.to_local(cache)),
            Err(Unopened::Foreign) => return Err(foreign()),
            Err(Unopened::Broken) => {}
        }
        if view.cache.as_ref().is_none_or(|cache| cache.token.is_none()) {
            log::warn!("the shared token was not what a machine of ours had sealed; it is set aside");
            (view.cache, view.broken) = (None, Some(raw.sealed));
        }
        Ok(view)
    }

    /// The ledger in `json` with its times in this machine's.
    pub fn read_ledger(&self, json: &str, now: &Timestamp) -> Ledger {
        if json.is_empty() {
            return Ledger::default();
        }
        match decode::<Ledger>(json.as_bytes()) {
            Some(ledger) => ledger.with_times(|at| self.clocks.to_local(at, now)),
            None => Ledger::unreadable(now, &crate::model::Budget::default()),
        }
    }

    /// `ledger` as it is put into Redis: with Redis's times.
    pub fn ledger_json(&self, ledger: &Ledger, now: &Timestamp) -> String {
        let ledger = ledger.with_times(|at| self.clocks.to_redis(at, now));
        String::from_utf8_lossy(&encode(&ledger)).into_owned()
    }

    /// `cache` as it is sealed, with Redis's times, and when its token was asked for.
    pub fn cache_text(&self, cache: &CacheRecord) -> (Vec<u8>, i64) {
        let shift = self.clocks.redis_ms - self.clocks.at.wall_ms;
        let mut cache = shifted(cache, shift);
        if let Some(token) = &mut cache.token {
            token.clock_offset_ms = 0;
        }
        cache.tombstone = None;
        let asked = cache.token.as_ref().map_or(0, |token| token.obtained_at_ms);
        (encode(&cache), asked)
    }

    /// Brings the local cache up to date: a newer shared token is taken over, unless it was rejected here; one that
    /// the fleet rejected goes. Returns what is in the file now.
    pub fn take_over(
        &self,
        local: &mut LockedLocal,
        keys: &Keys,
        now: ClockReading,
    ) -> Result<(CacheRecord, Need), Error> {
        let found = local.cache()?;
        let bears =
            |token: &TokenSet, mark: &str| keys.marks(&token.access_token).iter().any(|it| it == mark);
        let mut cache = found.clone();
        if cache.token.as_ref().is_some_and(|token| bears(token, &self.tomb)) {
            cache = CacheRecord { token: None, rejected: true, ..cache };
        }
        let shared = self.cache.as_ref().and_then(|shared| Some((shared, shared.token.as_ref()?)));
        let need = match (shared, &cache.token) {
            (Some((_, token)), _) if cache.tombstone.as_ref().is_some_and(|tomb| bears(token, tomb)) => {
                Need::Drop
            }
            (Some((_, token)), Some(ours)) if token.access_token == ours.access_token => Need::Nothing,
            (Some((_, token)), Some(ours)) if token.obtained_at_ms <= ours.obtained_at_ms => push(ours, now),
            (Some((shared, _)), _) => {
                cache = CacheRecord { tombstone: cache.tombstone, rejected: false, ..shared.clone() };
                Need::Nothing
            }
            (None, Some(ours)) => push(ours, now),
            (None, None) => Need::Nothing,
        };
        if cache != found {
            local.commit(&cache)?;
        }
        Ok((cache, need))
    }

    fn to_local(&self, cache: CacheRecord) -> CacheRecord {
        let mut cache = shifted(&cache, self.clocks.at.wall_ms - self.clocks.redis_ms);
        if let Some(token) = &mut cache.token {
            token.clock_offset_ms = self.clocks.at.reading().offset_ms();
        }
        cache
    }
}

fn push(ours: &TokenSet, now: ClockReading) -> Need {
    if ours.is_valid(now) { Need::Ours } else { Need::Nothing }
}

fn shifted(cache: &CacheRecord, ms: i64) -> CacheRecord {
    let mut cache = cache.clone();
    if let Some(token) = &mut cache.token {
        token.obtained_at_ms = token.obtained_at_ms.saturating_add(ms);
        token.expires_at_ms = token.expires_at_ms.saturating_add(ms);
    }
    cache
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Budget;
    use crate::secret::Secret;
    use crate::system::RealClock;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn keys() -> Keys {
        Keys::read(&Secret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), None).unwrap()
    }

    proptest! {
        /// Whoever can write to Redis can write anything: no panic, and no token that no machine of ours sealed.
        #[test]
        fn what_redis_holds_may_be_any_bytes(
            ours in any::<bool>(),
            rest in vec(any::<u8>(), 0..120),
            json in "\\PC{0,80}",
            words in ("\\PC{0,20}", "\\PC{0,20}"),
            generation in any::<u64>(),
            redis_ms in 0i64..i64::MAX / 2,
        ) {
            let keys = keys();
            let mut sealed = if ours { keys.seal("id", b"x").unwrap()[..5].to_vec() } else { Vec::new() };
            sealed.extend(rest);
            let (tomb, rev) = words;
            let raw = Reply { got: true, redis_ms, generation, sealed: sealed.clone(), tomb, rev, json };
            let id = CredentialId::known("id", "id");
            if let Ok(view) = Snapshot::of(raw, &keys, &id, &RealClock::default()) {
                prop_assert!(view.cache.is_none(), "{sealed:?}");
                prop_assert!(view.ledger.used(&view.clocks.at, &Budget::default()) <= 8);
            }
        }

        /// One bit of a sealed token changed, or its end missing, and it is none.
        #[test]
        fn a_sealed_token_stands_or_falls_whole(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
            let keys = keys();
            let whole = keys.seal("id", b"some text").unwrap();
            let (mut spoilt, at) = (whole.clone(), at.index(whole.len()));
            match cut {
                true => spoilt.truncate(at),
                false => spoilt[at] ^= 1 << bit,
            }
            prop_assert!(keys.open("id", &spoilt).is_err());
            prop_assert!(keys.open("other", &whole).is_err());
            prop_assert_eq!(&**keys.open("id", &whole).unwrap(), b"some text");
        }
    }

    fn view() -> Snapshot {
        let at = Timestamp { wall_ms: 1_000_000_000, boot_ms: 5_000, boot_id: "new".into() };
        Snapshot {
            generation: 0,
            cache: None,
            broken: None,
            tomb: String::new(),
            rev: String::new(),
            ledger: Ledger::default(),
            clocks: Clocks { at, redis_ms: 7_000_000_000 },
        }
    }

    #[test]
    fn a_rebooted_machine_does_not_lock_the_fleet_out() {
        let then = Timestamp { wall_ms: 999_000_000, boot_ms: 900_000_000, boot_id: "old".into() };
        let mut ledger = Ledger::default();
        ledger.reserve(&then, &Budget::default());
        let json = view().ledger_json(&ledger, &view().clocks.at);
        let there: Ledger = serde_json::from_str(&json).unwrap();
        assert_eq!(there.requests[0].sent.wall_ms, 7_000_000_000 - 1_000_000);
    }

    #[test]
    fn a_ledger_with_strange_numbers_is_no_panic() {
        let json = r#"{"version":1,"requests":[{"sent":{"wall_ms":-9223372036854775808,"boot_ms":0}}],"cool_down":{"since":{"wall_ms":9223372036854775807,"boot_ms":0},"length_ms":-9223372036854775808},"failure":{"kind":"transient","error":"","message":"","at":{"wall_ms":0,"boot_ms":0},"rounds":0},"failures":18446744073709551615}"#;
        let read = view().read_ledger(json, &view().clocks.at);
        assert_eq!(read.used(&view().clocks.at, &Budget::default()), 0, "it was very long ago");
        let _ = view().ledger_json(&read, &view().clocks.at);
        assert!(read.remembered(&view().clocks.at, "").is_none());
    }
}
