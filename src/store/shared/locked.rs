//! The shared state while this process holds the local lock and, to refresh, the lease.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{Budget, CacheRecord, Ledger, Timestamp, TokenSet};
use crate::store::local::LockedLocal;
use crate::store::shared::caller::{Caller, MAX_TIMEOUT};
use crate::store::shared::remote::{LEASE_MS, LedgerChange, NewToken, Remote};
use crate::store::shared::seal::Keys;
use crate::store::shared::snapshot::{Snapshot, SyncAction};
use crate::store::{Locked, Reserved};
use crate::system::{Clock, Deadline, random};
use std::time::Duration;

/// A request needs 12 s of the lease's 15 s, so a reservation may take this long. In ms.
const MAX_RESERVATION_MS: i64 = 3_000;
/// How often a write of the ledger is retried after concurrent writes by other machines.
const RECORD_TRIES: u32 = 5;
/// With less time than this, a lost reservation is not tried again.
const LEAST_TIME: Duration = Duration::from_secs(1);

/// A connection, and the keys as they were when it was made.
pub(super) struct Connected<'c> {
    pub(super) remote: Box<dyn Remote + 'c>,
    pub(super) keys: Keys,
}

impl Connected<'_> {
    /// Releases the lease. If that fails, it expires.
    pub(super) fn release(&mut self, owner: &str, within: Duration) {
        if let Err(error) = self.remote.release(owner, within) {
            log::info!("the lease was not given back and will run out: {}", error.message());
        }
    }
}

/// Holds the local lock and, unless it only synchronizes, the lease. If `remote` is `None`, the remote store was
/// unreachable, and writes go to this machine only.
pub(crate) struct LockedShared<'a> {
    caller: &'a Caller,
    /// Dropped after the lease is released.
    local: LockedLocal,
    remote: Option<(Connected<'a>, Snapshot)>,
    /// Why no request may be sent.
    refusal: Option<Error>,
    /// When the lease expires at the latest, if we have it.
    lease: Option<Deadline>,
    /// The shared count of failures when this caller began to wait.
    failures_before: u64,
    /// The count of failures that the caller last read.
    failures: u64,
    token: Option<TokenSet>,
    /// Another machine wrote the ledger while this one held the lease, so the caller must read it again.
    ledger_changed: bool,
}

impl<'a> LockedShared<'a> {
    /// Without the lease.
    pub(super) fn new(
        caller: &'a Caller,
        local: LockedLocal,
        remote: Option<(Connected<'a>, Snapshot)>,
    ) -> Self {
        LockedShared {
            caller,
            local,
            remote,
            refusal: None,
            lease: None,
            failures_before: 0,
            failures: 0,
            token: None,
            ledger_changed: false,
        }
    }

    /// With the lease, after a wait that began with `failures` failures. Sends no request if there is a `refusal`.
    pub(super) fn with_lease(mut self, failures: u64, refusal: Option<Error>) -> Self {
        self.lease = Some(Deadline::after(self.clock(), Duration::from_millis(LEASE_MS as u64)));
        (self.failures_before, self.refusal) = (failures, refusal);
        self
    }

    fn clock(&self) -> &'a dyn Clock {
        self.caller.clock()
    }

    /// Writes the token to the remote store, unless that has a newer one. False if there is no connection.
    fn push(&mut self, cache: &CacheRecord, within: Duration) -> Result<bool, Error> {
        let (Some(token), Some((connected, snapshot))) = (&cache.token, &mut self.remote) else {
            return Ok(false);
        };
        let (text, asked_ms) = snapshot.cache_text(cache);
        let sealed = &connected.keys.seal(self.caller.credential.cache(), &text)?;
        let macs = &connected.keys.macs(&token.access_token);
        let new = NewToken { generation: snapshot.generation, sealed, macs, asked_ms };
        let committed = connected.remote.commit(new, within)?;
        snapshot.generation = snapshot.generation.saturating_add(u64::from(committed));
        Ok(true)
    }

    /// Drops the token from this machine first, so that it is gone even if the remote store is unreachable.
    fn drop_token(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        let keys = match &self.remote {
            Some((connected, _)) => Some(connected.keys.clone()),
            None => self.caller.settings.keys().ok(),
        };
        let macs = match (&self.token, keys) {
            (Some(token), Some(keys)) => keys.macs(&token.access_token),
            _ => Vec::new(),
        };
        let tombstone = macs.first().cloned().or_else(|| cache.tombstone.clone());
        self.local.commit(&CacheRecord { tombstone, ..cache.clone() })?;
        let within = self.caller.aftermath(MAX_TIMEOUT);
        if let (Some((connected, _)), false) = (&mut self.remote, macs.is_empty())
            && let Err(error) = connected.remote.drop_token(&macs, within)
        {
            log::warn!("the rejected token is dropped from the shared store later: {}", error.message());
        }
        Ok(())
    }

    /// Removes from this machine's ledger the entry of a request that is not sent. The shared ledger may keep it, which
    /// is safe.
    fn withdraw(&mut self, ledger: &Ledger) -> Result<(), Error> {
        let mut without_entry = ledger.clone();
        without_entry.withdraw();
        self.local.record(&without_entry)
    }

