//! What a profile last used: its credential id, so that the warm path needs no keyring.

use crate::error::{ChangedSetting, Error};
use crate::model::CredentialId;
use crate::model::{Grant, Origin, Profile, SecretBackend};
use crate::secrets::{LoginRecord, changed_setting};
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir;
use crate::store::local::state_dir::StateDir;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::PathBuf;

/// The settings that a credential was made for. Where they no longer match the profile, it is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    accounts_url: String,
    client_id: String,
    grant: String,
    soid: Option<String>,
    /// For client credentials only: a refresh cannot change the scopes of a refresh token.
    scopes: Vec<String>,
}

impl Settings {
    /// The settings of `profile`.
    pub fn of(profile: &Profile) -> Self {
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

    /// The setting of `profile` that secrets are bound to and that differs, if one does.
    pub fn changed(&self, profile: &Profile) -> Option<ChangedSetting> {
        changed_setting(profile, &self.accounts_url, &self.client_id, &self.grant)
    }
}

/// The state of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileState {
    /// What it was made for.
    pub settings: Settings,
    /// Id of the cache.
    cache_id: String,
    /// Id of lock and ledger.
    ledger_id: String,
    /// The scopes that the login asked for.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl ProfileState {
    /// The state of a profile that uses `credential`.
    pub fn new(profile: &Profile, credential: &CredentialId, scopes: Vec<String>) -> Self {
        ProfileState {
            settings: Settings::of(profile),
            cache_id: credential.cache().to_owned(),
            ledger_id: credential.ledger().to_owned(),
            scopes,
        }
    }

    /// The credential.
    pub fn credential(&self) -> CredentialId {
        CredentialId::known(&self.cache_id, &self.ledger_id)
    }

    /// The state of `profile`; `None` where there is none, it is junk, or it was made for other settings or for
    /// another credential than that of the login: a refresh that a login overtook may have written it last.
    pub fn load(state: &StateDir, profile: &Profile) -> Option<Self> {
        ProfileState::recorded(state, profile)
            .ok()?
            .filter(|found| found.settings == Settings::of(profile) && found.is_of_the_login(state, profile))
    }

    /// What was recorded last for `profile`, whatever its settings and its login are by now; junk is nothing.
    pub(crate) fn recorded(state: &StateDir, profile: &Profile) -> Result<Option<Self>, Error> {
        let Some(path) = path_of(state, profile) else { return Ok(None) };
        match state_dir::read(&path) {
            Ok((bytes, _)) => Ok(decode(&bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(state_dir::failed("read", &path, &error)),
        }
    }

    /// Secrets that a command prints have no login record.
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

    /// Writes the state of `profile` down. Junk in its place is set aside.
    pub fn save(&self, state: &StateDir, profile: &Profile) -> Result<(), Error> {
        let Some(path) = path_of(state, profile) else { return Ok(()) };
        state.subdir("profiles")?;
        atomic::set_aside_junk(&path, |bytes| decode::<ProfileState>(bytes).is_some());
        atomic::replace_unlocked(&path, &encode(self))
    }

    /// Forgets the state of `profile`.
    pub fn forget(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        path_of(state, profile).map_or(Ok(()), |path| atomic::remove(&path))
    }
}

/// Where the state of `profile` is. The environment profile has none: its credential id follows from the variables.
pub(crate) fn path_of(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    match &profile.origin {
        Origin::Environment => None,
        Origin::File(config) => Some(path(state, &crate::model::profile_key(config, &profile.name))),
    }
}

/// Where the state of the profile with this key is.
pub fn path(state: &StateDir, key: &str) -> PathBuf {
    state.subdir_path("profiles").join(format!("{key}.v1.json"))
}
