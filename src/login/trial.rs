//! Whether a login's secrets can be kept, found out before Zoho grants anything.

use super::random;
use crate::config::Profile;
use crate::credential::{Patience, Source};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::StateDir;
use crate::system::System;

/// Keeps an item of no value in the place for the profile's secrets, reads it back, and forgets it. A keyring that is locked answers
/// questions, and what Zoho grants is lost where it cannot be kept.
pub fn takes_secrets(system: &System, state: &StateDir, profile: &Profile, quiet: bool) -> Result<(), Error> {
    let source = Source::new(profile, &system.env, state).patient(Patience::of(system, quiet));
    let store = source.store(profile.secrets.word())?;
    let item = format!("trial-{}", random::word()?);
    store.put(&item, &Secret::new("trial"))?;
    let read = store.get(&item);
    store.delete(&item)?;
    read.map(|_| ())
}
