//! The record of a login: where its secrets are stored. It is written last, with an atomic rename, so that an
//! interrupted login leaves the old credential in use.

use crate::error::Error;
use crate::model::{CredentialId, Origin, Profile, ProfileName, Secrets, profile_key};
use crate::secret::Secret;
use crate::secrets::bound::{ChangedSetting, changed_setting};
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir::{self, StateDir};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Begins the names of login records.
pub(crate) const RECORD: &str = "profile-";

/// A secret in a secret store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// `keyring` or `file`.
    pub store: String,
    /// The item's name in that store.
    pub name: String,
}

/// The file `secrets/profile-<key>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// The profile's name.
    pub profile: String,
    /// Canonical path of the profile's config file at the login.
    pub config: PathBuf,
    /// Whether that was the default config file, so that the record is found by the profile's name alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_name: bool,
    /// Where the items are: `keyring` or `file`.
    pub store: String,
    /// The accounts server that the secrets belong to.
    pub accounts_url: String,
    /// The OAuth client id.
    pub client_id: String,
    /// Name of the client secret's item.
    pub client_secret: String,
    /// Name of the refresh token's item. `None` for client credentials.
    pub refresh_token: Option<String>,
    /// Ledger id of the credential. Profiles with the same id share it.
    pub credential: String,
    /// The requested scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether a login of ours created the refresh token, as opposed to an import.
    #[serde(default)]
    pub(crate) made_here: bool,
    /// The login flow. `None` in records of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Whose account it is, if Zoho said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether the config file may not have this login's settings yet. Until it has, the old settings use `previous`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) pending: bool,
    /// The login before, while `pending`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<LoginRecord>>,
}

impl LoginRecord {
    /// The record of `profile`, if it was logged in. If a login was killed before it updated the config file, this is
    /// the login before.
    pub fn load(state: &StateDir, profile: &Profile) -> Result<Option<Self>, Error> {
        let Some(path) = login_path(state, profile) else { return Ok(None) };
        Ok(read(&path)?.and_then(|record| record.in_use(profile)))
    }

    /// All items of the record of `profile`.
    pub fn items(state: &StateDir, profile: &Profile) -> Result<Vec<Item>, Error> {
        login_path(state, profile).map_or(Ok(Vec::new()), |path| LoginRecord::items_at(&path))
    }

    /// Like [`LoginRecord::items`], for the record at `path`.
    pub(crate) fn items_at(path: &Path) -> Result<Vec<Item>, Error> {
        Ok(read(path)?.iter().flat_map(LoginRecord::all_items).collect())
    }

    /// The items of this login and of the one before.
    pub(crate) fn all_items(&self) -> impl Iterator<Item = Item> {
        self.own_items().chain(self.previous.iter().flat_map(|previous| previous.own_items()))
    }

    /// Whether the login before is over.
    pub(crate) fn is_settled(&self) -> bool {
        self.previous.is_none() && !self.pending
    }

    /// The credentials of this login and of the one before.
    pub(crate) fn credentials(&self) -> impl Iterator<Item = String> {
        let previous = self.previous.as_deref().map(|previous| previous.credential.clone());
        [self.credential.clone()].into_iter().chain(previous)
    }

    pub(crate) fn own_items(&self) -> impl Iterator<Item = Item> {
        let names = [Some(&self.client_secret), self.refresh_token.as_ref()];
        names.into_iter().flatten().map(|name| Item { store: self.store.clone(), name: name.clone() })
    }

    /// Returns the first setting of `profile` that this login was not made for.
    pub fn changed(&self, profile: &Profile) -> Option<ChangedSetting> {
        let grant = match self.refresh_token {
            Some(_) => "refresh_token",
            None => "client_credentials",
        };
        changed_setting(profile, &self.accounts_url, &self.client_id, grant)
    }

    pub(crate) fn is_for(&self, profile: &Profile) -> bool {
        self.changed(profile).is_none()
    }

    /// The id of the credential: that of the login, whatever the settings of `profile` are by now.
    pub(crate) fn credential_id(&self, profile: &Profile) -> CredentialId {
        match self.refresh_token {
            None if self.is_for(profile) => {
                let no_secrets = Secrets { client_secret: Secret::default(), refresh_token: None };
                CredentialId::of(profile, &no_secrets)
            }
            _ => CredentialId::known(&self.credential, &self.credential),
        }
    }

    /// Whether this login, or the one before, stores the refresh token of `credential`.
    pub(crate) fn stores(&self, credential: &CredentialId) -> bool {
        let is_it =
            |login: &LoginRecord| login.refresh_token.is_some() && login.credential == credential.ledger();
        is_it(self) || self.previous.as_deref().is_some_and(is_it)
    }

    /// Makes the logins that use `old` use the item `name` with the refresh token of `new`. Returns the items that they
    /// used before.
    pub(crate) fn switch(&mut self, old: &CredentialId, new: &CredentialId, name: &str) -> Vec<Item> {
        let own = self.switch_one(old, new, name);
        let previous = self.previous.as_mut().and_then(|previous| previous.switch_one(old, new, name));
        own.into_iter().chain(previous).collect()
    }

