//! Files that are replaced whole or not at all.

use super::place::Place;
use super::private::{close_file, failed};
use crate::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::Path;

/// What the name of a file that replaces another one goes on with until then.
const NEW: &str = "new";

/// A file with room for what is to come, which then takes another file's place by one rename. One that is dropped
/// without that is removed.
pub struct CommitFile {
    file: File,
    place: Place,
    target: Place,
}

impl CommitFile {
    /// Makes the file beside `target` and fills `room` bytes of it, so that a full disk shows now. Only the holder
    /// of the lock may call this, once at a time for a target: the name is fixed, so that a killed writer leaves
    /// no litter.
    pub fn reserve(target: &Place, room: usize) -> Result<Self, Error> {
        CommitFile::make(target, "next", room)
    }

    fn make(target: &Place, suffix: &str, room: usize) -> Result<Self, Error> {
        let place = target.beside(suffix);
        let file = place.open_or_create(true).map_err(|error| failed("write", place.path(), &error))?;
        let mut commit = CommitFile { file, place, target: target.clone() };
        let filled = commit.file.write_all(&vec![b' '; room]).and_then(|()| commit.file.sync_all());
        filled.map_err(|error| failed("write", commit.place.path(), &error))?;
        Ok(commit)
    }

    /// Writes `bytes` and renames the file into place.
    pub fn commit(mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut write = || {
            self.file.rewind()?;
            self.file.write_all(bytes)?;
            self.file.set_len(bytes.len() as u64)?;
            self.file.sync_all()?;
            self.place.rename(&self.target)?;
            self.target.sync_folder();
            Ok(())
        };
        write().map_err(|error: io::Error| failed("write", self.target.path(), &error))
    }
}

impl Drop for CommitFile {
    fn drop(&mut self) {
        // After a commit there is nothing of this name any more.
        let _ = self.place.remove();
    }
}

/// Replaces `target` by a file of `bytes` and mode 0600. Only the holder of the lock may call this.
pub fn replace(target: &Place, bytes: &[u8]) -> Result<(), Error> {
    CommitFile::make(target, NEW, 0)?.commit(bytes)
}

/// The same by the file's path.
pub fn replace_at(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let place = Place::at(target).map_err(|error| failed("write", target, &error))?;
    replace(&place, bytes)
}

/// Removes what a writer left of a file that was killed in [`replace`].
pub fn remove_unfinished(target: &Path) -> Result<(), Error> {
    match Place::at(target).and_then(|place| place.beside(NEW).remove()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", target, &error)),
        _ => Ok(()),
    }
}

/// Replaces the file at `target` like [`replace`], safe for writers that hold no lock: the last one wins.
pub fn replace_unlocked(target: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || {
        let target = Place::at(target)?;
        let place = target.named(&own_name()?);
        let mut file = place.create_new()?;
        let written =
            close_file(&file).and_then(|()| file.write_all(bytes)).and_then(|()| place.rename(&target));
        written.inspect_err(|_| _ = place.remove())
    };
    write().map_err(|error| failed("write", target, &error))
}

/// A name that no other writer uses.
fn own_name() -> io::Result<OsString> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(format!(".new-{:016x}", u64::from_ne_bytes(bytes)).into())
}

/// Moves a file that cannot be parsed out of the way; one is kept a name.
pub fn set_aside(place: &Place) {
    let aside = place.beside("bad");
    log::warn!(
        "{} could not be read and was set aside as {}",
        place.path().display(),
        aside.path().display()
    );
    if let Err(error) = place.rename(&aside) {
        log::debug!("could not set {} aside: {error}", place.path().display());
    }
}

/// Does so where a file is there whose bytes are not `sound`.
pub fn set_aside_junk(path: &Path, sound: impl FnOnce(&[u8]) -> bool) {
    if let Ok(place) = Place::at(path)
        && place.read().is_ok_and(|(bytes, _)| !sound(&bytes))
    {
        set_aside(&place);
    }
}

/// Removes the file at `path`; one that is not there is fine.
pub fn remove(path: &Path) -> Result<(), Error> {
    match Place::at(path).and_then(|place| place.remove()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path, &error)),
        _ => Ok(()),
    }
}
