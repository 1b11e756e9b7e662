//! What a login stored: not the secrets, but where they are. It is written last, by one rename, so that a login
//! that is killed half-way leaves the old credential in use.

use crate::error::{ChangedSetting, Error};
use crate::model::profile_key;
use crate::model::{Origin, Profile, ProfileName};
use crate::secrets::bound::changed_setting;
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir;
use crate::store::local::state_dir::StateDir;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// One secret in one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The word of the store: `keyring` or `file`.
    pub store: String,
    /// Its name there.
    pub name: String,
}

/// The record of a profile's login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginRecord {
    /// The profile.
    pub profile: String,
    /// Canonical path of the config file that has the profile.
    pub config: PathBuf,
    /// Where the items are: `keyring` or `file`.
    pub store: String,
    /// The accounts server that the credential belongs to.
    pub accounts_url: String,
    /// The client's id.
    pub client_id: String,
    /// Item of the client secret.
    pub client_secret: String,
    /// Item of the refresh token; `None` for client credentials.
    pub refresh_token: Option<String>,
    /// Id of the credential, which tells profiles that share it.
    pub credential: String,
    /// The scopes that were asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether our own login made the refresh token, rather than taking one over.
    #[serde(default)]
    pub(crate) made_here: bool,
    /// The word for how it was logged in; `None` in a record that an older version wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// Whether the config file may still have other settings than those that this login was made for. Until it has
    /// followed, they go on with the login before, if there was one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) pending: bool,
    /// That login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Box<LoginRecord>>,
}

impl LoginRecord {
    /// The record of `profile`, if it was logged in. Where a login was killed before the config file had its
    /// settings, that is the login before.
    pub fn load(state: &StateDir, profile: &Profile) -> Result<Option<Self>, Error> {
        let Some(path) = login_path(state, profile) else { return Ok(None) };
        Ok(read(&path)?.and_then(|record| record.in_use(profile)))
    }

    /// Every item that the record of `profile` points to, and whether it is for good: not those of the login before,
    /// which a record holds until the config file has followed.
    pub fn items(state: &StateDir, profile: &Profile) -> Result<Vec<(Item, bool)>, Error> {
        let Some(path) = login_path(state, profile) else { return Ok(Vec::new()) };
        let Some(mut record) = read(&path)? else { return Ok(Vec::new()) };
        let previous = record.previous.take();
        let is_settled = previous.is_none() && !record.pending;
        let own = record.own_items().map(|item| (item, is_settled));
        Ok(own.chain(previous.iter().flat_map(|it| it.own_items()).map(|item| (item, false))).collect())
    }

    /// The items of this login.
    pub(crate) fn own_items(&self) -> impl Iterator<Item = Item> {
        let names = [Some(&self.client_secret), self.refresh_token.as_ref()];
        names.into_iter().flatten().map(|name| Item { store: self.store.clone(), name: name.clone() })
    }

    /// The setting of `profile` that this login was not made for, if there is one.
    pub fn changed(&self, profile: &Profile) -> Option<ChangedSetting> {
        let grant = match self.refresh_token {
            Some(_) => "refresh_token",
            None => "client_credentials",
        };
        changed_setting(profile, &self.accounts_url, &self.client_id, grant)
    }

    /// Whether it was made for the client, accounts server and grant that `profile` has.
    pub(crate) fn is_for(&self, profile: &Profile) -> bool {
        self.changed(profile).is_none()
    }

    fn in_use(mut self, profile: &Profile) -> Option<Self> {
        let previous = self.previous.take();
        let is_pending = std::mem::take(&mut self.pending) || previous.is_some();
        match is_pending && !self.is_for(profile) {
            true => previous.map(|previous| *previous),
            false => Some(self),
        }
    }

    /// Puts the record into place; from then on the profile uses its items. Junk in its place is set aside. Only whoever has
    /// the turn may do that.
    pub fn save(&self, state: &StateDir) -> Result<(), Error> {
        let name = ProfileName::new(&self.profile)?;
        state.subdir("secrets")?;
        let path = login_path_of(state, &profile_key(&self.config, &name));
        atomic::set_aside_junk(&path, |bytes| decode::<LoginRecord>(bytes).is_some());
        atomic::replace(&path, &encode(self))
    }

    /// Removes the record of `profile`.
    pub fn remove(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        login_path(state, profile).map_or(Ok(()), |path| atomic::remove(&path))
    }

    /// Every record in the state folder, those of other config files included.
    pub fn all(state: &StateDir) -> Result<Vec<Self>, Error> {
        let entries = state_dir::list(&state.subdir_path("secrets"))?;
        let is_record = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("profile-") && name.ends_with(".json")
        };
        let records = entries.iter().filter(|path| is_record(path)).filter_map(|path| read(path).transpose());
        records.map(|record| Ok(LoginRecord { previous: None, ..record? })).collect()
    }
}

/// The record in a file; junk is a miss, so that a new login mends it.
fn read(path: &Path) -> Result<Option<LoginRecord>, Error> {
    match state_dir::read(path) {
        Ok((bytes, _)) => {
            let record = decode(&bytes);
            if record.is_none() {
                log::warn!("{} is not a record that zoho-cred wrote", path.display());
            }
            Ok(record)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(state_dir::failed("read", path, &error)),
    }
}

/// Where the record of `profile` is; the environment profile has none.
pub(crate) fn login_path(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    match &profile.origin {
        Origin::Environment => None,
        Origin::File(config) => Some(login_path_of(state, &profile_key(config, &profile.name))),
    }
}

/// Where the record of the profile with this key is.
pub(crate) fn login_path_of(state: &StateDir, key: &str) -> PathBuf {
    state.subdir_path("secrets").join(format!("profile-{key}.json"))
}
