//! The store of one machine: files in the state directory, protected by `flock(2)`.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp};
use crate::store::local::atomic;
use crate::store::local::lock::{self, FileLock, Holder, LockFile};
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir::{self, Action, StateDir, failed};
use crate::store::{Locked, Store, WriteAheadError};
use crate::system::files::owned_by_us;
use crate::system::new_file::{NewFile, remove_unfinished};
use crate::system::random;
use serde::{Serialize, de::DeserializeOwned};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Reserved beyond the size of the old content, in bytes.
const SPARE: usize = 8192;

/// How often the state directory is created again if another process deletes it.
const MAX_REMOVALS: u32 = 10;

/// The files of one credential.
pub struct LocalStore {
    state: StateDir,
    cache: PathBuf,
    ledger: PathBuf,
    lock: RefCell<LockFile>,
    /// Whether this process has created the directories.
    made: Cell<bool>,
}

impl LocalStore {
    /// Opens and creates nothing.
    pub fn new(state: &StateDir, credential: &CredentialId) -> Self {
        let lock = state.subdir_path("locks").join(format!("{}.lock", credential.ledger()));
        LocalStore {
            cache: cache_path(state, credential),
            ledger: state.subdir_path("ledgers").join(format!("{}.v1.json", credential.ledger())),
            lock: RefCell::new(LockFile::new(lock)),
            state: state.clone(),
            made: Cell::new(false),
        }
    }

    /// Takes the lock if it is free. The caller may keep the value: Redis callers hold it while they wait for the
    /// lease. A state directory that is deleted meanwhile is created again.
    pub fn take(&self) -> Result<Option<LockedLocal>, Error> {
        let mut taken = self.make_and_lock();
        for _ in 0..MAX_REMOVALS {
            if !taken.as_ref().is_err_and(|error| error.code() == Code::Store) {
                break;
            }
            self.made.set(false);
            taken = self.make_and_lock();
        }
        let Some(lock) = taken? else { return Ok(None) };
        for file in [&self.cache, &self.ledger] {
            remove_unfinished(file, Duration::ZERO);
        }
        Ok(Some(LockedLocal {
            cache: self.cache.clone(),
            ledger: self.ledger.clone(),
            pending_cache: None,
            pending_ledger: None,
            lock,
        }))
    }

    /// What this machine remembers of the shared store's clock.
    pub(crate) fn engine_clock<T: DeserializeOwned>(&self) -> Option<T> {
        read_engine_clock(&self.ledger)
    }

    fn make_and_lock(&self) -> Result<Option<FileLock>, Error> {
        if !self.made.get() {
            for subdir in ["locks", "credentials", "ledgers"] {
                self.state.subdir(subdir)?;
            }
            self.made.set(true);
        }
        self.lock.borrow_mut().try_take()
    }
}

fn engine_path(ledger: &Path) -> PathBuf {
    let name = ledger.file_name().unwrap_or_default().to_string_lossy().into_owned();
    ledger.with_file_name(name.replace(".v1.json", ".engine.v1.json"))
}

fn read_engine_clock<T: DeserializeOwned>(ledger: &Path) -> Option<T> {
    state_dir::read(&engine_path(ledger)).ok().and_then(|(bytes, _)| decode(&bytes))
}

pub(crate) fn cache_path(state: &StateDir, credential: &CredentialId) -> PathBuf {
    state.subdir_path("credentials").join(format!("{}.v1.json", credential.cache()))
}

