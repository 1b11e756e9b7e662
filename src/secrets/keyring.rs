//! Secrets in the system's keyring: Secret Service, macOS Keychain or Windows Credential Manager.
//!
//! None of them has a time-out of its own, and a locked one may wait for a person. So every call runs in a thread
//! of its own, and is left behind when its time is up.

use crate::error::{Error, KeyringTrouble};
use crate::i18n::{language, speak, tr};
use crate::secret::Secret;
use crate::secrets::SecretStore;
use crate::system::System;
use keyring_core::api::CredentialStoreApi;
use std::cell::Cell;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// The name that all our items bear in the keyring; an item's own name stands where a user's would.
const SERVICE: &str = "zoho-cred";

/// An item that is never there: looking for it shows whether the keyring answers.
const NO_ITEM: &str = "is-anybody-there";

/// For a call that nobody can help along.
const UNATTENDED: Duration = Duration::from_secs(2);

/// For a call that may have to wait until a person has unlocked the keyring.
const ATTENDED: Duration = Duration::from_secs(60);

/// How long a person waits before being told what for.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// How long a call to the keyring may take, and who is told that it waits.
#[derive(Clone, Copy)]
pub(crate) struct KeyringTimeout<'a> {
    limit: Duration,
    told: Option<&'a System>,
}

impl<'a> KeyringTimeout<'a> {
    /// Two seconds, and not a word.
    pub(crate) fn unattended() -> KeyringTimeout<'static> {
        KeyringTimeout { limit: UNATTENDED, told: None }
    }

    /// A minute where someone at a terminal may have to unlock the keyring; they are told after a second of it,
    /// unless the call is to be quiet. Without a terminal, two seconds.
    pub(crate) fn of(system: &'a System, quiet: bool) -> KeyringTimeout<'a> {
        match system.terminal.stderr {
            true => KeyringTimeout { limit: ATTENDED, told: (!quiet).then_some(system) },
            false => KeyringTimeout::unattended(),
        }
    }

    /// The same, but no longer than `left`.
    pub(crate) fn within(self, left: Duration) -> Self {
        KeyringTimeout { limit: self.limit.min(left), ..self }
    }

    /// Whether somebody at a terminal looks on, who may be told of what goes on.
    pub(crate) fn is_watched(&self) -> bool {
        self.told.is_some()
    }

    fn tell(&self) {
        if let Some(system) = self.told {
            system.say(&tr!("zoho-cred: waiting for the keyring to be unlocked"));
        }
    }
}

/// The keyring of the user that this process runs as. Nothing is opened until the first call.
pub(crate) struct KeyringSecrets<'a> {
    patience: KeyringTimeout<'a>,
    /// Whether it left a call unanswered, so that the next ones need not wait as long again.
    silent: Cell<bool>,
}

impl<'a> KeyringSecrets<'a> {
    /// The keyring, with so much patience for each call.
    pub(crate) fn new(patience: KeyringTimeout<'a>) -> Self {
        KeyringSecrets { patience, silent: Cell::new(false) }
    }

    /// Whether a keyring answers at all; [`Error::Keyring`] says why not, and names `--secrets file`.
    pub(crate) fn answers(&self) -> Result<(), Error> {
        self.get(NO_ITEM).map(|_| ())
    }

    fn call<T: Send + 'static>(
        &self,
        item: &str,
        act: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        if self.silent.get() {
            return Err(self.silence());
        }
        let (answer, answered) = mpsc::channel();
        let (item, language) = (item.to_owned(), language());
        let work = move || {
            let _speaking = speak(language);
            // Nobody listens any more where the time was up.
            let _ = answer.send(on_entry(&item, act));
        };
        let begun = thread::Builder::new().name("keyring".into()).spawn(work);
        begun.map_err(|error| trouble(KeyringTrouble::Failed, error.to_string()))?;
        let first = TELL_AFTER.min(self.patience.limit);
        let answer = answered.recv_timeout(first).or_else(|_| {
            self.patience.tell();
            answered.recv_timeout(self.patience.limit.saturating_sub(first))
        });
        answer.unwrap_or_else(|_| {
            self.silent.set(true);
            Err(self.silence())
        })
    }

    fn silence(&self) -> Error {
        trouble(KeyringTrouble::Silent { waited: self.patience.limit }, String::new())
    }
}

impl SecretStore for KeyringSecrets<'_> {
    fn get(&self, item: &str) -> Result<Option<Secret>, Error> {
        self.call(item, |entry| entry.get_password().map(Secret::new))
    }

    fn put(&self, item: &str, secret: &Secret) -> Result<(), Error> {
        let secret = secret.clone();
        let put = self.call(item, move |entry| entry.set_password(secret.expose()))?;
        put.ok_or_else(|| trouble(KeyringTrouble::NoCollection, String::new()))
    }

    fn delete(&self, item: &str) -> Result<(), Error> {
        self.call(item, |entry| entry.delete_credential()).map(|_| ())
    }

    fn word(&self) -> &'static str {
        "keyring"
    }
}

/// Opens the keyring and does something to an item; `None` where the keyring has no such item.
fn on_entry<T>(
    item: &str,
    act: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T>,
) -> Result<Option<T>, Error> {
    let store = open().map_err(|error| trouble(KeyringTrouble::NoService, words(&error)))?;
    let entry = store.build(SERVICE, item, None).map_err(|error| understood(&error))?;
    match act(&entry) {
        Ok(value) => Ok(Some(value)),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(understood(&error)),
    }
}

#[cfg(target_os = "linux")]
fn open() -> keyring_core::Result<Arc<dyn CredentialStoreApi>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn open() -> keyring_core::Result<Arc<dyn CredentialStoreApi>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn open() -> keyring_core::Result<Arc<dyn CredentialStoreApi>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn open() -> keyring_core::Result<Arc<dyn CredentialStoreApi>> {
    Err(keyring_core::Error::NoDefaultStore)
}

/// What a failure of an open keyring means. The stores tell some apart in their words only.
fn understood(error: &keyring_core::Error) -> Error {
    let said = words(error);
    let kind = match error {
        keyring_core::Error::NoStorageAccess(_) if said.contains("result not returned") => {
            KeyringTrouble::NoCollection
        }
        keyring_core::Error::NoStorageAccess(_) => KeyringTrouble::Locked,
        _ if said.contains("IsLocked") || said.contains("prompt") => KeyringTrouble::Locked,
        _ => KeyringTrouble::Failed,
    };
    trouble(kind, said)
}

/// The store's own words. Two kinds of error could hold a secret's bytes, and are not quoted.
fn words(error: &keyring_core::Error) -> String {
    match error {
        keyring_core::Error::BadEncoding(_) | keyring_core::Error::BadDataFormat(..) => {
            tr!("the item is not a text")
        }
        // Their names for the kind of failure say nothing that ours does not.
        other => {
            small(&other.to_string().replacen("Platform failure: ", "", 1).replacen("zbus error: ", "", 1))
        }
    }
}

/// `text` as a part of our lines, which begin with a small letter; a name in capitals stays.
fn small(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn trouble(trouble: KeyringTrouble, problem: String) -> Error {
    Error::Keyring { trouble, problem }
}
