//! The store of several machines: this machine's files, with Redis behind them.
//!
//! The local lock is taken first, so that one caller per machine waits for the lease. Reads without the lock use
//! local files, so a cached `get` never connects to Redis.

pub mod clocks;
mod inspect;
mod locked;
mod remote;
pub mod scripts;
pub mod seal;
mod settings;
pub mod snapshot;

pub(crate) use inspect::{Health, Refusal};
pub use remote::Reply;
pub(crate) use seal::new_key;
pub use settings::RedisSettings;

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp, TokenSet};
use crate::store::local::LockedLocal;
use crate::store::{Holder, LocalStore, Locked, Store};
use crate::system::{Clock, Deadline};
use locked::LockedRedis;
use remote::Remote;
use seal::Keys;
use snapshot::Snapshot;
use std::cell::RefCell;
use std::time::Duration;

/// Minimum time for an operation on Redis.
const MIN_TIMEOUT: Duration = Duration::from_millis(50);
/// The longest pause between two looks at the lease, in ms.
const MAX_PAUSE_MS: u64 = 400;

/// The state of one credential, shared between machines.
pub struct RedisStore {
    local: LocalStore,
    shared: RedisSettings,
    credential: CredentialId,
    waiting: RefCell<Waiting>,
}

/// The state of a caller that waits for the lease.
#[derive(Default)]
struct Waiting {
    /// The local lock, which makes this the only caller of its machine that waits for the lease.
    local: Option<LockedLocal>,
    remote: Option<Remote>,
    /// The shared state at the first look.
    first: Option<First>,
    /// Deadline of the next look.
    until: Option<Deadline>,
}

impl Waiting {
    /// Time for an operation on Redis. Never 0, which sockets take for no limit.
    fn within(&self, clock: &dyn Clock) -> Duration {
        self.until.map_or(Duration::MAX, |until| until.remaining(clock)).max(MIN_TIMEOUT)
    }
}

/// The shared state when a caller first looked.
struct First {
    /// The count of failures. Later failures apply to this caller too.
    failures: u64,
    token: Option<TokenSet>,
}

impl RedisStore {
    /// Opens nothing.
    pub fn new(local: LocalStore, shared: &RedisSettings, credential: &CredentialId) -> Self {
        RedisStore {
            local,
            shared: shared.clone(),
            credential: credential.clone(),
            waiting: RefCell::default(),
        }
    }

    fn keys(&self) -> Result<&Keys, Error> {
        self.shared.keys.as_ref().map_err(Error::clone)
    }

    /// Tries to take the lease while holding the local lock. An error releases that lock.
    fn take(&self, mut local: LockedLocal) -> Result<Option<LockedRedis<'_>>, Error> {
        let (keys, clock) = (self.keys()?, &*self.shared.clock);
        let mut waiting = self.waiting.borrow_mut();
        let mut remote = match waiting.remote.take() {
            Some(remote) => remote,
            None => Remote::connect(&self.shared, &self.credential, waiting.within(clock))?,
        };
        let reply = remote.take(&keys.ids(), waiting.within(clock))?.ok_or_else(foreign)?;
        let (got, snapshot) = (reply.got, Snapshot::of(reply, keys, &self.credential, &*self.shared.clock));
        let snapshot = snapshot.inspect_err(|_| remote.release())?;
        let first = waiting.first.get_or_insert_with(|| First {
            failures: snapshot.ledger.failures,
            token: snapshot.cache.as_ref().and_then(|cache| cache.token.clone()),
        });
        let before = first.failures;
        if !got {
            snapshot.update_local(&mut local, keys, self.shared.clock.now())?;
            waiting.local = Some(local);
            waiting.remote = Some(remote);
            return Ok(None);
        }
        Ok(Some(LockedRedis::new(self, local, Some((remote, snapshot)), before)))
    }
}

impl Store for RedisStore {
    fn cache(&self) -> Result<CacheRecord, Error> {
        self.local.cache()
    }

    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger {
        self.local.ledger(now, budget)
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        let kept = self.waiting.borrow_mut().local.take();
        let local = match kept {
            Some(local) => Some(local),
            None => self.local.take()?,
        };
        let Some(local) = local else { return Ok(None) };
        Ok(self.take(local)?.map(|locked| -> Box<dyn Locked + '_> { Box::new(locked) }))
    }

    fn try_lock_local(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        match self.try_lock() {
            Err(error) if matches!(error.code(), Code::Unavailable | Code::Config) => {
                log::info!("noted on this machine, for the shared store later: {}", error.message());
                let local = self.local.take()?;
                Ok(local.map(|local| -> Box<dyn Locked + '_> {
                    Box::new(LockedRedis::new(self, local, None, 0))
                }))
            }
            other => other,
        }
    }

    /// The one caller per machine that waits for the lease looks less often.
    fn pause(&self, attempt: u32) -> Duration {
        let pause = self.local.pause(attempt);
        match self.waiting.borrow().local {
            Some(_) => (pause * 4).min(Duration::from_millis(MAX_PAUSE_MS)),
            None => pause,
        }
    }

    fn holder(&self) -> Option<Holder> {
        let waits_itself = self.waiting.borrow().local.is_some();
        // The lease belongs to another machine, whose process ids mean nothing here.
        if waits_itself { Some(Holder { pid: 0, since_ms: 0 }) } else { self.local.holder() }
    }

    /// Writes to the local ledger, because the shared one may be unreachable.
    fn early_failed(&self, now: &Timestamp, budget: &Budget) {
        let note = || -> Result<(), Error> {
            if let Some(mut local) = self.local.take()? {
                let ledger = local.ledger(now, budget)?;
                local.record(&Ledger { early_failed: Some(now.clone()), ..ledger })?;
            }
            Ok(())
        };
        if let Err(error) = note() {
            log::warn!("the failure was not noted: {}", error.message());
        }
    }

    fn bound(&self, left: Duration) {
        self.waiting.borrow_mut().until = Some(Deadline::after(&*self.shared.clock, left));
    }

    fn known_at_start(&self, token: &TokenSet) -> bool {
        let waiting = self.waiting.borrow();
        let first = waiting.first.as_ref().and_then(|first| first.token.as_ref());
        first.is_some_and(|first| first.access_token == token.access_token)
    }
}

/// The shared token is sealed with a key that this machine does not have.
fn foreign() -> Error {
    Error::new(
        Code::Config,
        tr!("the shared store is sealed with another key"),
        tr!(
            "set ZOHO_CRED_STORE_KEY to the key of the other machines, or ZOHO_CRED_STORE_KEY_OLD to the previous key"
        ),
    )
}
