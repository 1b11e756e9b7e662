//! The lock of a credential: `flock(2)`, by fs2, on a file that is never deleted.
//!
//! The kernel releases the lock when its holder dies. We never break, skip or delete it. Other programs may delete
//! the file, so the holder checks that the path still leads to it: see [`FileLock::is_still_held`].
#![expect(clippy::disallowed_methods, reason = "this module writes files")]

use crate::error::Error;
use crate::i18n::tr;
use crate::store::local::state_dir::{Action, failed};
use crate::system::files::{close_file, owned_by_us};
use fs2::FileExt;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// How often the file may be replaced between opening and locking it.
const REPLACEMENTS: u32 = 100;
/// In bytes.
const LONGEST_NOTE: u64 = 1024;

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process id. 0 if it is on another machine.
    pub pid: u32,
    /// In ms since 1970.
    pub since_ms: i64,
}

impl Holder {
    /// The process id, if it is on this machine.
    pub fn pid(self) -> Option<u32> {
        (self.pid != 0).then_some(self.pid)
    }
}

/// A lock that is tried repeatedly. The file stays open, so that each try is one system call.
pub(crate) struct LockFile {
    path: PathBuf,
    open: Option<File>,
}

impl LockFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        LockFile { path, open: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock if it is free. The directory must exist.
    pub(crate) fn try_take(&mut self) -> Result<Option<FileLock>, Error> {
        self.take().map_err(|error| failed(Action::Lock, &self.path, &error))
    }

    fn take(&mut self) -> io::Result<Option<FileLock>> {
        for _ in 0..REPLACEMENTS {
            let file = match self.open.take() {
                Some(file) => file,
                None => open_or_create(&self.path)?,
            };
            match FileExt::try_lock_exclusive(&file) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => {
                    self.open = Some(file);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
            if is_same_file(&file, &self.path)? {
                let mut lock = FileLock { file, path: self.path.clone() };
                lock.sign();
                return Ok(Some(lock));
            }
        }
        Err(io::Error::other(tr!("the file is replaced again and again")))
    }
}

/// A held lock. Dropping it releases it.
pub(crate) struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the lock at `path` if it is free. The directory must exist.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        LockFile::new(path.to_owned()).try_take()
    }

    /// Whether the path still leads to the locked file. If it was deleted or replaced, another process may hold the
    /// new one.
    pub(crate) fn is_still_held(&self) -> bool {
        is_same_file(&self.file, &self.path).unwrap_or(false)
    }

    /// Writes down the holder, for messages. Errors are ignored.
    fn sign(&mut self) {
        let since_ms = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        let holder = Holder { pid: std::process::id(), since_ms };
        let mut write = || {
            let text = serde_json::to_string(&holder).map_err(std::io::Error::other)?;
            if cfg!(windows) {
                let path = note_beside(&self.path);
                let mut note = File::create(&path)?;
                close_file(&note, &path)?;
                return note.write_all(text.as_bytes());
            }
            self.file.rewind()?;
            self.file.write_all(text.as_bytes())?;
            self.file.set_len(text.len() as u64)
        };
        if let Err(error) = write() {
            log::debug!("the lock's holder could not be written down: {error}");
        }
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        if let Err(error) = FileExt::unlock(&self.file) {
            log::debug!("the lock is released by closing its file: {error}");
        }
    }
}

/// Where the holder is written down on Windows, which does not let others read a locked file.
fn note_beside(path: &Path) -> PathBuf {
    path.with_extension("holder")
}

/// The holder of the lock at `path`. `None` if it is free.
pub(crate) fn holder(path: &Path) -> Option<Holder> {
    let file = options().open(path).ok()?;
    match FileExt::try_lock_shared(&file) {
        Ok(()) => None,
        Err(_) => {
            let mut text = Vec::new();
            let note = if cfg!(windows) { File::open(note_beside(path)) } else { Ok(file) };
            let _ = note.and_then(|note| note.take(LONGEST_NOTE).read_to_end(&mut text));
            Some(serde_json::from_slice(&text).unwrap_or(Holder { pid: 0, since_ms: 0 }))
        }
    }
}

/// Opens the lock file or creates it with mode 0600. Symbolic links and files of other users are refused.
fn open_or_create(path: &Path) -> io::Result<File> {
    let file = options().write(true).create(true).truncate(false).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || !owned_by_us(&found) {
        return Err(io::Error::other(tr!("it is not a file of ours")));
    }
    close_file(&file, path)?;
    Ok(file)
}

/// For reading, without blocking on special files such as FIFOs.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600).custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    options
}

/// Whether `file` is the one at `path`. An error if that is unknown.
fn is_same_file(file: &File, path: &Path) -> io::Result<bool> {
    let there = match std::fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let open = file.metadata()?;
        Ok((open.dev(), open.ino()) == (there.dev(), there.ino()))
    }
    #[cfg(windows)]
    {
        use same_file::Handle;
        Ok(there.is_file() && Handle::from_file(file.try_clone()?)? == Handle::from_path(path)?)
    }
}
