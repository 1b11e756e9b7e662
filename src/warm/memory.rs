//! What a call meant when the long way last answered it, so that a look at some directory entries replaces reading
//! and understanding files.
//!
//! A memory is named by a digest of everything that was said: the profile's name, and every variable that matters. It
//! lists the files that the answer was made of, each with the version that it had, and is believed only while all of
//! them are the very same, or still absent. It holds no secret.

use super::files::{PathText, Seen, is_still, look, path, seen};
use super::{Started, Surroundings, VARIABLES};
use crate::config::{ConfigFile, Origin, Profile, Resolved, config_path, resolve, state_dir};
use crate::credential::{CredentialSource, Source, hex, login_path};
use crate::store::profile_state::{self, ProfileState};
use crate::store::{Links, Stamp, StateDir, atomic, cache_path, private};
use crate::system::{Env, Now, System, files};
use sha2::{Digest, Sha256};
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The folder in the state folder.
const ROOM: &str = "warm";
/// A memory that was not made anew for so long is thrown away, in ms: its call may never come again.
const OLD_MS: i64 = 30 * 24 * 3_600_000;

/// Ends a memory, so that one whose end was lost is not taken for one that lists fewer files.
const END: &CStr = c"end";

/// Names what was said.
pub type Key = [u8; 64];

/// The key of a call that names `profile`, or none. Another version of this program may answer otherwise.
pub fn key(profile: Option<&str>, outside: &impl Surroundings) -> Key {
    let mut hash = Sha256::new();
    let mut add = |part: Option<&[u8]>| {
        hash.update(part.map_or(u64::MAX, |part| part.len() as u64).to_be_bytes());
        hash.update(part.unwrap_or_default());
    };
    add(Some(env!("CARGO_PKG_VERSION").as_bytes()));
    add(profile.map(str::as_bytes));
    for name in VARIABLES.split(' ') {
        add(outside.variable(name));
    }
    hex(hash.finalize().into())
}

/// The state folder, where the variables alone say where it is.
pub fn state_folder<'a>(outside: &impl Surroundings, room: &'a mut PathText) -> Option<&'a [u8]> {
    let absolute = |path: &&[u8]| path.starts_with(b"/");
    let mut put = |part: &[u8]| room.try_extend_from_slice(part).ok();
    match outside.variable("ZOHO_CRED_STATE_DIR") {
        Some(path) => put(Some(path).filter(absolute)?)?,
        None => {
            match outside.variable("XDG_STATE_HOME").filter(absolute) {
                Some(folder) => put(folder)?,
                None => {
                    put(outside.variable("HOME").filter(absolute)?)?;
                    put(b"/.local/state")?;
                }
            }
            put(b"/zoho-cred")?;
        }
    }
    Some(room)
}

/// Where the memory with this key is.
pub fn path_of<'a>(key: &Key, state: &[u8], room: &'a mut PathText) -> Option<&'a CStr> {
    path(room, &[state, b"/", ROOM.as_bytes(), b"/", key, b".v2"])
}

/// What a call meant.
#[derive(Clone, Copy)]
pub struct Meaning<'a> {
    /// Path of the credential's cache.
    pub cache: &'a CStr,
    /// Scheme of the `Authorization` header.
    pub scheme: &'a str,
    /// The profile's name, as JSON like the next.
    pub profile: &'a str,
    /// Where the APIs are, as far as no answer said so.
    pub api_domain: &'a str,
    /// The data centre.
    pub data_center: &'a str,
    /// The scopes as far as no answer named others, without the brackets.
    pub scopes: &'a str,
}

impl<'a> Meaning<'a> {
    /// The meaning in a memory's bytes, as long as every file is what it was. Each field ends with NUL.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut field = || {
            let field = CStr::from_bytes_until_nul(rest).ok()?;
            rest = rest.get(field.count_bytes() + 1..)?;
            Some(field)
        };
        let cache = field()?;
        let mut text = || field()?.to_str().ok();
        let meaning = Meaning {
            cache,
            scheme: text()?,
            profile: text()?,
            api_domain: text()?,
            data_center: text()?,
            scopes: text()?,
        };
        loop {
            let was = field()?;
            if was == END {
                return Some(meaning);
            }
            if !is_still(field()?, was.to_bytes()) {
                return None;
            }
        }
    }
}

/// Writes down what a call that names `profile` meant, once the files that it was made of have settled. It does not
/// matter if that fails.
pub fn keep(system: &System, profile: Option<&str>) {
    let Some((state, path, bytes)) = make(system, profile) else { return };
    if private::read(&path).is_ok_and(|(found, _)| found == bytes) {
        return;
    }
    let write = || {
        forget_old(&state.room(ROOM)?, system.clock.now().wall_ms);
        atomic::replace_unlocked(&path, &bytes)
    };
    if let Err(error) = write() {
        log::debug!("what the call meant was not written down: {}", error.message());
    }
}

fn forget_old(room: &Path, now_ms: i64) {
    for path in private::list(room).unwrap_or_default() {
        if Stamp::of(&path, Links::Refuse).is_ok_and(|stamp| now_ms - stamp.modified_ms() > OLD_MS) {
            let _ = atomic::remove(&path);
        }
    }
}

