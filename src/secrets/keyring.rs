//! Secrets in the system keyring: Secret Service, macOS Keychain or Windows Credential Manager.
//!
//! They have no timeout, and a locked keyring may wait for the user. So every call runs in a thread, which is
//! abandoned after the timeout.

use crate::error::{Code, Error};
use crate::i18n::{causes, humanize, language, speak, tr};
use crate::secret::Secret;
use crate::secrets::SecretStore;
use crate::system::{Env, System};
use keyring_core::api::CredentialStoreApi;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// The service name of our keyring items. The item's name is stored as the user name.
const SERVICE: &str = "zoho-cred";

/// An item that never exists. Looking it up shows whether the keyring responds.
const NO_ITEM: &str = "is-anybody-there";

/// Timeout if nobody can unlock the keyring.
const UNATTENDED: Duration = Duration::from_secs(2);

/// Timeout if a user may have to unlock the keyring.
const ATTENDED: Duration = Duration::from_secs(60);

/// Delay before the user is notified that the keyring is locked.
const NOTIFY_AFTER: Duration = Duration::from_secs(1);

/// How long a keyring call may take, and whether the user is told about the wait.
#[derive(Clone, Copy)]
pub(crate) struct KeyringTimeout<'a> {
    limit: Duration,
    notify: Option<&'a System>,
}

impl<'a> KeyringTimeout<'a> {
    /// Timeout of 2 s; prints nothing.
    pub(crate) fn unattended() -> KeyringTimeout<'static> {
        KeyringTimeout { limit: UNATTENDED, notify: None }
    }

    /// 60 s if stderr is a terminal, where the user may have to unlock the keyring, otherwise 2 s. A message follows
    /// after 1 s, unless `--quiet` is given.
    pub(crate) fn of(system: &'a System) -> KeyringTimeout<'a> {
        if !system.terminal.stderr {
            return KeyringTimeout::unattended();
        }
        KeyringTimeout { limit: ATTENDED, notify: (!system.terminal.quiet).then_some(system) }
    }

    /// Limits the timeout to `left`.
    pub(crate) fn within(self, left: Duration) -> Self {
        KeyringTimeout { limit: self.limit.min(left), ..self }
    }

    /// Whether a user at a terminal is told about waits.
    pub(crate) fn is_watched(&self) -> bool {
        self.notify.is_some()
    }

    fn notify(&self) {
        if let Some(system) = self.notify {
            system.say(&tr!("zoho-cred: waiting for the keyring to be unlocked"));
        }
    }
}

/// The D-Bus name of the error for a locked item.
#[cfg(target_os = "linux")]
const IS_LOCKED: &str = "org.freedesktop.Secret.Error.IsLocked";

/// Why a keyring call failed.
enum KeyringTrouble {
    /// No keyring service is running.
    NoService,
    /// It is locked.
    Locked,
    /// It has no default collection.
    NoCollection,
    /// It did not respond.
    Silent { waited: Duration },
    /// The secret is too long for it.
    TooLong,
    /// Anything else.
    Failed,
}

/// The keyring of the current user. It is opened by the first call.
pub(crate) struct KeyringSecrets<'a> {
    timeout: KeyringTimeout<'a>,
    /// Whether a call timed out. Later calls then fail at once.
    has_timed_out: Cell<bool>,
}

impl<'a> KeyringSecrets<'a> {
    pub(crate) fn new(timeout: KeyringTimeout<'a>) -> Self {
        KeyringSecrets { timeout, has_timed_out: Cell::new(false) }
    }

    /// `Code::Store` if no keyring responds.
    pub(crate) fn answers(&self) -> Result<(), Error> {
        self.get(NO_ITEM).map(|_| ())
    }

    fn call<T: Send + 'static>(
        &self,
        item: &str,
        act: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        if self.has_timed_out.get() {
            return Err(self.timed_out());
        }
        let (answer, answered) = mpsc::channel();
        let (item, language) = (item.to_owned(), language());
        let work = move || {
            let _speaking = speak(language);
            // Fails if the caller has timed out.
            let _ = answer.send(on_entry(&item, act));
        };
        let started = thread::Builder::new().name("keyring".into()).spawn(work);
        started.map_err(|error| failed(KeyringTrouble::Failed, causes::cause(&error)))?;
        let first = NOTIFY_AFTER.min(self.timeout.limit);
        let answer = answered.recv_timeout(first).or_else(|_| {
            self.timeout.notify();
            answered.recv_timeout(self.timeout.limit.saturating_sub(first))
        });
        answer.unwrap_or_else(|_| {
            self.has_timed_out.set(true);
            Err(self.timed_out())
        })
    }

    fn timed_out(&self) -> Error {
        failed(KeyringTrouble::Silent { waited: self.timeout.limit }, String::new())
    }
}

impl SecretStore for KeyringSecrets<'_> {
    fn get(&self, item: &str) -> Result<Option<Secret>, Error> {
        self.call(item, |entry| entry.get_password().map(Secret::new))
    }

    fn put(&self, item: &str, label: &str, secret: &Secret) -> Result<(), Error> {
        let (secret, label) = (secret.clone(), label.to_owned());
        let put = self.call(item, move |entry| {
            entry.set_password(secret.expose())?;
            set_label(entry, &label).unwrap_or_else(|error| log::warn!("no label was set: {error}"));
            Ok(())
        })?;
        put.ok_or_else(|| failed(KeyringTrouble::NoCollection, String::new()))
    }

    fn relabel(&self, item: &str, label: &str) -> Result<(), Error> {
        let label = label.to_owned();
        self.call(item, move |entry| set_label(entry, &label)).map(|_| ())
    }

    fn delete(&self, item: &str) -> Result<(), Error> {
        self.call(item, |entry| entry.delete_credential()).map(|_| ())
    }

    fn word(&self) -> &'static str {
        "keyring"
    }
}

