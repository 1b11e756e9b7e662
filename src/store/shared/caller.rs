//! One call at the shared store.

use crate::model::CredentialId;
use crate::store::shared::settings::SharedSettings;
use crate::system::{Clock, Deadline};
use std::cell::Cell;
use std::time::Duration;

/// The longest time for an operation.
pub(super) const MAX_TIMEOUT: Duration = Duration::from_secs(3);
/// Minimum time for an operation. Sockets take 0 for no limit.
const MIN_TIMEOUT: Duration = Duration::from_millis(50);
/// How long all work after an answer may outlast the caller's time.
const AFTERMATH: Duration = Duration::from_millis(600);

/// Who asks the shared store, for which credential, and for how long.
pub(super) struct Caller {
    pub(super) settings: SharedSettings,
    pub(super) credential: CredentialId,
    pub(super) owner: String,
    /// When the caller's time is over, and when the work after an answer must be.
    pub(super) until: Cell<Option<(Deadline, Deadline)>>,
}

impl Caller {
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.settings.clock
    }

    /// Limits the caller's time to `left`.
    pub(super) fn bound(&self, left: Duration) {
        let after = |left| Deadline::after(self.clock(), left);
        self.until.set(Some((after(left), after(left + AFTERMATH))));
    }

    /// What is left of the caller's time, at most `limit`.
    pub(super) fn within(&self, limit: Duration) -> Duration {
        self.left(self.until.get().map(|(until, _)| until), limit)
    }

    /// The time for an operation after an answer, at most `limit`.
    pub(super) fn aftermath(&self, limit: Duration) -> Duration {
        self.left(self.until.get().map(|(_, aftermath)| aftermath), limit)
    }

    fn left(&self, until: Option<Deadline>, limit: Duration) -> Duration {
        until.map_or(limit, |until| until.remaining(self.clock()).min(limit)).max(MIN_TIMEOUT)
    }
}
