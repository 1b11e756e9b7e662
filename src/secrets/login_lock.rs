//! Serializes logins and logouts. Otherwise two at once could overwrite each other's changes to the config file, or
//! delete secrets that were just stored.

use crate::config::ConfigFile;
use crate::error::{Code, Error};
use crate::i18n::{humanize, tr};
use crate::store::{FileLock, StateDir};
use crate::system::{Clock, Deadline};
use std::time::Duration;

/// Longer than a logout's request to the revoke endpoint.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// The lock for login records and the config file. Its holder must not wait for the lock of a credential, because a
/// logout acquires that one first.
pub struct LoginLock {
    /// The config file, read under the lock.
    pub config: ConfigFile,
    _lock: FileLock,
}

impl LoginLock {
    /// Waits up to 30 s for the lock, then reloads the config file `before`. Errors: `Code::Busy` on
    /// timeout.
    pub fn take(clock: &dyn Clock, state: &StateDir, before: &ConfigFile) -> Result<Self, Error> {
        let lock = lock_logins(clock, state, TIMEOUT)?;
        // If it was broken meanwhile, use the old one: the tokens that Zoho granted must not be lost.
        let config = before.reload().unwrap_or_else(|_| before.clone());
        Ok(LoginLock { config, _lock: lock })
    }
}

/// Waits up to `timeout` for the lock for login records alone.
pub(crate) fn lock_logins(clock: &dyn Clock, state: &StateDir, timeout: Duration) -> Result<FileLock, Error> {
    let path = state.subdir("locks")?.join("logins.lock");
    let deadline = Deadline::after(clock, timeout);
    loop {
        if let Some(lock) = FileLock::try_take(&path)? {
            return Ok(lock);
        }
        if deadline.remaining(clock).is_zero() {
            let message =
                tr!("another login or logout is still running after {time}", time = humanize(timeout));
            let hint = tr!("wait for it or stop it, then run this command again; nothing was changed");
            return Err(Error::new(Code::Busy, message, hint).with_retry_after(Duration::from_secs(1)));
        }
        clock.sleep(PAUSE);
    }
}
