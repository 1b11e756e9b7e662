//! Logins and logouts change what profiles point to, one after the other: of two at once, the second would write the
//! config file as it was before the first, or forget what the first has just stored.

use crate::config::ConfigFile;
use crate::error::Error;
use crate::store::{FileLock, StateDir};
use crate::system::{Clock, Deadline};
use std::time::Duration;

/// A logout may be waiting for the revoke endpoint, for 10 s.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long to wait before the next look.
const PAUSE: Duration = Duration::from_millis(20);

/// The right to change records of logins and the config file, until it is dropped. Whoever holds it may not wait for
/// the lock of a credential: a logout takes that one first.
pub struct LoginLock {
    /// The config file as it is now.
    pub config: ConfigFile,
    _lock: FileLock,
}

impl LoginLock {
    /// Waits until it is our turn, and reads the config file again, which was `before`; [`Error::LoginUnderWay`] after 30 s.
    pub fn take(clock: &dyn Clock, state: &StateDir, before: &ConfigFile) -> Result<Self, Error> {
        let path = state.subdir("locks")?.join("logins.lock");
        let deadline = Deadline::after(clock, TIMEOUT);
        let lock = loop {
            if let Some(lock) = FileLock::try_take(&path)? {
                break lock;
            }
            if deadline.remaining(clock).is_zero() {
                return Err(Error::LoginUnderWay { waited: TIMEOUT });
            }
            clock.sleep(PAUSE);
        };
        // One that was broken meanwhile must not cost what Zoho has granted.
        let config = before.reload().unwrap_or_else(|_| before.clone());
        Ok(LoginLock { config, _lock: lock })
    }
}
