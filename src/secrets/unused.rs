//! Finds and removes what no profile uses any more: logins of profiles that were deleted from their config file,
//! secret files that no login names, and caches and ledgers of forgotten credentials.

use crate::config::ConfigFile;
use crate::error::Error;
use crate::secrets::login_journal::LoginJournal;
use crate::secrets::login_record::LoginRecord;
use crate::secrets::profile_state::ProfileState;
use crate::secrets::store::OpenSecrets;
use crate::store::local::records::decode;
use crate::store::local::state_dir::{self, StateDir};
use crate::store::local::{FileLock, atomic};
use crate::system::files;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Tokens live an hour, and no cooldown or budget window is longer. Younger files may belong to credentials from the
/// environment, which no record names. In ms.
const OLD_MS: i64 = 2 * 3_600_000;

/// What no profile uses any more.
#[derive(Debug, Default)]
pub(crate) struct Unused {
    /// The login records of deleted profiles, and those of which only the journal is left.
    records: Vec<PathBuf>,
    /// The deleted profiles.
    pub(crate) profiles: Vec<String>,
    /// Old files in `credentials`, `ledgers` and `secrets`.
    files: Vec<PathBuf>,
    /// The time of the search, in ms since 1970.
    now_ms: i64,
}

impl Unused {
    /// Profiles are deleted if `config`, or the other config file that their login was for, no longer has them.
    pub(crate) fn find(state: &StateDir, config: &ConfigFile, now_ms: i64) -> Result<Self, Error> {
        let (used, unused): (Vec<_>, Vec<_>) =
            LoginRecord::all(state)?.into_iter().partition(|(_, record)| is_used(record, config));
        let all = used.iter().chain(&unused).map(|(path, _)| path.clone());
        let in_use: HashSet<String> = used.iter().flat_map(|(_, record)| record.credentials()).collect();
        let lonely = LoginJournal::without_record(state)?;
        let kept: HashSet<String> = all
            .flat_map(|path| LoginRecord::items_at(&path).unwrap_or_default())
            .map(|item| item.name)
            .chain(LoginJournal::all_items(state)?)
            .chain(in_use)
            .chain(profile_states(state, &unused)?)
            .collect();
        let is_unused = |(path, suffix): &(PathBuf, &str)| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_suffix(suffix).is_some_and(|stem| !stem.contains('.') && !kept.contains(stem))
                && is_old(path, now_ms)
        };
        let mut files = Vec::new();
        for (subdir, suffix) in [("credentials", ".v1.json"), ("ledgers", ".v1.json"), ("secrets", ".json")] {
            let listed = state_dir::list(&state.subdir_path(subdir))?.into_iter().map(|path| (path, suffix));
            files.extend(listed.filter(is_unused).map(|(path, _)| path).filter(|path| is_state(path)));
        }
        let profiles = unused.iter().map(|(_, record)| record.profile.clone()).collect();
        let records = unused.into_iter().map(|(path, _)| path).chain(lonely).collect();
        Ok(Unused { records, profiles, files, now_ms })
    }

    /// How many logins and files there are.
    pub(crate) fn count(&self) -> usize {
        self.records.len() + self.files.len()
    }

    /// Removes them. Lock files stay, because another process may be waiting for one. The caller must hold a
    /// [`super::LoginLock`]. Returns whether all secrets could be deleted; those that could not are tried again.
    pub(crate) fn remove(&self, state: &StateDir, open: &OpenSecrets<'_>) -> Result<bool, Error> {
        let mut all = true;
        for path in &self.records {
            LoginJournal::note_at(path, LoginRecord::items_at(path)?)?;
            if let Some(used) = state_of(state, path) {
                atomic::remove(&used)?;
            }
            atomic::remove(path)?;
            all &= LoginJournal::clear_at(path, open);
        }
        for path in &self.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let lock =
                name.strip_suffix(".v1.json").map(|id| state.subdir_path("locks").join(format!("{id}.lock")));
            let held = lock.map(|lock| FileLock::try_take(&lock)).transpose()?;
            // A credential from the environment may be in use again by now.
            if held.is_none_or(|held| held.is_some()) && is_old(path, self.now_ms) {
                atomic::remove(path)?;
            }
        }
        Ok(all)
    }
}

/// Whether the profile of `record` still exists. A config file that cannot be read counts as if it had it.
fn is_used(record: &LoginRecord, config: &ConfigFile) -> bool {
    let has = |config: &ConfigFile| config.names().contains(&record.profile);
    if record.config == config.path() || record.by_name && config.is_default() && has(config) {
        return has(config);
    }
    match files::read_text_if_any(&record.config) {
        Ok(Some(text)) => ConfigFile::parse(&record.config, &text).map_or(true, |config| has(&config)),
        // The default config file was moved, and this is not it.
        Ok(None) => record.by_name && !config.is_default(),
        Err(_) => true,
    }
}

/// The names of caches and ledgers that profiles use, other than those of the `unused` records.
fn profile_states(state: &StateDir, unused: &[(PathBuf, LoginRecord)]) -> Result<Vec<String>, Error> {
    let dropped: Vec<_> = unused.iter().filter_map(|(path, _)| state_of(state, path)).collect();
    let paths = state_dir::list(&state.subdir_path("profiles"))?.into_iter();
    let read = |path: PathBuf| decode::<ProfileState>(&state_dir::read(&path).ok()?.0);
    let states = paths.filter(|path| !dropped.contains(path)).filter_map(read);
    Ok(states
        .map(|used| used.credential())
        .flat_map(|id| [id.cache().to_owned(), id.ledger().to_owned()])
        .collect())
}

/// The profile state beside a login record. Both have the same key in their names.
fn state_of(state: &StateDir, record: &Path) -> Option<PathBuf> {
    let name = record.file_name()?.to_string_lossy().into_owned();
    let key = name.strip_prefix("profile-")?.strip_suffix(".json")?;
    Some(state.subdir_path("profiles").join(format!("{key}.v1.json")))
}

/// Whether the file is a cache, a ledger or a secret, and no record, journal or file of others.
fn is_state(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".v1.json") || name.starts_with("client-secret-") || name.starts_with("refresh-token-")
}

fn is_old(path: &Path, now_ms: i64) -> bool {
    let modified =
        state_dir::stat(path).and_then(|found| found.modified().ok()?.duration_since(UNIX_EPOCH).ok());
    modified.is_some_and(|at| now_ms.saturating_sub_unsigned(at.as_millis() as u64) > OLD_MS)
}
