//! Secrets in plain files: 0600 in a 0700 folder, refused if others can read them. Only by `--secrets file`.

use super::SecretStore;
use crate::error::Error;
use crate::secret::Secret;
use crate::store::atomic;
use crate::store::place::Place;
use crate::store::private::{StateDir, failed, is_open_to_others};
use crate::store::records::{decode, encode};
use crate::words::t;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The `secrets` folder in the state folder.
pub struct FileSecrets(StateDir);

#[derive(Serialize, Deserialize)]
struct Item {
    secret: Secret,
}

impl FileSecrets {
    /// The secrets in the state folder.
    pub fn new(state: &StateDir) -> Self {
        FileSecrets(state.clone())
    }

    fn path(&self, item: &str) -> PathBuf {
        self.0.room_path("secrets").join(format!("{item}.json"))
    }
}

impl SecretStore for FileSecrets {
    fn get(&self, item: &str) -> Result<Option<Secret>, Error> {
        self.0.check()?;
        let path = self.path(item);
        let read = || {
            let place = Place::at(&path)?;
            Ok::<_, std::io::Error>((place.room()?, place.read()?))
        };
        let (room, (bytes, file)) = match read() {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", &path, &error)),
        };
        refuse_if_open(&self.0.room_path("secrets"), &room, "chmod 700")?;
        refuse_if_open(&path, &file, "chmod 600")?;
        // Junk is a miss: a new login has new items.
        Ok(decode::<Item>(&bytes).map(|item| item.secret))
    }

    fn put(&self, item: &str, secret: &Secret) -> Result<(), Error> {
        self.0.room("secrets")?;
        atomic::replace(&self.path(item), &encode(&Item { secret: secret.clone() }))
    }

    fn delete(&self, item: &str) -> Result<(), Error> {
        atomic::remove_unfinished(&self.path(item), Duration::ZERO);
        atomic::remove(&self.path(item))
    }

    fn word(&self) -> &'static str {
        "file"
    }
}

fn refuse_if_open(path: &Path, found: &Metadata, command: &str) -> Result<(), Error> {
    match is_open_to_others(found) {
        true => Err(Error::Unsafe {
            path: path.to_owned(),
            problem: t!("can be read by other users"),
            hint: t!(
                "run '{command} {path}', and log in again if others may have read it",
                command,
                path = path.display()
            ),
        }),
        false => Ok(()),
    }
}
