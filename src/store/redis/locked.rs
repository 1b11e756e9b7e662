//! The shared state while this process holds the local lock and the lease.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::{Budget, CacheRecord, Ledger, Timestamp, TokenSet};
use crate::store::local::LockedLocal;
use crate::store::redis::RedisStore;
use crate::store::redis::remote::{Remote, Reserved};
use crate::store::redis::snapshot::{Snapshot, SyncAction};
use crate::store::{Locked, WriteAheadError};
use crate::system::Clock;

/// A request needs 12 s of the lease's 15 s, so a reservation may take this long. In ms.
const MAX_RESERVATION_MS: i64 = 3_000;
/// How often a write of the ledger is retried after concurrent writes by other machines.
const RECORD_TRIES: u32 = 5;

/// Holds the local lock and the lease. If `remote` is `None`, Redis was unreachable, and writes go to this machine only.
pub(crate) struct LockedRedis<'a> {
    store: &'a RedisStore,
    /// Dropped after the lease is released.
    local: LockedLocal,
    remote: Option<(Remote, Snapshot)>,
    /// The shared count of failures when this caller began to wait.
    failures_before: u64,
    /// The count of failures that the caller last read.
    failures: u64,
    token: Option<TokenSet>,
    /// Another machine wrote the ledger while this one held the lease, so the caller must read it again.
    ledger_changed: bool,
}

impl<'a> LockedRedis<'a> {
    pub(crate) fn new(
        store: &'a RedisStore,
        local: LockedLocal,
        remote: Option<(Remote, Snapshot)>,
        failures_before: u64,
    ) -> Self {
        LockedRedis { store, local, remote, failures_before, failures: 0, token: None, ledger_changed: false }
    }

    fn clock(&self) -> &dyn Clock {
        &*self.store.shared.clock
    }

    /// Writes `cache` to Redis. False if Redis has a newer token.
    fn push(&mut self, cache: &CacheRecord) -> Result<bool, Error> {
        let (Some(token), Some((remote, snapshot))) = (&cache.token, &mut self.remote) else {
            return Ok(true);
        };
        let keys = self.store.keys()?;
        let (text, asked) = snapshot.cache_text(cache);
        let sealed = keys.seal(self.store.credential.cache(), &text)?;
        let committed = remote.commit(snapshot.generation, sealed, &keys.macs(&token.access_token), asked)?;
        snapshot.generation = snapshot.generation.saturating_add(u64::from(committed));
        Ok(committed)
    }

    /// Converts the failure count from the local to the shared one.
    fn shared_ledger(&self, snapshot: &Snapshot, ledger: &Ledger) -> Ledger {
        let new = ledger.failures.saturating_sub(self.failures);
        Ledger { failures: snapshot.ledger.failures.saturating_add(new), ..ledger.clone() }
    }

    /// Drops the token from this machine first, so that it is gone even if Redis is unreachable.
    fn drop_token(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        let macs = match (&self.token, self.store.keys()) {
            (Some(token), Ok(keys)) => keys.macs(&token.access_token),
            _ => Vec::new(),
        };
        let tombstone = macs.first().cloned().or_else(|| cache.tombstone.clone());
        self.local.commit(&CacheRecord { tombstone, ..cache.clone() })?;
        if let (Some((remote, _)), false) = (&mut self.remote, macs.is_empty())
            && let Err(error) = remote.drop_token(&macs)
        {
            log::warn!("the rejected token is dropped from the shared store later: {}", error.message());
        }
        Ok(())
    }
}

