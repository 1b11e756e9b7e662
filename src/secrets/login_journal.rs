//! A journal of secret items that may be unused. Each login stores its secrets under new random names, and so does a
//! refresh token that replaces another. If the program is killed before a record has the names, nothing would refer
//! to them. So the names are written here first, and the next login or logout deletes the unused ones.

use crate::error::Error;
use crate::model::Profile;
use crate::secrets::login_record::{Item, LoginRecord, RECORD, all_in, login_path, named};
use crate::secrets::store::OpenSecrets;
use crate::store::StateDir;
use crate::store::local::records::{decode, encode};
use crate::store::local::{atomic, state_dir};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Begins the names of journals.
const JOURNAL: &str = "unfinished-";

/// The possibly unused items of one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginJournal {
    items: Vec<Item>,
}

impl LoginJournal {
    /// Adds `items`. The caller must hold a [`super::LoginLock`].
    pub(crate) fn note(state: &StateDir, profile: &Profile, items: Vec<Item>) -> Result<(), Error> {
        state.subdir("secrets")?;
        login_path(state, profile).map_or(Ok(()), |record| LoginJournal::note_at(&record, items))
    }

    /// Like [`LoginJournal::note`], for the profile of an existing login record.
    pub(crate) fn note_at(record: &Path, items: Vec<Item>) -> Result<(), Error> {
        let mut all = LoginJournal::load(record);
        all.items.extend(items);
        all.save(record)
    }

    /// Moves the record and the journal that version 0.1 wrote to where they belong now. The caller must hold a
    /// [`super::LoginLock`].
    pub(crate) fn adopt_old_login(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        let Some((old, new)) = LoginRecord::copy_of_old(state, profile)? else { return Ok(()) };
        LoginJournal::note_at(&new, LoginJournal::load(&old).items)?;
        LoginJournal::default().save(&old)?;
        atomic::remove(&old)
    }

    /// Deletes the items that no login record of any profile uses, and drops used ones from the journal. What cannot be deleted
    /// now stays listed, so this does not fail. The caller must hold a [`super::LoginLock`].
    pub(crate) fn clear(state: &StateDir, profile: &Profile, open: &OpenSecrets<'_>) -> bool {
        login_path(state, profile).is_none_or(|record| LoginJournal::clear_at(&record, open))
    }

    /// Like [`LoginJournal::clear`], for the profile of a login record.
    pub(crate) fn clear_at(record: &Path, open: &OpenSecrets<'_>) -> bool {
        LoginJournal::load(record).remove(record, open).unwrap_or_else(|error| {
            log::warn!("old secrets were not removed: {}", error.message());
            false
        })
    }

    /// The names of all items in journals.
    pub(crate) fn all_items(state: &StateDir) -> Result<Vec<String>, Error> {
        let records = LoginJournal::records(state)?.into_iter();
        Ok(records.flat_map(|record| LoginJournal::load(&record).items).map(|item| item.name).collect())
    }

    /// The paths of the login records that do not exist although their journals do.
    pub(crate) fn without_record(state: &StateDir) -> Result<Vec<PathBuf>, Error> {
        let records = LoginJournal::records(state)?.into_iter();
        Ok(records.filter(|record| state_dir::stat(record).is_none()).collect())
    }

    /// The paths of the login records that have journals.
    fn records(state: &StateDir) -> Result<Vec<PathBuf>, Error> {
        let journals = named(&state.subdir_path("secrets"), JOURNAL)?.into_iter();
        Ok(journals.filter_map(|journal| renamed(&journal, JOURNAL, RECORD)).collect())
    }

    /// Loads the journal; an unreadable one counts as empty.
    fn load(record: &Path) -> Self {
        let read = path_of(record).and_then(|path| state_dir::read(&path).ok());
        read.and_then(|(bytes, _)| decode(&bytes)).unwrap_or_default()
    }

    fn remove(self, record: &Path, open: &OpenSecrets<'_>) -> Result<bool, Error> {
        if self.items.is_empty() {
            return Ok(true);
        }
        // A rename that could not change the config leaves a second record of the same items, for the new name.
        let (mut used, mut is_settled, mut all_removed) = (Vec::new(), true, true);
        for (path, login) in record.parent().map(all_in).transpose()?.unwrap_or_default() {
            used.extend(login.all_items());
            is_settled &= path != record || login.is_settled();
        }
        let is_left = |item: &Item| {
            if used.contains(item) {
                return !is_settled;
            }
            let deleted = open(&item.store).and_then(|store| store.delete(&item.name));
            deleted.is_err_and(|error| {
                log::warn!("an old secret was not removed: {}", error.message());
                all_removed = false;
                true
            })
        };
        let items = self.items.into_iter().filter(is_left).collect();
        LoginJournal { items }.save(record)?;
        Ok(all_removed)
    }

    fn save(&self, record: &Path) -> Result<(), Error> {
        let Some(path) = path_of(record) else { return Ok(()) };
        if self.items.is_empty() {
            return atomic::remove(&path);
        }
        atomic::replace(&path, &encode(self))
    }
}

/// In the directory of the profile's login record.
fn path_of(record: &Path) -> Option<PathBuf> {
    renamed(record, RECORD, JOURNAL)
}

fn renamed(path: &Path, old: &str, new: &str) -> Option<PathBuf> {
    Some(path.with_file_name(path.file_name()?.to_string_lossy().replacen(old, new, 1)))
}
