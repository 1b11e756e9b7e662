//! Secrets in files of mode 0600 in a directory of mode 0700. Files that others can read are refused. Used only with
//! `--secrets file`.

use crate::error::Error;
use crate::i18n::tr;
use crate::secret::Secret;
use crate::secrets::SecretStore;
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir::{self, StateDir, command_to_close, is_open_to_others};
use crate::system::files;
use crate::system::new_file::remove_unfinished;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `secrets` directory in the state directory.
pub(crate) struct FileSecrets(StateDir);

#[derive(Serialize, Deserialize)]
struct Item {
    secret: Secret,
}

impl FileSecrets {
    pub(crate) fn new(state: &StateDir) -> Self {
        FileSecrets(state.clone())
    }

    fn path(&self, item: &str) -> PathBuf {
        self.0.subdir_path("secrets").join(format!("{item}.json"))
    }
}

impl SecretStore for FileSecrets {
    fn get(&self, item: &str) -> Result<Option<Secret>, Error> {
        self.0.check()?;
        let path = self.path(item);
        let Some((bytes, file)) = state_dir::read_if_any(&path)? else { return Ok(None) };
        let folder = self.0.subdir_path("secrets");
        if let Some(found) = state_dir::stat(&folder) {
            refuse_if_open(&folder, &found, "700")?;
        }
        refuse_if_open(&path, &file, "600")?;
        // An unparseable item counts as missing. The next login writes new items.
        Ok(decode::<Item>(&bytes).map(|item| item.secret))
    }

    fn put(&self, item: &str, _label: &str, secret: &Secret) -> Result<(), Error> {
        self.0.subdir("secrets")?;
        atomic::replace(&self.path(item), &encode(&Item { secret: secret.clone() }))
    }

    fn delete(&self, item: &str) -> Result<(), Error> {
        remove_unfinished(&self.path(item), Duration::ZERO);
        atomic::remove(&self.path(item))
    }

    fn word(&self) -> &'static str {
        "file"
    }
}

fn refuse_if_open(path: &Path, found: &Metadata, mode: &str) -> Result<(), Error> {
    if !is_open_to_others(path, found) {
        return Ok(());
    }
    Err(files::unsafe_path(
        path,
        tr!("can be read by other users"),
        tr!(
            "run '{command}', and log in again if others may have read it",
            command = command_to_close(path, mode)
        ),
    ))
}
