//! The store of one machine: files in the state folder, guarded by `flock(2)`.

use super::atomic::{self, CommitFile};
use super::lock::{self, FileLock, Holder};
use super::place::Place;
use super::private::{self, StateDir, failed};
use super::records::{decode, encode};
use super::{Locked, Store};
use crate::config::Budget;
use crate::credential::CredentialId;
use crate::error::Error;
use crate::token::{CacheRecord, Ledger, Moment};
use std::cell::Cell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Room that a commit file has beyond what its predecessor took, in bytes.
const ROOM: usize = 8192;

/// The files of one credential.
pub struct Folder {
    state: StateDir,
    cache: PathBuf,
    ledger: PathBuf,
    lock: PathBuf,
    /// Whether this process has made sure that the folders are there.
    made: Cell<bool>,
}

impl Folder {
    /// The files of `credential` in the state folder. Nothing is opened or made yet.
    pub fn new(state: &StateDir, credential: &CredentialId) -> Self {
        Folder {
            cache: cache_path(state, credential),
            ledger: state.room_path("ledgers").join(format!("{}.v1.json", credential.ledger())),
            lock: state.room_path("locks").join(format!("{}.lock", credential.ledger())),
            state: state.clone(),
            made: Cell::new(false),
        }
    }
}

impl Folder {
    /// The lock, if it is free, as a value that can be kept: the fleet holds it while it waits for its lease.
    pub fn take(&self) -> Result<Option<LockedFolder>, Error> {
        if !self.made.get() {
            for room in ["locks", "credentials", "ledgers"] {
                self.state.room(room)?;
            }
            self.made.set(true);
        }
        let Some(lock) = FileLock::try_take(&self.lock)? else { return Ok(None) };
        // In the state folder of this very lock: one that took its place has another.
        let along = |path: &Path| lock.place().along(path).map_err(|error| failed("read", path, &error));
        Ok(Some(LockedFolder {
            cache: along(&self.cache)?,
            ledger: along(&self.ledger)?,
            pending_cache: None,
            pending_ledger: None,
            _lock: lock,
        }))
    }
}

/// The file that holds the cached token set of `credential`.
pub fn cache_path(state: &StateDir, credential: &CredentialId) -> PathBuf {
    state.room_path("credentials").join(format!("{}.v1.json", credential.cache()))
}

impl Store for Folder {
    fn cache(&self) -> CacheRecord {
        read_cache(&self.cache).unwrap_or_default()
    }

    fn ledger(&self, now: &Moment, budget: &Budget) -> Ledger {
        match private::read(&self.ledger) {
            Ok((bytes, _)) => decode(&bytes).unwrap_or_else(|| Ledger::unreadable(now, budget)),
            Err(_) => Ledger::default(),
        }
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        Ok(self.take()?.map(|locked| -> Box<dyn Locked + '_> { Box::new(locked) }))
    }

    /// From 5 ms, growing to 100 ms, with jitter, so that a thousand waiting callers do not march in step.
    fn pause(&self, attempt: u32) -> Duration {
        let longest = 5u64 << attempt.min(5);
        let mut byte = [0u8];
        let jitter = getrandom::fill(&mut byte).map_or(0, |()| u64::from(byte[0]));
        Duration::from_millis(longest.min(100) * (128 + jitter) / 384 + 1)
    }

    fn holder(&self) -> Option<Holder> {
        lock::holder(&self.lock)
    }
}

/// The same files while their lock is held.
pub struct LockedFolder {
    cache: Place,
    ledger: Place,
    pending_cache: Option<CommitFile>,
    pending_ledger: Option<CommitFile>,
    _lock: FileLock,
}

impl Locked for LockedFolder {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        match read_or_set_aside(&self.cache, decode_cache)? {
            Found::Value(cache) => Ok(cache),
            Found::Nothing | Found::Junk => Ok(CacheRecord::default()),
        }
    }

    fn ledger(&mut self, now: &Moment, budget: &Budget) -> Result<Ledger, Error> {
        match read_or_set_aside(&self.ledger, decode::<Ledger>)? {
            Found::Nothing => Ok(Ledger::default()),
            Found::Value(ledger) => {
                let Some(dated) = ledger.without_future(now) else { return Ok(ledger) };
                if let Err(error) = self.record(&dated) {
                    log::debug!("times of the ledger stay in the future: {}", error.message());
                }
                Ok(dated)
            }
            Found::Junk => {
                let ledger = Ledger::unreadable(now, budget);
                self.record(&ledger)?;
                Ok(ledger)
            }
        }
    }

    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<(), Error> {
        let bytes = encode(ledger);
        (self.pending_cache, self.pending_ledger) = (None, None);
        self.pending_cache = Some(CommitFile::reserve(&self.cache, encode(cache).len() + ROOM)?);
        self.pending_ledger = Some(CommitFile::reserve(&self.ledger, bytes.len() + ROOM)?);
        // Last, so that an entry without a request is never on disk.
        atomic::replace(&self.ledger, &bytes)
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        write(self.pending_cache.take(), &self.cache, &encode(cache))
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        write(self.pending_ledger.take(), &self.ledger, &encode(ledger))
    }
}

fn write(pending: Option<CommitFile>, target: &Place, bytes: &[u8]) -> Result<(), Error> {
    match pending {
        Some(file) => file.commit(bytes),
        None => atomic::replace(target, bytes),
    }
}

/// What was found in a file.
enum Found<T> {
    Nothing,
    Junk,
    Value(T),
}

/// The token set in a cache file, read without a lock; `None` for none and for junk.
pub fn read_cache(path: &Path) -> Option<CacheRecord> {
    private::read(path).ok().and_then(|(bytes, _)| decode_cache(&bytes))
}

/// A cache record that we can have written; anything else is junk.
pub fn decode_cache(bytes: &[u8]) -> Option<CacheRecord> {
    decode(bytes).filter(CacheRecord::is_sound)
}

fn read_or_set_aside<T>(place: &Place, decode: fn(&[u8]) -> Option<T>) -> Result<Found<T>, Error> {
    let bytes = match place.read() {
        Ok((bytes, _)) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        // A file that only its mode keeps from us is moved like any other that cannot be read: the folder is ours.
        Err(error) if error.kind() == ErrorKind::PermissionDenied || is_not_a_file(place.path()) => {
            log::debug!("{}: {error}", place.path().display());
            atomic::set_aside(place);
            return Ok(Found::Junk);
        }
        Err(error) => return Err(failed("read", place.path(), &error)),
    };
    Ok(match decode(&bytes) {
        Some(value) => Found::Value(value),
        None => {
            atomic::set_aside(place);
            Found::Junk
        }
    })
}

/// Whether something else than a file of ours stands at the path: a folder, a link, another user's file.
fn is_not_a_file(path: &Path) -> bool {
    private::stat(path).is_some_and(|found| !found.is_file() || !private::owned_by_us(&found))
}
