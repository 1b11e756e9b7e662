//! A journal of secret items that may be unused. Each login stores its secrets under new random names. If it is
//! killed before its record exists, nothing would refer to them. So the names are written here first, and the next
//! login or logout deletes the unused ones.

use crate::error::Error;
use crate::model::Profile;
use crate::secrets::{Item, LoginRecord, Source, login_path};
use crate::store::StateDir;
use crate::store::local::records::{decode, encode};
use crate::store::local::{atomic, state_dir};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The possibly unused items of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginJournal {
    items: Vec<Item>,
}

impl LoginJournal {
    /// Loads the journal; an unreadable one counts as empty.
    fn load(state: &StateDir, profile: &Profile) -> Self {
        let read = path_of(state, profile).and_then(|path| state_dir::read(&path).ok());
        read.and_then(|(bytes, _)| decode(&bytes)).unwrap_or_default()
    }

    /// Adds `items`. The caller must hold a [`super::LoginLock`].
    pub fn note(state: &StateDir, profile: &Profile, items: Vec<Item>) -> Result<(), Error> {
        let mut all = LoginJournal::load(state, profile);
        all.items.extend(items);
        all.save(state, profile)
    }

    /// Deletes the items that no login record uses, and drops used ones from the journal. What cannot be deleted
    /// now stays listed, so this does not fail. The caller must hold a [`super::LoginLock`].
    pub fn clear(source: &Source<'_>, state: &StateDir) -> bool {
        LoginJournal::load(state, source.profile).remove(source, state).unwrap_or_else(|error| {
            log::warn!("old secrets were not removed: {}", error.message());
            false
        })
    }

    fn remove(self, source: &Source<'_>, state: &StateDir) -> Result<bool, Error> {
        if self.items.is_empty() {
            return Ok(true);
        }
        let pointed_to = LoginRecord::items(state, source.profile)?;
        let mut all_removed = true;
        let is_left = |item: &Item| match pointed_to.iter().find(|(pointed_to, _)| pointed_to == item) {
            Some((_, is_settled)) => !is_settled,
            None => match source.store(&item.store).and_then(|store| store.delete(&item.name)) {
                Ok(()) => false,
                Err(error) => {
                    log::warn!("an old secret was not removed: {}", error.message());
                    all_removed = false;
                    true
                }
            },
        };
        let items = self.items.into_iter().filter(is_left).collect();
        LoginJournal { items }.save(state, source.profile)?;
        Ok(all_removed)
    }

    fn save(&self, state: &StateDir, profile: &Profile) -> Result<(), Error> {
        let Some(path) = path_of(state, profile) else { return Ok(()) };
        if self.items.is_empty() {
            return atomic::remove(&path);
        }
        state.subdir("secrets")?;
        atomic::replace(&path, &encode(self))
    }
}

/// In the directory of the profile's login record.
fn path_of(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    let record = login_path(state, profile)?;
    let name = record.file_name()?.to_string_lossy().replacen("profile-", "unfinished-", 1);
    Some(record.with_file_name(name))
}
