//! The fleet's state while both the local lock and the lease are ours.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::Budget;
use crate::model::{CacheRecord, Ledger, Timestamp, TokenSet};
use crate::store::Locked;
use crate::store::local::LockedLocal;
use crate::store::redis::RedisStore;
use crate::store::redis::remote::{Remote, Reserved};
use crate::store::redis::snapshot::{Need, Snapshot};
use crate::system::Clock;

/// A request is sent only if 12 s of the lease's 15 are left, so a reservation takes at most this long, in ms.
const LONGEST_RESERVATION_MS: i64 = 3_000;
/// How often the ledger's last word is tried again where another machine wrote meanwhile.
const RECORD_TRIES: u32 = 5;

/// Local lock and lease. Without `far`, Redis could not be reached and this only notes things for later.
pub(crate) struct LockedRedis<'a> {
    fleet: &'a RedisStore,
    /// Dropped after the lease was given back.
    local: LockedLocal,
    far: Option<(Remote, Snapshot)>,
    /// The fleet's count of failures when this caller began to wait.
    before: u64,
    /// Our count of failures as it was handed out.
    failures: u64,
    token: Option<TokenSet>,
    /// Another machine wrote the ledger while the lease was ours: what it wrote has not been looked at here.
    overtaken: bool,
}

impl<'a> LockedRedis<'a> {
    /// The state, with the fleet's as `far` has it.
    pub(crate) fn new(
        fleet: &'a RedisStore,
        local: LockedLocal,
        far: Option<(Remote, Snapshot)>,
        before: u64,
    ) -> Self {
        LockedRedis { fleet, local, far, before, failures: 0, token: None, overtaken: false }
    }

    fn clock(&self) -> &dyn Clock {
        &*self.fleet.shared.clock
    }

    /// Puts `cache` into Redis; false if a newer one is there.
    fn push(&mut self, cache: &CacheRecord) -> Result<bool, Error> {
        let (Some(token), Some((remote, view))) = (&cache.token, &mut self.far) else { return Ok(true) };
        let keys = self.fleet.keys()?;
        let (text, asked) = view.cache_text(cache);
        let sealed = keys.seal(self.fleet.credential.cache(), &text)?;
        let committed = remote.commit(view.generation, sealed, &keys.marks(&token.access_token), asked)?;
        view.generation = view.generation.saturating_add(u64::from(committed));
        Ok(committed)
    }

    /// The ledger as Redis keeps it: with the fleet's own count of failures.
    fn far_ledger(&self, view: &Snapshot, ledger: &Ledger) -> Ledger {
        let new = ledger.failures.saturating_sub(self.failures);
        Ledger { failures: view.ledger.failures.saturating_add(new), ..ledger.clone() }
    }

    /// Drops a token everywhere: here first, so that it is gone even if Redis is.
    fn drop_token(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        let marks = match (&self.token, self.fleet.keys()) {
            (Some(token), Ok(keys)) => keys.marks(&token.access_token),
            _ => Vec::new(),
        };
        let tombstone = marks.first().cloned().or_else(|| cache.tombstone.clone());
        self.local.commit(&CacheRecord { tombstone, ..cache.clone() })?;
        if let (Some((remote, _)), false) = (&mut self.far, marks.is_empty())
            && let Err(error) = remote.drop_token(&marks)
        {
            log::warn!("the rejected token is dropped from the shared store later: {}", error.message());
        }
        Ok(())
    }
}

impl Locked for LockedRedis<'_> {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        let now = self.clock().now();
        let Some((remote, view)) = &mut self.far else {
            let cache = self.local.cache()?;
            self.token.clone_from(&cache.token);
            return Ok(cache);
        };
        let keys = self.fleet.keys()?;
        if let Some(sealed) = view.broken.take() {
            remote.set_aside(&sealed)?;
        }
        let (cache, need) = view.take_over(&mut self.local, keys, now)?;
        self.token.clone_from(&cache.token);
        match need {
            Need::Nothing => {}
            Need::Ours => {
                self.push(&cache)?;
            }
            Need::Drop => {
                let rejected = view.cache.take().and_then(|shared| shared.token);
                remote
                    .drop_token(&rejected.map(|token| keys.marks(&token.access_token)).unwrap_or_default())?;
            }
        }
        Ok(cache)
    }

    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error> {
        let mut ledger = self.local.ledger(now, budget)?;
        if let Some((_, view)) = &self.far {
            // Failures of other machines while this caller waited count as if they had been here.
            let new = view.ledger.failures.saturating_sub(self.before);
            ledger = ledger.stricter(&view.ledger, now);
            ledger.failures = ledger.failures.saturating_add(new);
            if new > 0 {
                self.local.record(&ledger)?;
            }
        }
        self.failures = ledger.failures;
        Ok(ledger)
    }

    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<(), Error> {
        if self.overtaken {
            return Err(Error::LeaseLost);
        }
        self.local.write_ahead(ledger, cache)?;
        // By the clock that goes on while the machine is suspended, as the lease does.
        let now = self.clock().timestamp();
        let reserved = match self.far.take() {
            None => Err(Error::Unavailable {
                problem: tr!("the shared store is out of reach"),
                retry_after: None,
            }),
            Some((mut remote, mut view)) => {
                let json = view.ledger_json(&self.far_ledger(&view, ledger), &now);
                let reserved = remote.reserve(&mut view.rev, &json);
                self.far = Some((remote, view));
                reserved
            }
        };
        let took = self.clock().now().boot_ms.saturating_sub(now.boot_ms);
        let refusal = match reserved {
            Ok(Reserved::Yes) if (0..=LONGEST_RESERVATION_MS).contains(&took) => return Ok(()),
            Ok(Reserved::Yes) => {
                let problem = tr!("the shared store answered too late to be sure of the lease");
                Error::Unavailable { problem, retry_after: None }
            }
            Ok(Reserved::Lost) => Error::LeaseLost,
            Err(error) => error,
        };
        // Nothing will be sent, so the entry goes from this machine's ledger. Redis may keep one, which is the safe side.
        let mut without = ledger.clone();
        without.withdraw();
        self.local.record(&without)?;
        Err(refusal)
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        if cache.token.is_none() {
            return self.drop_token(cache);
        }
        match self.push(cache) {
            Ok(true) => self.local.commit(cache),
            // Another machine has a newer one, which the next caller here takes over.
            Ok(false) => Ok(()),
            Err(error) => self.local.commit(cache).and(Err(error)),
        }
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        self.local.record(ledger)?;
        let now = self.clock().timestamp();
        let Some((mut remote, mut view)) = self.far.take() else { return Ok(()) };
        let mut far = self.far_ledger(&view, ledger);
        let mut result = Ok(());
        for _ in 0..RECORD_TRIES {
            let json = view.ledger_json(&far, &now);
            match remote.record(&mut view.rev, &json) {
                Ok(None) => break,
                Ok(Some(json)) => {
                    self.overtaken = true;
                    let there = view.read_ledger(&json, &now);
                    far = Ledger { failures: far.failures.max(there.failures), ..far.stricter(&there, &now) };
                }
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        view.ledger = far;
        self.failures = ledger.failures;
        self.far = Some((remote, view));
        result
    }
}

impl Drop for LockedRedis<'_> {
    fn drop(&mut self) {
        if let Some((remote, _)) = &mut self.far {
            remote.release();
        }
    }
}