/// Opens the keyring and runs `act` on an item. `None` if the keyring has no such item.
fn on_entry<T>(
    item: &str,
    act: impl FnOnce(&keyring_core::Entry) -> keyring_core::Result<T>,
) -> Result<Option<T>, Error> {
    let store = open().map_err(|error| failed(KeyringTrouble::NoService, text_of(&error)))?;
    let entry = store.build(SERVICE, item, modifiers().as_ref()).map_err(|error| classify(&error))?;
    match act(&entry) {
        Ok(value) => Ok(Some(value)),
        Err(keyring_core::Error::NoEntry) => Ok(None),
        Err(error) => Err(classify(&error)),
    }
}

/// On Windows, the items stay on this computer, as the login records do. By default, they would roam with the user.
fn modifiers() -> Option<HashMap<&'static str, &'static str>> {
    cfg!(windows).then(|| HashMap::from([("persistence", "Local")]))
}

/// Sets the text that the keyring's own program shows.
#[cfg(target_os = "linux")]
fn set_label(entry: &keyring_core::Entry, label: &str) -> keyring_core::Result<()> {
    let item = entry.as_any().downcast_ref::<zbus_secret_service_keyring_store::cred::Specifier>();
    item.map_or(Ok(()), |item| item.set_label(label))
}

/// Sets the comment of the credential, as Windows has no label.
#[cfg(windows)]
fn set_label(entry: &keyring_core::Entry, label: &str) -> keyring_core::Result<()> {
    entry.update_attributes(&HashMap::from([("comment", label)]))
}

/// The Keychain shows the service and the item's name, which says what the secret is.
#[cfg(not(any(target_os = "linux", windows)))]
fn set_label(_: &keyring_core::Entry, _: &str) -> keyring_core::Result<()> {
    Ok(())
}

/// Whether only the current session can reach the keyring: its D-Bus is not the one that systemd starts for the user,
/// which cron jobs and services find.
pub(crate) fn is_session_only(env: &Env) -> bool {
    let address = env.get("DBUS_SESSION_BUS_ADDRESS").unwrap_or_default();
    let is_of_the_user =
        address.split(['=', ',', ';']).any(|part| part.starts_with("/run/user/") && part.ends_with("/bus"));
    cfg!(target_os = "linux") && !address.is_empty() && !is_of_the_user
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

fn classify(error: &keyring_core::Error) -> Error {
    use keyring_core::Error::{NoStorageAccess, PlatformFailure};
    let trouble = match error {
        NoStorageAccess(inner) => trouble_of(&**inner).unwrap_or(KeyringTrouble::Locked),
        keyring_core::Error::TooLong(..) => KeyringTrouble::TooLong,
        PlatformFailure(inner) => trouble_of(&**inner).unwrap_or(KeyringTrouble::Failed),
        _ => KeyringTrouble::Failed,
    };
    failed(trouble, text_of(error))
}

/// What an error of the Secret Service means. Services disagree on how they report a locked collection.
#[cfg(target_os = "linux")]
fn trouble_of(error: &(dyn std::error::Error + 'static)) -> Option<KeyringTrouble> {
    use secret_service::Error as Service;
    match error.downcast_ref()? {
        Service::NoResult => Some(KeyringTrouble::NoCollection),
        Service::Locked | Service::Prompt | Service::PromptDisconnected => Some(KeyringTrouble::Locked),
        Service::Zbus(zbus::Error::MethodError(name, ..)) if *name == IS_LOCKED => {
            Some(KeyringTrouble::Locked)
        }
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn trouble_of(_: &(dyn std::error::Error + 'static)) -> Option<KeyringTrouble> {
    None
}

/// The error's text without a prefix. Two kinds may contain the secret's bytes and are not quoted.
fn text_of(error: &keyring_core::Error) -> String {
    match error {
        keyring_core::Error::BadEncoding(_) | keyring_core::Error::BadDataFormat(..) => {
            tr!("the item is not a text")
        }
        // These prefixes repeat the kind that our message states.
        other => causes::known(other).unwrap_or_else(|| {
            let text = other.to_string();
            lowercase_first(&text.replacen("Platform failure: ", "", 1).replacen("zbus error: ", "", 1))
        }),
    }
}

/// Lowercases the first letter for use within a message. Acronyms stay.
fn lowercase_first(text: &str) -> String {
    let mut chars = text.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

/// `problem` is what the keyring said, if anything.
fn failed(trouble: KeyringTrouble, problem: String) -> Error {
    let (message, first) = match trouble {
        KeyringTrouble::NoService => {
            (tr!("no keyring service can be reached"), tr!("start one in this session"))
        }
        KeyringTrouble::Locked => (tr!("the keyring is locked"), tr!("unlock it and try again")),
        KeyringTrouble::NoCollection => (
            tr!("the keyring has no default collection to keep secrets in"),
            tr!("create a default keyring in the desktop's password program"),
        ),
        KeyringTrouble::Silent { waited } => (
            tr!("the keyring did not answer within {time}", time = humanize(waited)),
            tr!("restart the keyring service or unlock it"),
        ),
        KeyringTrouble::TooLong => {
            let message = tr!("the secret is too long for the keyring");
            return Error::new(Code::Store, message, tr!("log in with --secrets file")).with_cause(problem);
        }
        KeyringTrouble::Failed => (tr!("the keyring failed"), tr!("try again")),
    };
    let hint =
        tr!("{first}; or log in with --secrets file, which keeps secrets in files of mode 0600", first);
    let error = Error::new(Code::Store, message, hint);
    if problem.is_empty() { error } else { error.with_cause(problem) }
}
