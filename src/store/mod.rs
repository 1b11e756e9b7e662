//! The state that callers share: cache, ledger and lock of a credential.

pub mod local;
#[cfg(feature = "object-storage")]
pub mod object;
pub mod redis;
pub mod shared;

pub(crate) use local::{FileLock, cache_path, read_cache};
pub use local::{Holder, LocalStore, StateDir};
pub use shared::remote::Reserved;
pub use shared::{SharedSettings, SharedStore};

use crate::error::Error;
#[cfg(not(feature = "object-storage"))]
use crate::i18n::tr;
use crate::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp, TokenSet};
use shared::address::Address;
use shared::remote::{Health, Remote};
use shared::snapshot::Snapshot;
use std::rc::Rc;
use std::time::Duration;

/// The shared state of one credential, without its lock.
pub trait Store {
    /// The cached token. Empty if the file is missing or unparseable. An error if the file exists but cannot be read
    /// now: treating that as empty would later make the old token look new.
    fn cache(&self) -> Result<CacheRecord, Error>;
    /// The ledger, for display only. An unparseable one counts as all requests but two used.
    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger;
    /// Tries to take the lock, without waiting.
    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error>;
    /// Tries to take the lock for a write that sends no request to Zoho. It succeeds if the shared store is
    /// unreachable.
    fn try_lock_local(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        self.try_lock()
    }
    /// Records that an early refresh did not get the lock, so that later callers do not try soon.
    fn early_failed(&self, _now: &Timestamp, _budget: &Budget) {}
    /// Limits the time of the next look at the lock to `left`.
    fn bound(&self, _left: Duration) {}
    /// Whether the shared store had this token at the caller's first look, so that it is not a new one.
    fn known_at_start(&self, _token: &TokenSet) -> bool {
        false
    }
    fn is_shared(&self) -> bool {
        false
    }
    /// How long to wait before the next look at the lock. `attempt` counts from 0.
    fn pause(&self, attempt: u32) -> Duration;
    fn holder(&self) -> Option<Holder>;
}

/// The same state while its lock is held. Only this type can write.
pub trait Locked {
    /// Reads the cached token. An unparseable file is moved aside.
    fn cache(&mut self) -> Result<CacheRecord, Error>;
    /// Reads the ledger. An unparseable one is moved aside and counts as all requests but two used.
    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error>;
    /// Writes `ledger`, with the entry of the request to come, and reserves disk space for the response. Nothing may be
    /// sent after an error. After [`Reserved::Lost`], the caller must take the lock and read everything again.
    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<Reserved, Error>;
    /// Replaces the cached token. A record without a token drops the token read under this lock from all machines. If
    /// it was not read, it is dropped from this machine only.
    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error>;
    fn record(&mut self, ledger: &Ledger) -> Result<(), Error>;
}

/// Opens the store of a credential: the local one, with the shared store behind it if there is one.
pub fn open(
    state: &StateDir,
    credential: &CredentialId,
    shared: Option<&SharedSettings>,
) -> Result<Box<dyn Store>, Error> {
    Ok(match shared {
        Some(shared) => Box::new(open_shared(state, credential, shared)?),
        None => {
            state.check()?;
            Box::new(LocalStore::new(state, credential))
        }
    })
}

/// Opens the store of a credential with the shared store behind it.
pub fn open_shared(
    state: &StateDir,
    credential: &CredentialId,
    shared: &SharedSettings,
) -> Result<SharedStore<'static>, Error> {
    state.check()?;
    let local = LocalStore::new(state, credential);
    Ok(SharedStore::new(local, shared, credential, Rc::new(connect)))
}

/// Checks the shared store without changing it, and its clock against what this machine remembers of it.
pub(crate) fn inspect(
    state: &StateDir,
    shared: &SharedSettings,
    credential: &CredentialId,
) -> Result<Health, Error> {
    let keys = shared.keys()?;
    let mut health = connect(shared, credential, Duration::MAX)?.inspect()?;
    let seen = LocalStore::new(state, credential).engine_clock();
    health.clock_refusal =
        shared::clock_refusal(seen.as_ref(), shared.clock.timestamp(), health.clock_offset_ms);
    let foreign = health.key_id.as_ref().is_some_and(|id| !keys.ids().contains(id));
    if foreign { Err(shared::foreign()) } else { Ok(health) }
}

/// The ledger in the shared store, with the times of this machine. Takes no lock and no lease.
pub(crate) fn shared_ledger(
    shared: &SharedSettings,
    credential: &CredentialId,
    within: Duration,
) -> Result<Ledger, Error> {
    let (keys, asked) = (shared.keys()?, shared.clock.now());
    let reply = connect(shared, credential, within)?.look(None, &keys.ids(), within)?;
    let reply = reply.ok_or_else(shared::foreign)?;
    Ok(Snapshot::of(reply, asked, &keys, credential, &*shared.clock)?.ledger)
}

/// Connects to the remote store that the URL names.
fn connect(
    shared: &SharedSettings,
    credential: &CredentialId,
    within: Duration,
) -> Result<Box<dyn Remote>, Error> {
    if Address::parse(shared.url()?.expose())?.is_object_storage() {
        return object_storage(shared, credential);
    }
    Ok(Box::new(redis::RedisRemote::connect(shared, credential, within)?))
}

#[cfg(feature = "object-storage")]
fn object_storage(shared: &SharedSettings, credential: &CredentialId) -> Result<Box<dyn Remote>, Error> {
    Ok(Box::new(object::ObjectRemote::open(shared, credential)?))
}

#[cfg(not(feature = "object-storage"))]
fn object_storage(_: &SharedSettings, _: &CredentialId) -> Result<Box<dyn Remote>, Error> {
    Err(Error::new(
        crate::error::Code::Config,
        tr!("this program was built without object storage"),
        tr!("use a program with the feature object-storage, or redis://"),
    ))
}
