//! Writes files that are replaced whole or not at all: state, secrets and config.
//!
//! The new content goes to a file of mode 0600 with a random name in the same directory. It is flushed to disk and
//! renamed over the old file. A killed writer leaves the new file behind, see [`remove_unfinished`].
#![expect(clippy::disallowed_methods, reason = "this module writes files")]

use crate::system::files::{canonical, close_file, owned_by_us, patiently};
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// Writers without a lock take less time, so an older temporary file is abandoned.
pub(crate) const ABANDONED: Duration = Duration::from_secs(60);

/// A file that will replace `target`. Dropping it before [`NewFile::rename`] deletes it.
pub(crate) struct NewFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl NewFile {
    /// Creates the file with mode 0600, whatever the umask, in the target's directory.
    pub(crate) fn create(target: &Path) -> io::Result<Self> {
        let file = tempfile::Builder::new().prefix(&prefix_of(target)).tempfile_in(folder_of(target))?;
        close_file(file.as_file(), file.path())?;
        Ok(NewFile { file, target: target.to_owned() })
    }

    /// Creates the file and fills `bytes` bytes of it, so that a full disk is noticed before the content is known.
    pub(crate) fn reserve(target: &Path, bytes: usize) -> io::Result<Self> {
        let mut new = NewFile::create(target)?;
        new.write(&vec![b' '; bytes], None)?;
        Ok(new)
    }

    /// Writes `bytes` and flushes them to disk. Without `permissions`, the mode stays 0600.
    pub(crate) fn write(&mut self, bytes: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
        self.file.rewind()?;
        self.file.write_all(bytes)?;
        let file = self.file.as_file();
        file.set_len(bytes.len() as u64)?;
        if let Some(permissions) = permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_all()
    }

    /// Renames the file over the target.
    pub(crate) fn rename(self) -> io::Result<()> {
        // On Windows, the standard library's rename has POSIX semantics, but that of tempfile has not.
        let (_, new) = self.file.keep().map_err(|error| error.error)?;
        let renamed = patiently(|| fs::rename(&new, &self.target));
        if renamed.is_err() {
            let _ = fs::remove_file(&new);
        }
        renamed
    }

    /// Writes `bytes` and renames the file over the target. Errors of syncing the directory are ignored, because some
    /// file systems cannot do it.
    pub(crate) fn commit(mut self, bytes: &[u8]) -> io::Result<()> {
        let target = self.target.clone();
        self.write(bytes, None)?;
        self.rename()?;
        if let Err(error) = sync_folder(&target) {
            log::debug!("could not sync the folder of {}: {error}", target.display());
        }
        Ok(())
    }
}

/// Replaces the config file atomically and durably. Links are followed and the mode is kept. A new file has mode
/// 0600. Calls `is_unchanged` just before the rename, and returns `false` without replacing the file if it is false.
pub(crate) fn replace_config(path: &Path, text: &str, is_unchanged: impl Fn() -> bool) -> io::Result<bool> {
    let target = canonical(path);
    fs::create_dir_all(folder_of(&target))?;
    let permissions = fs::metadata(&target).ok().map(|old| old.permissions());
    if permissions.as_ref().is_some_and(Permissions::readonly) {
        return Err(ErrorKind::PermissionDenied.into());
    }
    remove_unfinished(&target, ABANDONED);
    let mut file = NewFile::create(&target)?;
    file.write(text.as_bytes(), permissions)?;
    if !is_unchanged() {
        return Ok(false);
    }
    file.rename()?;
    sync_folder(&target)?;
    Ok(true)
}

/// Makes the directory entry of the file at `path` durable, if the file system supports that.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder_of(path)).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// Removes temporary files that killed writers of `target` last wrote at least `age` ago. With the lock that all writers
/// of `target` hold, `age` may be zero. Errors are ignored, because the next call tries again.
pub(crate) fn remove_unfinished(target: &Path, age: Duration) {
    let prefix = prefix_of(target);
    let Ok(entries) = fs::read_dir(folder_of(target)) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(prefix.as_encoded_bytes()) {
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

/// Each target has its own prefix, so that the holder of its lock removes only files of that lock.
fn prefix_of(target: &Path) -> OsString {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(".new-");
    prefix
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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
        let mut new = NewFile::create(&target).unwrap();
        assert_eq!(mode(new.file.path()), 0o600);
        new.write(b"new", Some(Permissions::from_mode(0o640))).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        new.rename().unwrap();
        assert_eq!((fs::read(&target).unwrap(), mode(&target)), (b"new".to_vec(), 0o640));
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_config_is_replaced_through_its_link_and_what_a_killed_edit_left_goes() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [link, target] = ["config.toml", "dotfiles.toml"].map(|name| folder.path().join(name));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let left = File::create(folder.path().join(".dotfiles.toml.new-1")).unwrap();
        left.set_modified(SystemTime::now() - ABANDONED).unwrap();
        assert!(!replace_config(&link, "new", || false).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert!(replace_config(&link, "new", || true).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert!(link.is_symlink());
        assert_eq!(names(folder.path()), ["config.toml", "dotfiles.toml"]);
    }

    #[test]
    fn a_reserved_file_that_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("file");
        let reserved = NewFile::reserve(&target, 5000).unwrap();
        assert_eq!(reserved.file.as_file().metadata().unwrap().len(), 5000);
        drop(reserved);
        assert!(names(folder.path()).is_empty());
        NewFile::reserve(&target, 5000).unwrap().commit(b"short").unwrap();
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
