//! Whether a login's secrets can be kept, found out before Zoho grants anything.

use crate::config::ConfigFile;
use crate::error::Error;
use crate::login::LoginLock;
use crate::model::Profile;
use crate::secret::Secret;
use crate::secrets::{KeyringTimeout, Source};
use crate::store::StateDir;
use crate::system::System;

/// An item of no value. It has one name for all logins, so that one that is killed now leaves nothing that the next does not
/// remove.
const TRIAL: &str = "trial";

/// Keeps the trial item in the place for the profile's secrets, reads it back, and forgets it. A keyring that is locked
/// answers questions, and what Zoho grants is lost where it cannot be kept.
pub(crate) fn takes_secrets(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    quiet: bool,
) -> Result<(), Error> {
    let source = Source::new(profile, system, state).patient(KeyringTimeout::of(system, quiet));
    let store = source.store(profile.secrets.word())?;
    let _turn = LoginLock::take(&*system.clock, state, config)?;
    store.put(TRIAL, &Secret::new(TRIAL))?;
    let read = store.get(TRIAL);
    store.delete(TRIAL)?;
    read.map(drop)
}
