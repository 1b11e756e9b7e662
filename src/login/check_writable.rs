//! Checks that the secrets of a login can be stored before Zoho grants anything.

use crate::config::ConfigFile;
use crate::error::Error;
use crate::model::Profile;
use crate::secret::Secret;
use crate::secrets::{LoginLock, Source};
use crate::store::StateDir;
use crate::system::System;

/// The name of a test item. It is the same for all logins, so that the next login overwrites what a killed one
/// left.
const TEST_ITEM: &str = "write-test";

/// Writes, reads and deletes a test item. A locked keyring still answers queries, and a refresh token that cannot
/// be stored is lost.
pub(crate) fn takes_secrets(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
) -> Result<(), Error> {
    let source = Source::new(profile, system, state);
    let store = source.store(profile.secrets.word())?;
    let _lock = LoginLock::take(&*system.clock, state, config)?;
    store.put(TEST_ITEM, "zoho-cred", &Secret::new(TEST_ITEM))?;
    let read = store.get(TEST_ITEM);
    store.delete(TEST_ITEM)?;
    read.map(drop)
}
