//! Writes files that are replaced whole or not at all: state, secrets, config and output files.
//!
//! The new content goes to a file of mode 0600 with a random name in the same directory. It is flushed to disk and
//! renamed over the old file. A killed writer leaves the new file behind, see [`remove_stale`].
#![expect(clippy::disallowed_methods, reason = "this module writes files")]

use crate::error::Error;
use crate::store::local::state_dir::{self, close_file, failed, owned_by_us};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// Writers without a lock take less time, so an older temporary file is abandoned.
pub(crate) const ABANDONED: Duration = Duration::from_secs(60);

/// A file that will replace `target`. Dropping it without [`NewFile::commit`] deletes it.
pub(crate) struct NewFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl NewFile {
    /// Creates the file with mode 0600, whatever the umask, in the target's directory. Its name is `prefix` and a
    /// random part.
    pub(crate) fn create(target: &Path, prefix: &OsStr) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(prefix).tempfile_in(folder_of(target))?;
        close_file(file.as_file())?;
        Ok(NewFile { file, target: target.to_owned() })
    }

    /// Fills `bytes` bytes, so that a full disk is noticed before the content is known.
    fn reserve(&mut self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        self.file.write_all(&vec![b' '; bytes])?;
        self.file.as_file().sync_all()
    }

    /// Writes `bytes` and renames the file over the target. `permissions` are set just before the rename. Without
    /// them the mode stays 0600.
    pub(crate) fn commit(mut self, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(bytes)?;
        let file = self.file.as_file();
        file.set_len(bytes.len() as u64)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        self.file.persist(&self.target).map_err(|error| error.error)?;
        sync_folder(folder_of(&self.target));
        Ok(())
    }
}

/// Removes temporary files of dead writers: our regular files in `folder` with this prefix, last written at least
/// `age` ago. With the lock that all writers of this prefix hold, `age` may be zero. Errors are ignored, because the
/// next call tries again.
pub(crate) fn remove_stale(folder: &Path, prefix: &OsStr, age: Duration) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
            continue;
        }
        let Ok(found) = entry.path().symlink_metadata() else { continue };
        if found.is_file() && owned_by_us(&found) && is_older(found.modified(), age) {
            log::debug!("removing {}, which a killed call left", entry.path().display());
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A time further in the future than `age` is from before the clock was set back.
fn is_older(modified: io::Result<SystemTime>, age: Duration) -> bool {
    let now = SystemTime::now();
    modified.is_ok_and(|at| match now.duration_since(at) {
        Ok(past) => past >= age,
        Err(future) => future.duration() >= age,
    })
}

/// A state file that will be replaced, with disk space reserved.
pub(crate) struct CommitFile(NewFile);

impl CommitFile {
    /// Creates the file beside `target` and fills `room` bytes of it.
    pub(crate) fn reserve(target: &Path, room: usize) -> io::Result<Self> {
        let mut file = NewFile::create(target, &prefix_of(target))?;
        file.reserve(room)?;
        Ok(CommitFile(file))
    }

    /// Writes `bytes` and renames the file over the target.
    pub(crate) fn commit(self, bytes: &[u8]) -> io::Result<()> {
        self.0.commit(bytes, None)
    }
}

/// Replaces the state file `target` and removes what killed writers left. The caller must hold the lock that all
/// writers of `target` hold.
pub fn replace(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    remove_unfinished(target, Duration::ZERO);
    write(target, bytes)
}

/// Replaces a state file that has no lock. The last writer wins.
pub(crate) fn replace_unlocked(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    remove_unfinished(target, ABANDONED);
    write(target, bytes)
}

fn write(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = CommitFile::reserve(target, 0).and_then(|file| file.commit(bytes));
    written.map_err(|error| failed("write", target, &error))
}

/// Removes temporary files that writers of `target` left at least `age` ago.
pub(crate) fn remove_unfinished(target: &Path, age: Duration) {
    remove_stale(folder_of(target), &prefix_of(target), age);
}

/// Each state file has its own prefix, so that the holder of its lock removes only files of that lock.
fn prefix_of(target: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".new-");
    prefix
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes a rename survive a power cut. Errors are ignored, because some file systems cannot sync directories.
fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Renames an unparseable file to `<name>.bad`. Only the last one is kept.
pub(crate) fn set_aside(path: &Path) {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".bad");
    let aside = PathBuf::from(aside);
    log::warn!("{} could not be read and was set aside as {}", path.display(), aside.display());
    if let Err(error) = fs::rename(path, &aside) {
        log::debug!("could not set {} aside: {error}", path.display());
    }
}

/// Moves the file aside if it exists and its bytes are not `sound`.
pub(crate) fn set_aside_junk(path: &Path, sound: impl FnOnce(&[u8]) -> bool) {
    if state_dir::read(path).is_ok_and(|(bytes, _)| !sound(&bytes)) {
        set_aside(path);
    }
}

/// A missing file is not an error.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, &error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_replaced_whole_and_is_0600_until_then() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        fs::write(&target, "old").unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        let new = NewFile::create(&target, OsStr::new(".zoho-cred-")).unwrap();
        assert_eq!(mode(new.file.path()), 0o600);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        new.commit(b"new", Some(Permissions::from_mode(0o640))).unwrap();
        assert_eq!((fs::read(&target).unwrap(), mode(&target)), (b"new".to_vec(), 0o640));
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_reserved_file_that_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let reserved = CommitFile::reserve(&target, 5000).unwrap();
        assert_eq!(reserved.0.file.as_file().metadata().unwrap().len(), 5000);
        drop(reserved);
        assert!(names(folder.path()).is_empty());
        CommitFile::reserve(&target, 5000).unwrap().commit(b"short").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"short");
    }

    #[test]
    fn only_abandoned_temporary_files_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - Duration::from_secs(61);
        for (name, modified) in
            [(".a.new-1", old), (".a.new-2", SystemTime::now()), (".b.new-3", old), ("a", old)]
        {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(modified).unwrap();
        }
        remove_unfinished(&folder.path().join("a"), ABANDONED);
        assert_eq!(names(folder.path()), [".a.new-2", ".b.new-3", "a"]);
        remove_unfinished(&folder.path().join("a"), Duration::ZERO);
        assert_eq!(names(folder.path()), [".b.new-3", "a"]);
    }
}
