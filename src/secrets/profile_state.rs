//! The credential id that a profile last used. With it, a cached `get` needs no secret.

use crate::error::Error;
use crate::model::{CredentialId, Grant, Profile, SecretBackend};
use crate::secrets::login_record::state_path;
use crate::secrets::{ChangedSetting, LoginRecord, changed_setting};
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir::{self, StateDir};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The settings that a credential was created with. A profile with other settings does not use the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    accounts_url: String,
    client_id: String,
    grant: String,
    soid: Option<String>,
    /// For client credentials only: a refresh cannot change the scopes of a refresh token.
    scopes: Vec<String>,
}

impl Settings {
    pub(crate) fn of(profile: &Profile) -> Self {
        let (soid, scopes) = match &profile.grant {
            Grant::RefreshToken => (None, Vec::new()),
            Grant::ClientCredentials { soid } => (soid.clone(), profile.scopes.clone()),
        };
        Settings {
            accounts_url: profile.accounts_url.to_string(),
            client_id: profile.client_id.clone(),
            grant: profile.grant.word().to_owned(),
            soid,
            scopes,
        }
    }

    /// Returns the first setting of `profile` that secrets are bound to and that differs.
    pub(crate) fn changed(&self, profile: &Profile) -> Option<ChangedSetting> {
        changed_setting(profile, &self.accounts_url, &self.client_id, &self.grant)
    }
}

/// The file `profiles/<key>.v1.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileState {
    pub(crate) settings: Settings,
    cache_id: String,
    ledger_id: String,
    /// The scopes that the login requested.
    #[serde(default)]
    pub(crate) scopes: Vec<String>,
}

impl ProfileState {
    pub(crate) fn new(profile: &Profile, credential: &CredentialId, scopes: Vec<String>) -> Self {
        ProfileState {
            settings: Settings::of(profile),
            cache_id: credential.cache().to_owned(),
            ledger_id: credential.ledger().to_owned(),
            scopes,
        }
    }

    pub(crate) fn credential(&self) -> CredentialId {
        CredentialId::known(&self.cache_id, &self.ledger_id)
    }

    /// Reads the state of `profile`. `None` if the file is missing or unparseable, or was written for other settings or
    /// for a credential other than the login's. The latter happens if a refresh with the old credential wrote it after
    /// a new login.
    pub(crate) fn load(state: &StateDir, profile: &Profile) -> Option<Self> {
        ProfileState::recorded(state, profile)
            .ok()?
            .filter(|found| found.settings == Settings::of(profile) && found.is_of_the_login(state, profile))
    }

    /// Reads the last state written for `profile`, without comparing settings and login. `None` if it is unparseable.
    pub(crate) fn recorded(state: &StateDir, profile: &Profile) -> Result<Option<Self>, Error> {
        let Some(path) = path_of(state, profile) else { return Ok(None) };
        Ok(state_dir::read_if_any(&path)?.and_then(|(bytes, _)| decode(&bytes)))
    }

    /// Secrets from a command or from the environment have no login record to compare with.
    fn is_of_the_login(&self, state: &StateDir, profile: &Profile) -> bool {
        match profile.secrets {
            SecretBackend::Command(_) | SecretBackend::Environment => true,
            SecretBackend::File | SecretBackend::Keyring => {
                LoginRecord::load(state, profile).is_ok_and(|login| {
                    login.is_some_and(|login| login.is_for(profile) && login.credential == self.ledger_id)
                })
            }
        }
    }

    /// Writes the state of `profile`. An unparseable file in its place is moved aside.
    pub(crate) fn save(&self, state: &StateDir, profile: &Profile) -> Result<(), Error> {
        let Some(path) = path_of(state, profile) else { return Ok(()) };
        state.subdir("profiles")?;
        atomic::set_aside_junk(&path, |bytes| decode::<ProfileState>(bytes).is_some());
        atomic::replace_unlocked(&path, &encode(self))
    }

    pub(crate) fn forget(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        path_of(state, profile).map_or(Ok(()), |path| atomic::remove(&path))
    }
}

/// `None` for the environment profile: its credential id is computed from the variables.
fn path_of(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    state_path(profile, |key| state.subdir_path("profiles").join(format!("{key}.v1.json")))
}