impl Store for LocalStore {
    fn cache(&self) -> Result<CacheRecord, Error> {
        match state_dir::read(&self.cache) {
            Ok((bytes, _)) => Ok(decode_cache(&bytes).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound || is_to_be_set_aside(&self.cache, &error) => {
                Ok(CacheRecord::default())
            }
            Err(error) => Err(failed(Action::Read, &self.cache, &error)),
        }
    }

    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger {
        match state_dir::read(&self.ledger) {
            Ok((bytes, _)) => decode(&bytes).unwrap_or_else(|| Ledger::unreadable(now, budget)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ledger::default(),
            Err(_) => Ledger::unreadable(now, budget),
        }
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        Ok(self.take()?.map(|locked| -> Box<dyn Locked + '_> { Box::new(locked) }))
    }

    /// From 5 ms, growing to 100 ms, and to 200 ms after about a second. Random jitter keeps waiting callers from
    /// retrying all at once.
    fn pause(&self, attempt: u32) -> Duration {
        let longest = if attempt < 20 { (5 << attempt.min(5)).min(100) } else { 200 };
        Duration::from_millis(longest / 3 + random::up_to(longest * 2 / 3))
    }

    fn holder(&self) -> Option<Holder> {
        lock::holder(self.lock.borrow().path())
    }
}

/// The same files while their lock is held.
pub struct LockedLocal {
    cache: PathBuf,
    ledger: PathBuf,
    pending_cache: Option<NewFile>,
    pending_ledger: Option<NewFile>,
    lock: FileLock,
}

impl LockedLocal {
    /// Writes a file, unless the lock file was deleted or replaced: the holder of the new one may be writing too.
    fn write(&self, file: NewFile, bytes: &[u8]) -> io::Result<()> {
        if !self.lock.is_still_held() {
            return Err(io::Error::other(tr!("the lock file was deleted meanwhile")));
        }
        file.commit(bytes)
    }

    /// See [`LocalStore::engine_clock`].
    pub(crate) fn engine_clock<T: DeserializeOwned>(&self) -> Option<T> {
        read_engine_clock(&self.ledger)
    }

    /// Keeps it. A failure is no error: the next call compares with an older time.
    pub(crate) fn keep_engine_clock<T: Serialize>(&self, clock: &T) {
        let path = engine_path(&self.ledger);
        let file = NewFile::create(&path);
        if let Err(error) = file.and_then(|file| self.write(file, &encode(clock))) {
            log::debug!("{}: {error}", path.display());
        }
    }

    fn reserve_and_write(&mut self, ledger: &[u8], cache_room: usize) -> io::Result<()> {
        self.pending_cache = Some(NewFile::reserve(&self.cache, cache_room)?);
        self.pending_ledger = Some(NewFile::reserve(&self.ledger, ledger.len() + SPARE)?);
        // Last, so that an entry without a request is never on disk.
        self.write(NewFile::create(&self.ledger)?, ledger)
    }

    fn replace(&self, pending: Option<NewFile>, target: &Path, bytes: &[u8]) -> Result<(), Error> {
        let file = pending.map_or_else(|| NewFile::create(target), Ok);
        let written = file.and_then(|file| self.write(file, bytes));
        written.map_err(|error| failed(Action::Write, target, &error))
    }
}

impl Locked for LockedLocal {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        match read_or_set_aside(&self.cache, decode_cache)? {
            Found::Value(cache) => Ok(cache),
            Found::Nothing | Found::Unparseable => Ok(CacheRecord::default()),
        }
    }

    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error> {
        match read_or_set_aside(&self.ledger, decode::<Ledger>)? {
            Found::Nothing => Ok(Ledger::default()),
            Found::Value(ledger) => {
                let Some(dated) = ledger.without_future(now) else { return Ok(ledger) };
                if let Err(error) = self.record(&dated) {
                    log::debug!("times of the ledger stay in the future: {}", error.message());
                }
                Ok(dated)
            }
            Found::Unparseable => {
                let ledger = Ledger::unreadable(now, budget);
                self.record(&ledger)?;
                Ok(ledger)
            }
        }
    }

    /// Fails with [`WriteAheadError::LeaseLost`] if the lock file or the state directory was deleted. The caller then takes the
    /// lock and reads everything again.
    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<(), WriteAheadError> {
        (self.pending_cache, self.pending_ledger) = (None, None);
        let written = self.reserve_and_write(&encode(ledger), encode(cache).len() + SPARE);
        match written {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(WriteAheadError::LeaseLost),
            _ if !self.lock.is_still_held() => Err(WriteAheadError::LeaseLost),
            Err(error) => Err(failed(Action::Write, &self.ledger, &error).into()),
            Ok(()) => Ok(()),
        }
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        let pending = self.pending_cache.take();
        self.replace(pending, &self.cache, &encode(cache))
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        let pending = self.pending_ledger.take();
        self.replace(pending, &self.ledger, &encode(ledger))
    }
}

enum Found<T> {
    Nothing,
    Unparseable,
    Value(T),
}

/// Reads a cache file without a lock. `None` if it is missing or unparseable.
pub(crate) fn read_cache(path: &Path) -> Option<CacheRecord> {
    state_dir::read(path).ok().and_then(|(bytes, _)| decode_cache(&bytes))
}

/// `None` if the record is not one that we can have written.
pub(crate) fn decode_cache(bytes: &[u8]) -> Option<CacheRecord> {
    decode(bytes).filter(CacheRecord::is_sound)
}

fn read_or_set_aside<T>(path: &Path, decode: fn(&[u8]) -> Option<T>) -> Result<Found<T>, Error> {
    let bytes = match state_dir::read(path) {
        Ok((bytes, _)) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if is_to_be_set_aside(path, &error) => {
            log::debug!("{}: {error}", path.display());
            atomic::set_aside(path);
            return Ok(Found::Unparseable);
        }
        Err(error) => return Err(failed(Action::Read, path, &error)),
    };
    let value = decode(&bytes);
    if value.is_none() {
        atomic::set_aside(path);
    }
    Ok(value.map_or(Found::Unparseable, Found::Value))
}

/// Whether the error is permanent: our file has the wrong mode, or the path is not a file of ours. On Windows, access is
/// also denied while the file is being replaced.
fn is_to_be_set_aside(path: &Path, error: &io::Error) -> bool {
    (cfg!(unix) && error.kind() == ErrorKind::PermissionDenied) || is_not_a_file(path)
}

/// Whether the path is a directory, a symbolic link or another user's file.
fn is_not_a_file(path: &Path) -> bool {
    state_dir::stat(path).is_some_and(|found| !found.is_file() || !owned_by_us(&found))
}
