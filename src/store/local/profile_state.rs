//! What a profile last used: its credential id, so that the warm path needs no keyring.

use crate::config::{Grant, Origin, Profile};
use crate::error::Error;
use crate::model::CredentialId;
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir;
use crate::store::local::state_dir::StateDir;
use crate::store::{Links, Stamp};
use serde::{Deserialize, Serialize};
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
        let (grant, soid, scopes) = match &profile.grant {
            Grant::RefreshToken => ("refresh_token", None, Vec::new()),
            Grant::ClientCredentials { soid } => ("client_credentials", soid.clone(), profile.scopes.clone()),
        };
        Settings {
            accounts_url: profile.accounts_url.to_string(),
            client_id: profile.client_id.clone(),
            grant: grant.to_owned(),
            soid,
            scopes,
        }
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
    /// The version of the login record that the credential was read from, if there was one.
    #[serde(default)]
    login: Option<Stamp>,
}

impl ProfileState {
    /// The state of a profile that uses `credential`. `login` is what [`login_stamp`] was before the credential was
    /// read.
    pub fn new(
        profile: &Profile,
        credential: &CredentialId,
        scopes: Vec<String>,
        login: Option<Stamp>,
    ) -> Self {
        ProfileState {
            settings: Settings::of(profile),
            cache_id: credential.cache().to_owned(),
            ledger_id: credential.ledger().to_owned(),
            scopes,
            login,
        }
    }

    /// The credential.
    pub fn credential(&self) -> CredentialId {
        CredentialId::known(&self.cache_id, &self.ledger_id)
    }

    /// The state of `profile`; `None` where there is none, it is junk, or it was made for other settings or an
    /// earlier login: whoever was refreshing while somebody logged in may have written it last.
    pub fn load(state: &StateDir, profile: &Profile) -> Option<Self> {
        let (bytes, _) = state_dir::read(&path_of(state, profile)?).ok()?;
        decode::<ProfileState>(&bytes).filter(|found| {
            found.settings == Settings::of(profile) && found.login == login_stamp(state, profile)
        })
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

/// The version of the login record that `profile` has now; `None` where there is none.
pub fn login_stamp(state: &StateDir, profile: &Profile) -> Option<Stamp> {
    Stamp::of(&crate::secrets::login_path(state, profile)?, Links::Refuse).ok()
}

/// Where the state of `profile` is. The environment profile has none: its credential id follows from the variables.
pub fn path_of(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    match &profile.origin {
        Origin::Environment => None,
        Origin::File(config) => Some(path(state, &crate::model::profile_key(config, &profile.name))),
    }
}

/// Where the state of the profile with this key is.
pub fn path(state: &StateDir, key: &str) -> PathBuf {
    state.subdir_path("profiles").join(format!("{key}.v1.json"))
}
