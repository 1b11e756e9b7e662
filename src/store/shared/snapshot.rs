//! The content of the remote store at one moment, converted to this machine's time.

use crate::error::Error;
use crate::model::{Budget, CacheRecord, ClockReading, CredentialId, Ledger, Timestamp, TokenSet};
use crate::store::Locked;
use crate::store::local::records::{decode, encode};
use crate::store::local::{LockedLocal, decode_cache};
use crate::store::shared::clock_guard::MAX_CLOCK_OFFSET_MS;
use crate::store::shared::clocks::Clocks;
use crate::store::shared::remote::Reply;
use crate::store::shared::seal::{Keys, Unopened, foreign};
use crate::system::Clock;

/// The shared state at the moment of a reply.
pub struct Snapshot {
    pub(super) got_lease: bool,
    pub generation: u64,
    /// The token, if there is one that can be decrypted.
    pub cache: Option<CacheRecord>,
    /// A sealed value that cannot be decrypted.
    pub undecryptable: Option<Vec<u8>>,
    /// HMAC of the token that was last rejected.
    revoked_mac: String,
    pub rev: String,
    /// The ledger. An unparseable one counts as all requests but two used.
    pub ledger: Ledger,
    /// Whether the ledger has times in the engine's future, because the engine's clock was set back.
    is_ahead: bool,
    /// Both clocks at the moment of the reply.
    pub(super) clocks: Clocks,
    /// This machine's clocks before the question.
    asked: ClockReading,
}

/// What the remote store must change to match this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncAction {
    None,
    /// Store our token, which is newer and valid.
    Push,
    /// Drop its token, which was rejected here.
    Drop,
}

impl Snapshot {
    /// Converts a reply that has just arrived to a question of the time `asked`. `Code::Config` if the token is sealed
    /// with a key that we do not have.
    pub fn of(
        reply: Reply,
        asked: ClockReading,
        keys: &Keys,
        credential: &CredentialId,
        clock: &dyn Clock,
    ) -> Result<Self, Error> {
        let mut snapshot = Snapshot {
            got_lease: reply.got,
            generation: reply.generation,
            cache: None,
            undecryptable: None,
            revoked_mac: reply.revoked_mac,
            rev: reply.rev,
            ledger: Ledger::default(),
            is_ahead: false,
            clocks: Clocks { at: clock.timestamp(), engine_ms: reply.engine_ms },
            asked,
        };
        snapshot.ledger = snapshot.read_ledger(&reply.json, &snapshot.clocks.at);
        let engine = snapshot.clocks.to_engine(&snapshot.clocks.at, &snapshot.clocks.at);
        let theirs = decode::<Ledger>(reply.json.as_bytes());
        snapshot.is_ahead = theirs.is_some_and(|ledger| ledger.without_future(&engine).is_some());
        if reply.sealed.is_empty() {
            return Ok(snapshot);
        }
        match keys.open(credential.cache(), &reply.sealed) {
            Ok(text) => snapshot.cache = decode_cache(&text).map(|cache| snapshot.to_local(cache)),
            Err(Unopened::Foreign) => return Err(foreign()),
            Err(Unopened::Broken) => {}
        }
        if snapshot.cache.as_ref().is_none_or(|cache| cache.token.is_none()) {
            log::warn!("the shared token was not what a machine of ours had sealed; it is set aside");
            (snapshot.cache, snapshot.undecryptable) = (None, Some(reply.sealed));
        }
        Ok(snapshot)
    }

    /// Whether the remote store lacks what `merged` has, or has times in its own future, which would never pass.
    pub(super) fn is_behind(&self, merged: &Ledger, now: &Timestamp, budget: &Budget) -> bool {
        let lacks_pause = merged.cool_down_left(now).is_some() && self.ledger.cool_down_left(now).is_none();
        self.is_ahead || lacks_pause || merged.used(now, budget) > self.ledger.used(now, budget)
    }

    /// Parses a ledger of the remote store and converts its times.
    pub fn read_ledger(&self, json: &str, now: &Timestamp) -> Ledger {
        if json.is_empty() {
            return Ledger::default();
        }
        match decode::<Ledger>(json.as_bytes()) {
            Some(ledger) => ledger.with_times(|at| self.clocks.to_local(at, now)),
            None => Ledger::unreadable(now, &Budget::default()),
        }
    }

