//! The store of a fleet: this machine's folder, and Redis behind it.
//!
//! The local lock is taken first, so that one caller a machine waits for the lease while the others wait for it. What
//! is read anywhere without the lock is read from the folder: a warm call never gets here.

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
pub use settings::Shared;

use crate::error::Error;
use crate::i18n::tr;
use crate::model::Budget;
use crate::model::CredentialId;
use crate::model::{CacheRecord, Ledger, Timestamp, TokenSet};
use crate::store::local::LockedLocal;
use crate::store::{Holder, LocalStore, Locked, Store};
use crate::system::{Clock, Deadline};
use locked::LockedRedis;
use remote::Remote;
use seal::Keys;
use snapshot::Snapshot;
use std::cell::RefCell;
use std::time::Duration;

/// A look at Redis gets at least this long.
const LEAST_WAIT: Duration = Duration::from_millis(50);
/// The longest pause between two looks at the lease, in ms.
const LONGEST_PAUSE_MS: u64 = 400;

/// The state of one credential, shared by machines.
pub struct RedisStore {
    local: LocalStore,
    shared: Shared,
    credential: CredentialId,
    waiting: RefCell<Waiting>,
}

/// What a caller keeps while it waits for the lease.
#[derive(Default)]
struct Waiting {
    /// The local lock, which makes it the one caller of its machine that waits here.
    local: Option<LockedLocal>,
    remote: Option<Remote>,
    /// What there was at the first look.
    first: Option<First>,
    /// When this look must have ended.
    until: Option<Deadline>,
}

impl Waiting {
    /// What Redis may take; never nought, which sockets take for no limit.
    fn within(&self, clock: &dyn Clock) -> Duration {
        self.until.map_or(Duration::MAX, |until| until.remaining(clock)).max(LEAST_WAIT)
    }
}

/// What the fleet had when a caller first looked.
struct First {
    /// Its count of failures: those after it are this caller's too.
    failures: u64,
    token: Option<TokenSet>,
}

impl RedisStore {
    /// The shared state of `credential` with `local` in front. Nothing is opened yet.
    pub fn new(local: LocalStore, shared: &Shared, credential: &CredentialId) -> Self {
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

    /// One look at the lease with the local lock held. An error lets go of that lock.
    fn take(&self, mut local: LockedLocal) -> Result<Option<LockedRedis<'_>>, Error> {
        let (keys, clock) = (self.keys()?, &*self.shared.clock);
        let mut waiting = self.waiting.borrow_mut();
        let mut remote = match waiting.remote.take() {
            Some(remote) => remote,
            None => Remote::connect(&self.shared, &self.credential, waiting.within(clock))?,
        };
        let raw = remote.take(&keys.ids(), waiting.within(clock))?.ok_or_else(foreign)?;
        let (got, view) = (raw.got, Snapshot::of(raw, keys, &self.credential, &*self.shared.clock));
        let view = view.inspect_err(|_| remote.release())?;
        let first = waiting.first.get_or_insert_with(|| First {
            failures: view.ledger.failures,
            token: view.cache.as_ref().and_then(|cache| cache.token.clone()),
        });
        let before = first.failures;
        if !got {
            view.take_over(&mut local, keys, self.shared.clock.now())?;
            waiting.local = Some(local);
            waiting.remote = Some(remote);
            return Ok(None);
        }
        Ok(Some(LockedRedis::new(self, local, Some((remote, view)), before)))
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
            Err(error @ (Error::Unavailable { .. } | Error::Setting { .. })) => {
                log::info!("noted on this machine, for the shared store later: {}", error.message());
                let local = self.local.take()?;
                Ok(local.map(|local| -> Box<dyn Locked + '_> {
                    Box::new(LockedRedis::new(self, local, None, 0))
                }))
            }
            other => other,
        }
    }

    /// The one caller of a machine that waits for the lease looks less often than those that wait for it.
    fn pause(&self, attempt: u32) -> Duration {
        let pause = self.local.pause(attempt);
        match self.waiting.borrow().local {
            Some(_) => (pause * 4).min(Duration::from_millis(LONGEST_PAUSE_MS)),
            None => pause,
        }
    }

    fn holder(&self) -> Option<Holder> {
        let waits_itself = self.waiting.borrow().local.is_some();
        // The lease is another machine's, whose process ids mean nothing here.
        if waits_itself { Some(Holder { pid: 0, since_ms: 0 }) } else { self.local.holder() }
    }

    /// In this machine's ledger: the fleet's is what could not be reached.
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

/// The token there is sealed with none of our keys.
fn foreign() -> Error {
    Error::Setting {
        problem: tr!("the shared store is sealed with another key"),
        hint: tr!(
            "give this machine the fleet's ZOHO_CRED_STORE_KEY, or the one before it as ZOHO_CRED_STORE_KEY_OLD"
        ),
    }
}
