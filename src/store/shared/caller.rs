//! One call at the shared store.

use crate::error::Error;
use crate::model::CredentialId;
use crate::store::shared::seal::Keys;
use crate::store::shared::settings::SharedSettings;
use crate::system::{Clock, Deadline};
use std::cell::Cell;
use std::time::Duration;

/// The longest time for an operation.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(3);
/// Minimum time for an operation. Sockets take 0 for no limit.
const MIN_TIMEOUT: Duration = Duration::from_millis(50);

/// Who asks the shared store, for which credential, and for how long.
pub(super) struct Caller {
    pub(super) settings: SharedSettings,
    pub(super) credential: CredentialId,
    /// Owns the lease.
    pub(super) owner: String,
    /// When the caller's time is over.
    pub(super) until: Cell<Option<Deadline>>,
}

impl Caller {
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.settings.clock
    }

    /// The keys that seal tokens. Their files are read again.
    pub(super) fn keys(&self) -> Result<Keys, Error> {
        self.settings.keys()
    }

    /// What is left of the caller's time, at most `limit`.
    pub(super) fn within(&self, limit: Duration) -> Duration {
        self.until.get().map_or(limit, |until| until.remaining(self.clock()).min(limit)).max(MIN_TIMEOUT)
    }
}