/// Understands the call anew. Every file is looked at before it is read, and once more afterwards, so that what was
/// seen belongs to what was read.
fn make(system: &System, named: Option<&str>) -> Option<(StateDir, PathBuf, Vec<u8>)> {
    let env = &system.env;
    let started = Started { env, clock: &*system.clock };
    let (mut folder, mut name) = (PathText::new(), PathText::new());
    let folder = state_folder(&started, &mut folder)?;
    let path = path_of(&key(named, &started), folder, &mut name)?;
    let path = PathBuf::from(std::str::from_utf8(path.to_bytes()).ok()?);
    let state = StateDir::new(state_dir(env).ok()?);
    let (config, must_exist) = config_path(env, None).ok()?;

    let mut sources = Sources::default();
    for file in given_files(env) {
        sources.look(&file, Links::Follow, &system.clock.now())?;
    }
    sources.look(&config, Links::Follow, &system.clock.now())?;
    let canonical = files::canonical(&config);
    let file = match files::read_text_if_any(&config).ok()? {
        Some(text) => ConfigFile::parse(&canonical, &text).ok()?,
        None if must_exist => return None,
        None => ConfigFile::empty(canonical),
    };
    let resolved = resolve(env, file, named).ok()?;
    let Resolved { profile, passed_over_environment: false, .. } = resolved else { return None };
    for file in [profile_state::path_of(&state, &profile), login_path(&state, &profile)].iter().flatten() {
        sources.look(file, Links::Refuse, &system.clock.now())?;
    }
    let cache = cache_of(&profile, env, &state)?;
    sources.are_unchanged().then_some(())?;

    let json = |value: Option<&str>| serde_json::to_string(&value).ok();
    let data_center = profile.data_center;
    let mut bytes = Vec::new();
    let mut put = |field: &[u8]| {
        bytes.extend_from_slice(field);
        bytes.push(0);
        (!field.contains(&0)).then_some(())
    };
    put(cache.as_os_str().as_bytes())?;
    put(profile.scheme.word().as_bytes())?;
    put(json(Some(profile.name.as_str()))?.as_bytes())?;
    put(json(data_center.map(|dc| dc.api_domain()).as_deref())?.as_bytes())?;
    put(json(data_center.map(|dc| dc.code))?.as_bytes())?;
    let scopes = serde_json::to_string(&profile.scopes).ok()?;
    put(scopes.strip_prefix('[')?.strip_suffix(']')?.as_bytes())?;
    for (path, seen) in &sources.0 {
        put(seen)?;
        put(path.to_bytes())?;
    }
    put(END.to_bytes())?;
    Some((state, path, bytes))
}

/// The files that variables name.
fn given_files(env: &Env) -> Vec<PathBuf> {
    let named =
        ["ZOHO_CLIENT_SECRET_FILE", "ZOHO_REFRESH_TOKEN_FILE"].into_iter().filter_map(|name| env.get(name));
    let folder = env.get("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let items = ["zoho-client-secret", "zoho-refresh-token"].into_iter();
    named.map(PathBuf::from).chain(items.filter_map(|item| Some(folder.as_ref()?.join(item)))).collect()
}

/// Path of the cache that the long way would read for `profile`.
fn cache_of(profile: &Profile, env: &Env, state: &StateDir) -> Option<PathBuf> {
    let credential = match profile.origin {
        Origin::Environment => Source::new(profile, env, state).id().ok()?,
        Origin::File(_) => {
            let found = ProfileState::load(state, profile)?;
            if profile.wants_other_scopes(&found.scopes) {
                return None;
            }
            found.credential()
        }
    };
    Some(cache_path(state, &credential))
}

/// Files that an answer is made of, with what stood there.
#[derive(Default)]
struct Sources(Vec<(CString, Seen)>);

impl Sources {
    /// Looks at a file before it is read; `None` where it is still so young that a change might not show, and where a
    /// relative path names another file in another folder.
    fn look(&mut self, path: &Path, links: Links, now: &Now) -> Option<()> {
        let text = CString::new(path.as_os_str().as_bytes()).ok().filter(|_| path.is_absolute())?;
        let stamp = look(&text, links)?;
        let settled = stamp.as_ref().is_none_or(|stamp| stamp.is_settled(now.wall_ms));
        let seen = seen(stamp.as_ref(), links).filter(|_| settled)?;
        self.0.push((text, seen));
        Some(())
    }

    fn are_unchanged(&self) -> bool {
        self.0.iter().all(|(path, was)| is_still(path, was))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that lost power may keep the beginning of a file only.
    #[test]
    fn a_memory_without_its_end_is_not_believed() {
        let nothing = "/nowhere";
        let whole = format!("/cache\0Bearer\0\"crm\"\0null\0null\0\0f\0{nothing}\0n\0{nothing}\0end\0");
        assert!(Meaning::read(whole.as_bytes()).is_some());
        for length in 0..whole.len() {
            assert!(Meaning::read(&whole.as_bytes()[..length]).is_none(), "{length} bytes");
        }
    }
}