    fn switch_one(&mut self, old: &CredentialId, new: &CredentialId, name: &str) -> Option<Item> {
        let token = self.refresh_token.as_mut().filter(|_| self.credential == old.ledger())?;
        let before = std::mem::replace(token, name.to_owned());
        new.ledger().clone_into(&mut self.credential);
        Some(Item { store: self.store.clone(), name: before })
    }

    fn in_use(mut self, profile: &Profile) -> Option<Self> {
        let previous = self.previous.take();
        let is_pending = std::mem::take(&mut self.pending) || previous.is_some();
        if is_pending && !self.is_for(profile) { previous.map(|previous| *previous) } else { Some(self) }
    }

    /// Writes the record, which makes the profile use its items. An unparseable file in its place is moved aside. The
    /// caller must hold the login lock.
    pub fn save(&self, state: &StateDir) -> Result<(), Error> {
        let name = ProfileName::new(&self.profile)?;
        state.subdir("secrets")?;
        let config = if self.by_name { Path::new("") } else { &self.config };
        let path = login_path_of(state, &profile_key(config, &name));
        atomic::set_aside_junk(&path, |bytes| decode::<LoginRecord>(bytes).is_some());
        atomic::replace(&path, &encode(self))
    }

    /// Adds the account to the record of `profile`, if that is still the login of `credential`. The caller must hold the
    /// login lock.
    pub(crate) fn note_account(
        state: &StateDir,
        profile: &Profile,
        credential: &CredentialId,
        account: &str,
    ) -> Result<(), Error> {
        let Some(path) = login_path(state, profile) else { return Ok(()) };
        match read(&path)?.filter(|record| record.credential == credential.ledger()) {
            Some(record) => LoginRecord { account: Some(account.to_owned()), ..record }.save(state),
            None => Ok(()),
        }
    }

    /// Copies the record that version 0.1 wrote for a profile of the default config to where it belongs now. Returns the
    /// old path and the new one. The caller must hold the login lock.
    pub(crate) fn copy_of_old(
        state: &StateDir,
        profile: &Profile,
    ) -> Result<Option<(PathBuf, PathBuf)>, Error> {
        let (Some(old), Origin::Default(_)) = (login_path(state, profile), &profile.origin) else {
            return Ok(None);
        };
        let Some(record) = read(&old)?.filter(|record| !record.by_name) else { return Ok(None) };
        LoginRecord { by_name: true, ..record }.save(state)?;
        Ok(login_path(state, profile).map(|new| (old, new)))
    }

    pub(crate) fn remove(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        login_path(state, profile).map_or(Ok(()), |path| atomic::remove(&path))
    }

    /// Removes the record of `profile`, and others of the same items.
    pub(crate) fn remove_all(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        let items = LoginRecord::items(state, profile)?;
        for (path, record) in LoginRecord::all(state)? {
            if record.own_items().any(|own| items.contains(&own)) {
                atomic::remove(&path)?;
            }
        }
        LoginRecord::remove(state, profile)
    }

    /// All records in the state directory, including those of other config files, with their paths.
    pub(crate) fn all(state: &StateDir) -> Result<Vec<(PathBuf, Self)>, Error> {
        all_in(&state.subdir_path("secrets"))
    }
}

/// All records in the folder `secrets`, with their paths.
pub(crate) fn all_in(folder: &Path) -> Result<Vec<(PathBuf, LoginRecord)>, Error> {
    let paths = named(folder, RECORD)?.into_iter();
    paths.filter_map(|path| Some(read(&path).transpose()?.map(|record| (path, record)))).collect()
}

/// The files `<prefix>….json` in the folder.
pub(crate) fn named(folder: &Path, prefix: &str) -> Result<Vec<PathBuf>, Error> {
    let mut paths = state_dir::list(folder)?;
    paths.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(".json")
    });
    Ok(paths)
}

/// Reads a record. An unparseable file counts as missing, so that a new login replaces it.
fn read(path: &Path) -> Result<Option<LoginRecord>, Error> {
    let Some((bytes, _)) = state_dir::read_if_any(path)? else { return Ok(None) };
    let record = decode(&bytes);
    if record.is_none() {
        log::warn!("{} is not a record that zoho-cred wrote", path.display());
    }
    Ok(record)
}

/// `None` for the environment profile.
pub(crate) fn login_path(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    state_path(profile, |key| login_path_of(state, key))
}

/// The file that `path` names for the key of `profile`. Version 0.1 keyed the profiles of the default config by its path;
/// such a file is used while there is no other.
pub(crate) fn state_path(profile: &Profile, path: impl Fn(&str) -> PathBuf) -> Option<PathBuf> {
    let found = path(&profile_key(profile.origin.key()?, &profile.name));
    if let Origin::Default(config) = &profile.origin
        && state_dir::stat(&found).is_none()
    {
        let old = path(&profile_key(config, &profile.name));
        return Some(if state_dir::stat(&old).is_some() { old } else { found });
    }
    Some(found)
}

pub(crate) fn login_path_of(state: &StateDir, key: &str) -> PathBuf {
    state.subdir_path("secrets").join(format!("{RECORD}{key}.json"))
}