impl Locked for LockedRedis<'_> {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        let now = self.clock().now();
        let Some((remote, snapshot)) = &mut self.remote else {
            let cache = self.local.cache()?;
            self.token.clone_from(&cache.token);
            return Ok(cache);
        };
        let keys = self.store.keys()?;
        if let Some(sealed) = snapshot.undecryptable.take() {
            remote.set_aside(&sealed)?;
        }
        let (cache, action) = snapshot.update_local(&mut self.local, keys, now)?;
        self.token.clone_from(&cache.token);
        match action {
            SyncAction::None => {}
            SyncAction::Push => {
                self.push(&cache)?;
            }
            SyncAction::Drop => {
                let rejected = snapshot.cache.take().and_then(|shared| shared.token);
                remote
                    .drop_token(&rejected.map(|token| keys.macs(&token.access_token)).unwrap_or_default())?;
            }
        }
        Ok(cache)
    }

    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error> {
        let mut ledger = self.local.ledger(now, budget)?;
        if let Some((_, snapshot)) = &self.remote {
            // Failures of other machines while this caller waited count as local ones.
            let new = snapshot.ledger.failures.saturating_sub(self.failures_before);
            ledger = ledger.stricter(&snapshot.ledger, now);
            ledger.failures = ledger.failures.saturating_add(new);
            if new > 0 {
                self.local.record(&ledger)?;
            }
        }
        self.failures = ledger.failures;
        Ok(ledger)
    }

    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<(), WriteAheadError> {
        if self.ledger_changed {
            return Err(WriteAheadError::LeaseLost);
        }
        self.local.write_ahead(ledger, cache)?;
        // The boot clock goes on while the machine is suspended, as the lease does.
        let now = self.clock().timestamp();
        let reserved = match self.remote.take() {
            None => Err(Error::unavailable(&tr!("the shared store is out of reach"))),
            Some((mut remote, mut snapshot)) => {
                let json = snapshot.ledger_json(&self.shared_ledger(&snapshot, ledger), &now);
                let reserved = remote.reserve(&mut snapshot.rev, &json);
                self.remote = Some((remote, snapshot));
                reserved
            }
        };
        let took = self.clock().now().boot_ms.saturating_sub(now.boot_ms);
        let refusal = match reserved {
            Ok(Reserved::Yes) if (0..=MAX_RESERVATION_MS).contains(&took) => return Ok(()),
            Ok(Reserved::Yes) => {
                let problem = tr!("the shared store answered too late to be sure of the lease");
                Error::unavailable(&problem).into()
            }
            Ok(Reserved::Lost) => WriteAheadError::LeaseLost,
            Err(error) => error.into(),
        };
        // Nothing will be sent, so the entry is removed from the local ledger. Redis may keep it, which is safe.
        let mut without_entry = ledger.clone();
        without_entry.withdraw();
        self.local.record(&without_entry)?;
        Err(refusal)
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        if cache.token.is_none() {
            return self.drop_token(cache);
        }
        match self.push(cache) {
            Ok(true) => self.local.commit(cache),
            // Another machine committed a newer token, which the next caller here reads.
            Ok(false) => Ok(()),
            Err(error) => self.local.commit(cache).and(Err(error)),
        }
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        self.local.record(ledger)?;
        let now = self.clock().timestamp();
        let Some((mut remote, mut snapshot)) = self.remote.take() else { return Ok(()) };
        let mut shared = self.shared_ledger(&snapshot, ledger);
        let mut result = Ok(());
        for _ in 0..RECORD_TRIES {
            let json = snapshot.ledger_json(&shared, &now);
            match remote.record(&mut snapshot.rev, &json) {
                Ok(None) => break,
                Ok(Some(json)) => {
                    self.ledger_changed = true;
                    let theirs = snapshot.read_ledger(&json, &now);
                    shared = Ledger {
                        failures: shared.failures.max(theirs.failures),
                        ..shared.stricter(&theirs, &now)
                    };
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        snapshot.ledger = shared;
        self.failures = ledger.failures;
        self.remote = Some((remote, snapshot));
        result
    }
}

impl Drop for LockedRedis<'_> {
    fn drop(&mut self) {
        if let Some((remote, _)) = &mut self.remote {
            remote.release();
        }
    }
}
