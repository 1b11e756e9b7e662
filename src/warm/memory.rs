//! What a config file meant when it was last read, so that a look at its directory entry replaces reading it.
//!
//! A memory holds no secret, and is believed only while the config file, the profile's state and its login's record are
//! the very versions that it was made from.

use crate::config::{ConfigFile, DataCenter, Origin, Resolved, Scheme, config_path, resolve, state_dir};
use crate::credential::{login_path_of, profile_key};
use crate::error::Error;
use crate::store::profile_state::{self, ProfileState};
use crate::store::records::{decode, encode};
use crate::store::{Links, Stamp, StateDir, atomic, private};
use crate::system::{Env, System, files};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The folder in the state folder.
const ROOM: &str = "warm";

/// One config file, one name (or none), and what they meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// The program that read the config: another version may read it differently.
    program: String,
    /// Path of the config file, as the call's variables give it.
    config: String,
    /// The profile that was asked for, by an argument or a variable.
    wanted: Option<String>,
    config_stamp: Stamp,
    /// Names the profile's state.
    state: String,
    state_stamp: Stamp,
    login_stamp: Option<Stamp>,
    /// Names the cache of the credential.
    pub cache_id: String,
    /// The profile that was meant.
    pub profile: String,
    data_center: Option<String>,
    bearer: bool,
    /// The profile's scopes.
    pub scopes: Vec<String>,
}

impl Memory {
    /// What `config`, in the version that has the stamp `found`, means for a call that wants `wanted`.
    pub fn recall(state: &StateDir, config: &Path, wanted: Option<&str>, found: &Stamp) -> Option<Self> {
        let config = config.to_str()?;
        let memory = read(&path(state, config, wanted))?;
        let same = memory.program == env!("CARGO_PKG_VERSION")
            && memory.config == config
            && memory.wanted.as_deref() == wanted
            && memory.config_stamp == *found
            && Stamp::of(&profile_state::path(state, &memory.state), Links::Refuse).ok()?
                == memory.state_stamp
            && Stamp::of(&login_path_of(state, &memory.state), Links::Refuse).ok() == memory.login_stamp;
        same.then_some(memory)
    }

    /// Writes down what the config file of a call that wants `wanted` means, once it and the profile's state have
    /// settled. It does not matter if that fails.
    pub fn keep(system: &System, wanted: Option<&str>) {
        let Ok(Some((state, memory))) = Memory::make(system, wanted) else { return };
        let path = path(&state, &memory.config, wanted);
        if read(&path).as_ref() == Some(&memory) {
            return;
        }
        let write = || {
            state.room(ROOM)?;
            atomic::replace_unlocked(&path, &encode(&memory))
        };
        if let Err(error) = write() {
            log::debug!("the meaning of the config was not written down: {}", error.message());
        }
    }

    /// Reads the config file anew. The stamps are taken before the files are read, and once more afterwards, so
    /// that they belong to what was read.
    fn make(system: &System, wanted: Option<&str>) -> Result<Option<(StateDir, Self)>, Error> {
        let env = &system.env;
        let state = StateDir::new(state_dir(env)?);
        let (path, _) = config_path(env, None)?;
        let stamp = |path: &Path, links| {
            let now_ms = system.clock.now().wall_ms;
            Stamp::of(path, links).ok().filter(|stamp| stamp.is_settled(now_ms))
        };
        let (Some(config), Some(config_stamp)) = (absolute(&path), stamp(&path, Links::Follow)) else {
            return Ok(None);
        };
        let canonical = files::canonical(&path);
        let read = ConfigFile::parse(&canonical, &files::read_text(&path)?)?;
        let Resolved { profile, .. } = resolve(env, read, wanted)?;
        let (Origin::File(_), Some(state_path)) = (&profile.origin, profile_state::path_of(&state, &profile))
        else {
            return Ok(None);
        };
        let Some(state_stamp) = stamp(&state_path, Links::Refuse) else { return Ok(None) };
        let login_stamp = profile_state::login_stamp(&state, &profile);
        let Some(found) = ProfileState::load(&state, &profile) else { return Ok(None) };
        let still = stamp(&path, Links::Follow).as_ref() == Some(&config_stamp)
            && stamp(&state_path, Links::Refuse).as_ref() == Some(&state_stamp);
        if !still || profile.wants_other_scopes(&found.scopes) {
            return Ok(None);
        }
        let memory = Memory {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            config,
            wanted: wanted.map(str::to_owned),
            config_stamp,
            state: profile_key(&canonical, &profile.name),
            state_stamp,
            login_stamp,
            cache_id: found.credential().cache().to_owned(),
            profile: profile.name.to_string(),
            data_center: profile.data_center.map(|dc| dc.code.to_owned()),
            bearer: profile.scheme == Scheme::Bearer,
            scopes: profile.scopes,
        };
        Ok(Some((state, memory)))
    }

    /// The profile's data centre.
    pub fn data_center(&self) -> Option<&'static DataCenter> {
        self.data_center.as_deref().and_then(DataCenter::by_code)
    }

    /// The profile's scheme.
    pub fn scheme(&self) -> Scheme {
        match self.bearer {
            true => Scheme::Bearer,
            false => Scheme::Zoho,
        }
    }
}

/// What a call wants: `named`, else what its variable says.
pub fn wanted<'a>(env: &'a Env, named: Option<&'a str>) -> Option<&'a str> {
    named.or_else(|| env.get("ZOHO_CRED_PROFILE"))
}

/// A relative path names another file in another folder.
fn absolute(path: &Path) -> Option<String> {
    path.to_str().filter(|_| path.is_absolute()).map(str::to_owned)
}

fn read(path: &Path) -> Option<Memory> {
    decode(&private::read(path).ok()?.0)
}

/// FNV-1a will do for a name: what it is the name of stands in the file.
fn path(state: &StateDir, config: &str, wanted: Option<&str>) -> PathBuf {
    let bytes = config.bytes().chain([0]).chain(wanted.unwrap_or_default().bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    state.room_path(ROOM).join(format!("{hash:016x}.v1.json"))
}
