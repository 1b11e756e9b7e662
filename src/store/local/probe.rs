//! Checks of the state directory for `doctor`. They change nothing.

use crate::error::Error;
use crate::store::local::atomic;
use crate::store::local::state_dir;
use crate::store::local::state_dir::{StateDir, is_open_to_others};
use std::path::PathBuf;

/// The state directory and our files in it to which other users have any access.
pub(crate) fn open_to_others(state: &StateDir) -> Vec<PathBuf> {
    let rooms = state_dir::SUBDIRS.iter().map(|subdir| state.subdir_path(subdir));
    let folders: Vec<_> = std::iter::once(state.path().to_owned()).chain(rooms).collect();
    let files = folders[1..].iter().flat_map(|folder| state_dir::list(folder).unwrap_or_default());
    let all: Vec<_> = files.chain(folders.iter().cloned()).collect();
    all.into_iter()
        .filter(|path| {
            state_dir::stat(path).is_some_and(|found| !found.is_symlink() && is_open_to_others(path, &found))
        })
        .collect()
}

/// The size of what a refresh writes: the ledger, the new ledger and the new token. In bytes.
const REFRESH: usize = 32 << 10;

/// Writes a file of the size of a refresh into `locks` and deletes it again. `Code::Store` if that fails.
pub fn write(state: &StateDir) -> Result<(), Error> {
    let path = state.subdir("locks")?.join(format!("probe-{}", std::process::id()));
    atomic::replace_unlocked(&path, &[b' '; REFRESH])?;
    atomic::remove(&path)
}
