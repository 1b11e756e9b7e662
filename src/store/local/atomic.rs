//! Replaces, sets aside and removes state files.
#![expect(clippy::disallowed_methods, reason = "this module writes files")]

use crate::error::Error;
use crate::store::local::state_dir::{self, Action, failed};
use crate::system::files::patiently;
use crate::system::new_file::{ABANDONED, NewFile, remove_unfinished};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    let written = NewFile::create(target).and_then(|file| file.commit(bytes));
    written.map_err(|error| failed(Action::Write, target, &error))
}

/// Renames an unparseable file to `<name>.bad`. Only the last one is kept.
pub(crate) fn set_aside(path: &Path) {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".bad");
    let aside = PathBuf::from(aside);
    log::warn!("{} could not be read and was set aside as {}", path.display(), aside.display());
    if let Err(error) = patiently(|| fs::rename(path, &aside)) {
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
    match patiently(|| fs::remove_file(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(Action::Remove, path, &error)),
        _ => Ok(()),
    }
}
