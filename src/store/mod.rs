//! Where the state that callers share rests: cache, ledger and lock of a credential.

pub mod local;
pub mod redis;

pub(crate) use local::FileLock;
pub(crate) use local::FileVersion;
pub use local::Holder;
pub use local::LocalStore;
pub use local::StateDir;
pub(crate) use local::{cache_path, read_cache};
pub use redis::Shared;
pub(crate) use redis::{Health, Refusal};

use crate::error::Error;
use crate::model::Budget;
use crate::model::CredentialId;
use crate::model::{CacheRecord, Ledger, Timestamp, TokenSet};
use std::time::Duration;

/// The shared state of one credential, as anybody may read it.
pub trait Store {
    /// The cached token set; nothing usable there counts as none. An error where a file is there that cannot be read
    /// now: a caller that takes that for no token would take the old one for a new one later.
    fn cache(&self) -> Result<CacheRecord, Error>;
    /// The ledger, for looking only; what cannot be parsed counts as all but two used.
    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger;
    /// The lock, if it is free; waiting is the caller's business.
    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error>;
    /// The lock for a write that asks nothing of Zoho: it may go on without machines that cannot be reached now.
    fn try_lock_local(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        self.try_lock()
    }
    /// Remembers that the lock of an early attempt could not be had, so that the next callers do not try it again soon.
    fn early_failed(&self, _now: &Timestamp, _budget: &Budget) {}
    /// What the caller has left: the next look at the lock takes no longer, wherever that lock is.
    fn bound(&self, _left: Duration) {}
    /// Whether other machines had this token already when this caller first looked, so that it is none that came
    /// while the caller waited.
    fn known_at_start(&self, _token: &TokenSet) -> bool {
        false
    }
    /// How long to wait before the `attempt`-th next look (from 0).
    fn pause(&self, attempt: u32) -> Duration;
    /// Who holds the lock, if somebody does.
    fn holder(&self) -> Option<Holder>;
}

/// The same state while its lock is held. Nothing can be written without it.
pub trait Locked {
    /// The cached token set, read now; what cannot be parsed is set aside.
    fn cache(&mut self) -> Result<CacheRecord, Error>;
    /// The ledger, read now; what cannot be parsed is set aside and counts as all but two used.
    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error>;
    /// Makes a request safe to send: the ledger with its entry is on disk, and so is a file that has room for the
    /// answer. An error means that nothing may be sent.
    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<(), Error>;
    /// Replaces the cached token set. One without a token drops the token that was read under this lock, for every
    /// machine; unread, it is dropped from this machine only.
    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error>;
    /// Replaces the ledger.
    fn record(&mut self, ledger: &Ledger) -> Result<(), Error>;
}

/// The store of a credential: this machine's local, and behind it the shared store, if there is one.
pub fn open(
    state: &StateDir,
    credential: &CredentialId,
    shared: Option<&Shared>,
) -> Result<Box<dyn Store>, Error> {
    state.check()?;
    let local = LocalStore::new(state, credential);
    Ok(match shared {
        Some(shared) => Box::new(redis::RedisStore::new(local, shared, credential)),
        None => Box::new(local),
    })
}
