//! Files that are replaced whole or not at all.
#![expect(clippy::disallowed_methods, reason = "this room writes files")]

use super::private::{close_file, failed, open_or_create};
use crate::error::Error;
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

/// A file with room for what is to come, which then takes another file's place by one rename. One that is dropped
/// without that is removed.
pub struct CommitFile {
    file: File,
    path: PathBuf,
    target: PathBuf,
}

impl CommitFile {
    /// Makes the file beside `target` and fills `room` bytes of it, so that a full disk shows now. Only the holder
    /// of the lock may call this, once at a time for a target: the name is fixed, so that a killed writer leaves
    /// no litter.
    pub fn reserve(target: &Path, room: usize) -> Result<Self, Error> {
        CommitFile::make(target, "next", room)
    }

    fn make(target: &Path, suffix: &str, room: usize) -> Result<Self, Error> {
        let path = beside(target, suffix);
        let file = open_or_create(&path, true).map_err(|error| failed("write", &path, &error))?;
        let mut commit = CommitFile { file, path, target: target.to_owned() };
        let filled = commit.file.write_all(&vec![b' '; room]).and_then(|()| commit.file.sync_all());
        filled.map_err(|error| failed("write", &commit.path, &error))?;
        Ok(commit)
    }

    /// Writes `bytes` and renames the file into place.
    pub fn commit(mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut write = || {
            self.file.rewind()?;
            self.file.write_all(bytes)?;
            self.file.set_len(bytes.len() as u64)?;
            self.file.sync_all()?;
            fs::rename(&self.path, &self.target)?;
            sync_folder(&self.target)
        };
        write().map_err(|error| failed("write", &self.target, &error))
    }
}

impl Drop for CommitFile {
    fn drop(&mut self) {
        // After a commit there is nothing of this name any more.
        let _ = fs::remove_file(&self.path);
    }
}

/// Replaces `target` by a file of `bytes` and mode 0600. Only the holder of the lock may call this.
pub fn replace(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    CommitFile::make(target, "new", 0)?.commit(bytes)
}

/// Replaces `target` like [`replace`], safe for writers that hold no lock: the last one wins.
pub fn replace_unlocked(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(folder)?;
        close_file(file.as_file())?;
        file.write_all(bytes)?;
        file.persist(target).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| failed("write", target, &error))
}

/// Moves a file that cannot be parsed out of the way; one is kept a name.
pub fn set_aside(path: &Path) {
    let aside = beside(path, "bad");
    log::warn!("{} could not be read and was set aside as {}", path.display(), aside.display());
    if let Err(error) = fs::rename(path, &aside) {
        log::debug!("could not set {} aside: {error}", path.display());
    }
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, &error)),
        _ => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

/// Makes a rename survive a power cut. A file system that cannot do it for folders is left as it is.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix)
        && let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
    Ok(())
}
