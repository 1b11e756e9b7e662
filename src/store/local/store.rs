//! The store of one machine: files in the state directory, protected by `flock(2)`.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp};
use crate::store::local::atomic;
use crate::store::local::lock::{self, FileLock, Holder, LockFile};
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir::{self, Action, StateDir, failed};
use crate::store::{Locked, Reserved, Store};
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

pub struct LocalStore {
    state: StateDir,
    files: Files,
    lock: RefCell<LockFile>,
    /// Whether this process has created the directories.
    made: Cell<bool>,
}

#[derive(Clone)]
struct Files {
    cache: PathBuf,
    ledger: PathBuf,
    /// What this machine remembers of the shared store's clock.
    engine: PathBuf,
}

impl LocalStore {
    /// Opens and creates nothing.
    pub fn new(state: &StateDir, credential: &CredentialId) -> Self {
        let (id, ledgers) = (credential.ledger(), state.subdir_path("ledgers"));
        LocalStore {
            files: Files {
                cache: cache_path(state, credential),
                ledger: ledgers.join(format!("{id}.v1.json")),
                engine: ledgers.join(format!("{id}.engine.v1.json")),
            },
            lock: RefCell::new(LockFile::new(state.subdir_path("locks").join(format!("{id}.lock")))),
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
        for file in [&self.files.cache, &self.files.ledger] {
            remove_unfinished(file, Duration::ZERO);
        }
        Ok(Some(LockedLocal { files: self.files.clone(), pending_cache: None, pending_ledger: None, lock }))
    }

    /// What this machine remembers of the shared store's clock.
    pub(crate) fn engine_clock<T: DeserializeOwned>(&self) -> Option<T> {
        state_dir::read(&self.files.engine).ok().and_then(|(bytes, _)| decode(&bytes))
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

pub(crate) fn cache_path(state: &StateDir, credential: &CredentialId) -> PathBuf {
    state.subdir_path("credentials").join(format!("{}.v1.json", credential.cache()))
}

impl Store for LocalStore {
    fn cache(&self) -> Result<CacheRecord, Error> {
        match state_dir::read(&self.files.cache) {
            Ok((bytes, _)) => Ok(decode_cache(&bytes).unwrap_or_default()),
            Err(error)
                if error.kind() == ErrorKind::NotFound || is_to_be_set_aside(&self.files.cache, &error) =>
            {
                Ok(CacheRecord::default())
            }
            Err(error) => Err(failed(Action::Read, &self.files.cache, &error)),
        }
    }

    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger {
        match state_dir::read(&self.files.ledger) {
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
    files: Files,
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

    /// Keeps what [`LocalStore::engine_clock`] returns. A failure is no error: the next call compares with an older time.
    pub(crate) fn keep_engine_clock<T: Serialize>(&self, clock: &T) {
        let written = NewFile::create(&self.files.engine).and_then(|file| self.write(file, &encode(clock)));
        if let Err(error) = written {
            log::debug!("{}: {error}", self.files.engine.display());
        }
    }

    fn reserve_and_write(&mut self, ledger: &[u8], cache_room: usize) -> io::Result<()> {
        self.pending_cache = Some(NewFile::reserve(&self.files.cache, cache_room)?);
        self.pending_ledger = Some(NewFile::reserve(&self.files.ledger, ledger.len() + SPARE)?);
        // Last, so that an entry without a request is never on disk.
        self.write(NewFile::create(&self.files.ledger)?, ledger)
    }

    fn replace(&self, pending: Option<NewFile>, target: &Path, bytes: &[u8]) -> Result<(), Error> {
        let file = pending.map_or_else(|| NewFile::create(target), Ok);
        let written = file.and_then(|file| self.write(file, bytes));
        written.map_err(|error| failed(Action::Write, target, &error))
    }
}

impl Locked for LockedLocal {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        match read_or_set_aside(&self.files.cache, decode_cache)? {
            Found::Value(cache) => Ok(cache),
            Found::Nothing | Found::Unparseable => Ok(CacheRecord::default()),
        }
    }

    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error> {
        match read_or_set_aside(&self.files.ledger, decode::<Ledger>)? {
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

    /// [`Reserved::Lost`] if the lock file or the state directory was deleted.
    fn write_ahead(&mut self, ledger: &Ledger, cache: &CacheRecord) -> Result<Reserved, Error> {
        (self.pending_cache, self.pending_ledger) = (None, None);
        let written = self.reserve_and_write(&encode(ledger), encode(cache).len() + SPARE);
        match written {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Reserved::Lost),
            _ if !self.lock.is_still_held() => Ok(Reserved::Lost),
            Err(error) => Err(failed(Action::Write, &self.files.ledger, &error)),
            Ok(()) => Ok(Reserved::Yes),
        }
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        let pending = self.pending_cache.take();
        self.replace(pending, &self.files.cache, &encode(cache))
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        let pending = self.pending_ledger.take();
        self.replace(pending, &self.files.ledger, &encode(ledger))
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