    /// Reserves a request in the shared ledger.
    fn reserve(&mut self, ledger: &Ledger) -> Result<Reserved, Error> {
        // The boot clock goes on while the machine is suspended, as the lease does.
        let now = self.clock().timestamp();
        let lease = Deadline::after(self.clock(), Duration::from_millis(LEASE_MS as u64));
        let Some((connected, snapshot)) = &mut self.remote else {
            return Err(Error::unavailable(&tr!("the shared store is out of reach")));
        };
        let json = snapshot.ledger_json(&shared_ledger(snapshot, ledger, self.failures), &now);
        let next = random::word()?;
        let change = LedgerChange { rev: &snapshot.rev, next: &next, json: &json };
        let within = self.caller.within(Duration::from_millis(MAX_RESERVATION_MS as u64));
        let reserved = connected.remote.reserve(&self.caller.owner, change, within);
        let is_connected = connected.remote.is_connected();
        if reserved == Ok(Reserved::Yes) {
            snapshot.rev = next;
            self.lease = Some(lease);
        }
        let took = self.clock().now().boot_ms.saturating_sub(now.boot_ms);
        match reserved {
            Ok(Reserved::Yes) if !(0..=MAX_RESERVATION_MS).contains(&took) => {
                let problem = tr!("the shared store answered too late to be sure of the lease");
                Err(Error::unavailable(&problem))
            }
            // The connection broke. A new one may work, and the lease is still ours.
            Err(error)
                if error.code() == Code::Unavailable
                    && !is_connected
                    && self.caller.within(Duration::MAX) > LEAST_TIME =>
            {
                log::info!("the reservation is tried again: {}", error.message());
                Ok(Reserved::Lost)
            }
            reserved => reserved,
        }
    }
}

/// `ledger` with the shared count of failures. `failures` is the local count that the caller read.
fn shared_ledger(snapshot: &Snapshot, ledger: &Ledger, failures: u64) -> Ledger {
    let new = ledger.failures.saturating_sub(failures);
    Ledger { failures: snapshot.ledger.failures.saturating_add(new), ..ledger.clone() }
}

impl Locked for LockedShared<'_> {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        let now = self.clock().now();
        let within = self.caller.within(MAX_TIMEOUT);
        let Some((connected, snapshot)) = &mut self.remote else {
            let cache = self.local.cache()?;
            self.token.clone_from(&cache.token);
            return Ok(cache);
        };
        if let Some(sealed) = snapshot.undecryptable.take() {
            connected.remote.set_aside(&sealed, within)?;
        }
        let (mut cache, action) = snapshot.update_local(&mut self.local, &connected.keys, now)?;
        self.token.clone_from(&cache.token);
        match action {
            SyncAction::None => {}
            SyncAction::Push => {
                self.push(&cache, within)?;
            }
            SyncAction::Drop => {
                let rejected = snapshot.cache.take().and_then(|shared| shared.token);
                if let Some(token) = rejected {
                    connected.remote.drop_token(&connected.keys.macs(&token.access_token), within)?;
                }
            }
        }
        if cache.unpushed {
            cache.unpushed = false;
            self.local.commit(&cache)?;
        }
        Ok(cache)
    }

    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error> {
        let mut ledger = self.local.ledger(now, budget)?;
        let (mut is_news, mut is_behind) = (false, false);
        if let Some((_, snapshot)) = &self.remote {
            // Failures of other machines while this caller waited count as local ones.
            let new = snapshot.ledger.failures.saturating_sub(self.failures_before);
            ledger = ledger.stricter(&snapshot.ledger, now);
            ledger.failures = ledger.failures.saturating_add(new);
            is_news = new > 0;
            is_behind = self.lease.is_some() && snapshot.is_behind(&ledger, now, budget);
        }
        self.failures = ledger.failures;
        // The others learn of this machine's requests even if it may not make another one.
        if is_behind && let Err(error) = self.record(&ledger) {
            log::info!("this machine's requests are shared later: {}", error.message());
        }
        if is_news {
            self.local.record(&ledger)?;
        }
        Ok(ledger)
    }

    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<Reserved, Error> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        if self.ledger_changed || self.local.write_ahead(ledger, cache)? == Reserved::Lost {
            return Ok(Reserved::Lost);
        }
        let reserved = self.reserve(ledger);
        if reserved != Ok(Reserved::Yes) {
            self.withdraw(ledger)?;
        }
        reserved
    }

    /// Commits to this machine first, so that a granted token survives whatever happens next. Then the remote store is
    /// tried for as long as nobody else can have the lease.
    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        if cache.token.is_none() {
            return self.drop_token(cache);
        }
        let kept = self.local.commit(&CacheRecord { unpushed: true, ..cache.clone() });
        let lease = self.lease.map_or(MAX_TIMEOUT, |lease| lease.remaining(self.clock()));
        let pushed = self.push(cache, self.caller.aftermath(lease.max(MAX_TIMEOUT)));
        if pushed == Ok(true)
            && let Err(error) = self.local.commit(&CacheRecord { unpushed: false, ..cache.clone() })
        {
            log::debug!("the token will be shared a second time: {}", error.message());
        }
        kept.and(pushed.map(|_| ()))
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        self.local.record(ledger)?;
        let now = self.clock().timestamp();
        let within = self.caller.aftermath(MAX_TIMEOUT);
        let Some((connected, snapshot)) = &mut self.remote else { return Ok(()) };
        let mut shared = shared_ledger(snapshot, ledger, self.failures);
        let mut result = Ok(());
        for _ in 0..RECORD_TRIES {
            let (json, next) = (snapshot.ledger_json(&shared, &now), random::word()?);
            let change = LedgerChange { rev: &snapshot.rev, next: &next, json: &json };
            match connected.remote.record(change, within) {
                Ok((rev, _)) if rev == next => {
                    snapshot.rev = rev;
                    break;
                }
                Ok((rev, json)) => {
                    snapshot.rev = rev;
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
        result
    }
}

impl Drop for LockedShared<'_> {
    fn drop(&mut self) {
        let within = self.caller.aftermath(MAX_TIMEOUT);
        let is_ours = self.lease.is_some_and(|lease| !lease.remaining(self.clock()).is_zero());
        if let (Some((connected, _)), true) = (&mut self.remote, is_ours) {
            connected.release(&self.caller.owner, within);
        }
    }
}
