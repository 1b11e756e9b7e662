//! Secrets in plain files: 0600 in a 0700 folder, refused if others can read them. Only by `--secrets file`.

use super::SecretStore;
use crate::error::Error;
use crate::secret::Secret;
use crate::store::atomic;
use crate::store::private::{self, StateDir, failed};
use crate::store::records::{decode, encode};
use crate::words::t;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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
        refuse_if_open(&self.0.room_path("secrets"), "chmod 700")?;
        refuse_if_open(&path, "chmod 600")?;
        match private::read(&path) {
            Ok((bytes, _)) => match decode::<Item>(&bytes) {
                Some(item) => Ok(Some(item.secret)),
                None => Err(Error::Store {
                    action: "read",
                    what: path.display().to_string(),
                    problem: t!("it is not a secret that zoho-cred wrote"),
                }),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path, &error)),
        }
    }

    fn put(&self, item: &str, secret: &Secret) -> Result<(), Error> {
        self.0.room("secrets")?;
        atomic::replace(&self.path(item), &encode(&Item { secret: secret.clone() }))
    }

    fn delete(&self, item: &str) -> Result<(), Error> {
        atomic::remove(&self.path(item))
    }

    fn word(&self) -> &'static str {
        "file"
    }
}

fn refuse_if_open(path: &Path, command: &str) -> Result<(), Error> {
    match private::stat(path) {
        Some(found) if private::is_open_to_others(&found) && !found.is_symlink() => Err(Error::Unsafe {
            path: path.to_owned(),
            problem: t!("can be read by other users"),
            hint: t!(
                "run '{command} {path}', and log in again if others may have read it",
                command,
                path = path.display()
            ),
        }),
        _ => Ok(()),
    }
}
