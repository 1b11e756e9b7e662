//! The lock of a credential: `flock(2)` by fs2, on a file that is never deleted.
//!
//! The kernel releases it when its holder dies, however it dies. It is never broken, skipped or deleted by us.
#![expect(clippy::disallowed_methods, reason = "this room writes files")]

use super::place::Place;
use super::private::failed;
use crate::error::Error;
use fs2::FileExt;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Seek, Write};
use std::path::Path;

/// Who holds a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process.
    pub pid: u32,
    /// Since when, in ms since 1970.
    pub since_ms: i64,
}

impl Holder {
    /// The process, where it is one of this machine.
    pub fn pid(self) -> Option<u32> {
        (self.pid != 0).then_some(self.pid)
    }
}

/// A held lock; dropping it releases it.
pub struct FileLock {
    file: File,
    place: Place,
}

impl FileLock {
    /// Takes the lock at `path` if it is free. The folder must be there.
    pub fn try_take(path: &Path) -> Result<Option<Self>, Error> {
        loop {
            let open = || {
                let place = Place::at(path)?;
                Ok((place.open_or_create(false)?, place))
            };
            let (file, place) = open().map_err(|error| failed("lock", path, &error))?;
            match FileExt::try_lock_exclusive(&file) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => {
                    return Ok(None);
                }
                Err(error) => return Err(failed("lock", path, &error)),
            }
            if is_same_file(&file, path) {
                let mut lock = FileLock { file, place };
                lock.sign();
                return Ok(Some(lock));
            }
        }
    }

    /// Where it is, in the state folder that it guards.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Writes down who holds the lock, for people; it does not matter if that fails.
    fn sign(&mut self) {
        let since_ms = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
        let holder = Holder { pid: std::process::id(), since_ms };
        let mut write = || {
            let text = serde_json::to_string(&holder).map_err(std::io::Error::other)?;
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

/// Who holds the lock at `path`; `None` where nobody does.
pub fn holder(path: &Path) -> Option<Holder> {
    let place = Place::at(path).ok()?;
    match FileExt::try_lock_shared(&place.open_existing().ok()?) {
        Ok(()) => None,
        Err(_) => {
            let (text, _) = place.read().ok()?;
            Some(serde_json::from_slice(&text).unwrap_or(Holder { pid: 0, since_ms: 0 }))
        }
    }
}

/// Whether the open file is still the one at the path: somebody may have replaced the state folder meanwhile.
fn is_same_file(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let (Ok(open), Ok(there)) = (file.metadata(), std::fs::symlink_metadata(path)) else { return false };
        (open.dev(), open.ino()) == (there.dev(), there.ino())
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}
