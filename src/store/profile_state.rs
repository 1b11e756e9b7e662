//! What a profile last used: its credential id, so that the warm path needs no keyring, and a copy of the token,
//! so that the warm path reads one file.

use super::atomic;
use super::folder::{cache_path, decode_cache};
use super::private::{self, StateDir};
use super::records::{decode, encode};
use crate::config::{Grant, Origin, Profile};
use crate::credential::CredentialId;
use crate::error::Error;
use crate::token::CacheRecord;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;

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

/// What identifies one version of a file: replacing it changes at least one of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    inode: u64,
    modified_ns: u64,
    length: u64,
}

impl Stamp {
    /// The stamp of a file.
    pub fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Stamp {
            inode: inode(metadata),
            modified_ns: modified.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(0)),
            length: metadata.len(),
        }
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
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
    /// The cache as it was in the version of its file that `stamp` names.
    #[serde(default)]
    copy: Option<Copy>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Copy {
    stamp: Stamp,
    record: CacheRecord,
}

impl ProfileState {
    /// The state of a profile that uses `credential`, without a copy of its token. `login` is what
    /// [`login_stamp`] was before the credential was read.
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
            copy: None,
        }
    }

    /// The credential.
    pub fn credential(&self) -> CredentialId {
        CredentialId::known(&self.cache_id, &self.ledger_id)
    }

    /// The copy of the token set, if its file has not been replaced since.
    pub fn copy(&self, state: &StateDir) -> Option<&CacheRecord> {
        let copy = self.copy.as_ref()?;
        let found = private::stat(&cache_path(state, &self.credential()))?;
        (Stamp::of(&found) == copy.stamp && copy.record.is_sound()).then_some(&copy.record)
    }

    /// The same state with a copy of the token set as it is now.
    pub fn with_copy(mut self, state: &StateDir) -> Self {
        self.copy =
            private::read(&cache_path(state, &self.credential())).ok().and_then(|(bytes, metadata)| {
                Some(Copy { stamp: Stamp::of(&metadata), record: decode_cache(&bytes)? })
            });
        self
    }

    /// The state of `profile`; `None` where there is none, it is junk, or it was made for other settings or an
    /// earlier login: whoever was refreshing while somebody logged in may have written it last.
    pub fn load(state: &StateDir, profile: &Profile) -> Option<Self> {
        let (bytes, _) = private::read(&path(state, profile)?).ok()?;
        decode::<ProfileState>(&bytes).filter(|found| {
            found.settings == Settings::of(profile) && found.login == login_stamp(state, profile)
        })
    }

    /// Writes the state of `profile` down. Junk in its place is set aside.
    pub fn save(&self, state: &StateDir, profile: &Profile) -> Result<(), Error> {
        let Some(path) = path(state, profile) else { return Ok(()) };
        state.room("profiles")?;
        if private::read(&path).is_ok_and(|(bytes, _)| decode::<ProfileState>(&bytes).is_none()) {
            atomic::set_aside(&path);
        }
        atomic::replace_unlocked(&path, &encode(self))
    }

    /// Forgets the state of `profile`.
    pub fn forget(state: &StateDir, profile: &Profile) -> Result<(), Error> {
        path(state, profile).map_or(Ok(()), |path| atomic::remove(&path))
    }
}

/// The version of the login record that `profile` has now; `None` where there is none.
pub fn login_stamp(state: &StateDir, profile: &Profile) -> Option<Stamp> {
    private::stat(&crate::credential::login_path(state, profile)?).map(|found| Stamp::of(&found))
}

/// The environment profile has none: its credential id follows from the variables.
fn path(state: &StateDir, profile: &Profile) -> Option<PathBuf> {
    match &profile.origin {
        Origin::Environment => None,
        Origin::File(config) => {
            let key = crate::credential::profile_key(config, &profile.name);
            Some(state.room_path("profiles").join(format!("{key}.v1.json")))
        }
    }
}