    /// Converts times and serializes a ledger for the remote store.
    pub fn ledger_json(&self, ledger: &Ledger, now: &Timestamp) -> String {
        let ledger = ledger.with_times(|at| self.clocks.to_engine(at, now));
        String::from_utf8_lossy(&encode(&ledger)).into_owned()
    }

    /// Serializes a record for sealing, with times by the engine's clock. The number is when its token was requested.
    pub fn cache_text(&self, cache: &CacheRecord) -> (Vec<u8>, i64) {
        let shift = self.clocks.engine_ms - self.clocks.at.wall_ms;
        let mut cache = shifted(cache, shift, shift);
        if let Some(token) = &mut cache.token {
            token.clock_offset_ms = 0;
        }
        (cache.tombstone, cache.unpushed) = (None, false);
        let asked = cache.token.as_ref().map_or(0, |token| token.obtained_at_ms);
        (encode(&cache), asked)
    }

    /// Updates the local cache: a newer shared token replaces it unless it was rejected here, and a token that
    /// another machine rejected is dropped. Returns the new content of the file.
    pub fn update_local(
        &self,
        local: &mut LockedLocal,
        keys: &Keys,
        now: ClockReading,
    ) -> Result<(CacheRecord, SyncAction), Error> {
        let found = local.cache()?;
        let has_mac = |token: &TokenSet, mac: &str| keys.macs(&token.access_token).iter().any(|it| it == mac);
        let mut cache = found.clone();
        if cache.token.as_ref().is_some_and(|token| has_mac(token, &self.revoked_mac)) {
            cache = CacheRecord { token: None, rejected: true, ..cache };
        }
        let shared = self.cache.as_ref().and_then(|shared| Some((shared, shared.token.as_ref()?)));
        let action = match (shared, &cache.token) {
            (Some((_, token)), _) if cache.tombstone.as_ref().is_some_and(|mac| has_mac(token, mac)) => {
                SyncAction::Drop
            }
            (Some((_, token)), Some(ours)) if token.access_token == ours.access_token => SyncAction::None,
            (Some((_, token)), Some(ours)) if token.obtained_at_ms <= ours.obtained_at_ms => {
                push_if_valid(ours, now)
            }
            (Some((shared, _)), _) => {
                cache = CacheRecord {
                    tombstone: cache.tombstone,
                    rejected: false,
                    unpushed: false,
                    ..shared.clone()
                };
                SyncAction::None
            }
            (None, Some(ours)) => push_if_valid(ours, now),
            (None, None) => SyncAction::None,
        };
        cache.unpushed &= action == SyncAction::Push;
        if cache != found {
            local.commit(&cache)?;
        }
        Ok((cache, action))
    }

    /// Converts the times of a token as of the question, which came before the engine read its clock: the token expires
    /// too early by the time that passed, and never too late, even if the machine slept before it read the reply. Clocks
    /// that nearly agree are taken for the same, so that the token does not live longer if the engine's is set back.
    fn to_local(&self, cache: CacheRecord) -> CacheRecord {
        let shift = self.asked.wall_ms.saturating_sub(self.clocks.engine_ms);
        let is_near = shift.saturating_abs() <= MAX_CLOCK_OFFSET_MS;
        let expires_by = if is_near { shift.min(0) } else { shift };
        let mut cache = shifted(&cache, self.clocks.at.wall_ms - self.clocks.engine_ms, expires_by);
        if let Some(token) = &mut cache.token {
            token.clock_offset_ms = self.asked.offset_ms();
        }
        cache
    }
}

fn push_if_valid(ours: &TokenSet, now: ClockReading) -> SyncAction {
    if ours.is_valid(now) { SyncAction::Push } else { SyncAction::None }
}

fn shifted(cache: &CacheRecord, obtained_by: i64, expires_by: i64) -> CacheRecord {
    let mut cache = cache.clone();
    if let Some(token) = &mut cache.token {
        token.obtained_at_ms = token.obtained_at_ms.saturating_add(obtained_by);
        token.expires_at_ms = token.expires_at_ms.saturating_add(expires_by);
    }
    cache
}
