//! Whether a login's secrets can be kept, found out before Zoho grants anything.

use super::{Turn, Unfinished, random};
use crate::config::{ConfigFile, Profile};
use crate::credential::{Item, Patience, Source};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::StateDir;
use crate::system::System;

/// Keeps an item of no value in the place for the profile's secrets, reads it back, and forgets it. A keyring that is
/// locked answers questions, and what Zoho grants is lost where it cannot be kept.
pub fn takes_secrets(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    quiet: bool,
) -> Result<(), Error> {
    let source = Source::new(profile, &system.env, state).patient(Patience::of(system, quiet));
    let store = source.store(profile.secrets.word())?;
    let item = Item { store: store.word().to_owned(), name: format!("trial-{}", random::word()?) };
    let _turn = Turn::take(&*system.clock, state, config)?;
    Unfinished::note(state, profile, vec![item.clone()])?;
    let tried = store.put(&item.name, &Secret::new("trial")).and_then(|()| store.get(&item.name));
    Unfinished::clear(&source, state);
    tried.map(drop)
}
