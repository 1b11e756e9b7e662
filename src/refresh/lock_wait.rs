//! The one function that waits for a credential's lock.

use crate::error::{Code, Error};
use crate::i18n::{humanize, tr};
use crate::refresh::ports::WaitEvent;
use crate::store::{Holder, Locked, Store};
use crate::system::{Clock, Deadline};
use std::convert::Infallible;
use std::time::Duration;

/// How long a caller waits before a person is told.
const NOTICEABLE: Duration = Duration::from_secs(1);

/// How a wait for the lock ended.
pub(crate) enum LockOutcome<'s, T> {
    /// With the lock.
    Locked(Box<dyn Locked + 's>),
    /// Without the lock, because it is no longer needed.
    Served(T),
}

/// A wait for the lock of `store`.
pub(crate) struct LockWait<'a, 's> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) store: &'s dyn Store,
    /// Whether the lock is for a request. Otherwise it need not include machines that cannot be reached.
    pub(crate) scope: LockScope,
    pub(crate) deadline: &'a Deadline,
    /// How long a shared store that cannot be reached is tried again.
    pub(crate) outage: Duration,
    /// Called when the wait becomes noticeable, and when it is over.
    pub(crate) notify: &'a dyn Fn(WaitEvent),
}

/// Which machines a lock excludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockScope {
    /// All that share the store.
    AllMachines,
    /// This one, and the others only if they can be reached.
    ThisMachine,
}

impl<'s> LockWait<'_, 's> {
    /// Tries the lock until it is free, `served` returns a value, or the time is over. `served` is called after each try
    /// that failed. When the time is over the error is `Code::Busy`.
    pub(crate) fn run<T, E: From<Error>>(
        &self,
        mut served: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<LockOutcome<'s, T>, E> {
        let begun = self.clock.monotonic();
        let mut notifier = WaitNotifier { notify: self.notify, notified: false };
        let mut attempt = 0;
        loop {
            self.store.bound(self.deadline.remaining(self.clock));
            let tried = match self.scope {
                LockScope::AllMachines => self.store.try_lock(),
                LockScope::ThisMachine => self.store.try_lock_local(),
            };
            let waited = self.clock.monotonic().saturating_sub(begun);
            let outage = match tried {
                Ok(Some(locked)) => return Ok(LockOutcome::Locked(locked)),
                Ok(None) => None,
                Err(error) if error.code() == Code::Unavailable && waited < self.outage => Some(error),
                Err(error) => return Err(error.into()),
            };
            if let Some(value) = served()? {
                return Ok(LockOutcome::Served(value));
            }
            let left = self.deadline.remaining(self.clock);
            if left.is_zero() {
                return Err(outage.unwrap_or_else(|| busy(waited, self.store)).into());
            }
            if waited >= NOTICEABLE {
                notifier.notify(|| match outage {
                    Some(_) => WaitEvent::ForStore,
                    None => WaitEvent::For(self.store.holder()),
                });
            }
            self.clock.sleep(self.store.pause(attempt).min(left));
            attempt += 1;
        }
    }
}

/// Takes the lock for a change that sends no token request.
pub(crate) fn lock_this_machine<'s>(
    clock: &dyn Clock,
    store: &'s dyn Store,
    timeout: Duration,
) -> Result<Box<dyn Locked + 's>, Error> {
    let deadline = Deadline::after(clock, timeout);
    let wait = LockWait {
        clock,
        store,
        scope: LockScope::ThisMachine,
        deadline: &deadline,
        outage: Duration::ZERO,
        notify: &|_| {},
    };
    match wait.run(|| Ok::<Option<Infallible>, Error>(None))? {
        LockOutcome::Locked(locked) => Ok(locked),
        LockOutcome::Served(never) => match never {},
    }
}

/// Tells a person once that the call waits, and that the wait is over, however it ends.
struct WaitNotifier<'a> {
    notify: &'a dyn Fn(WaitEvent),
    notified: bool,
}

impl WaitNotifier<'_> {
    fn notify(&mut self, event: impl FnOnce() -> WaitEvent) {
        if !self.notified {
            self.notified = true;
            (self.notify)(event());
        }
    }
}

impl Drop for WaitNotifier<'_> {
    fn drop(&mut self) {
        if self.notified {
            (self.notify)(WaitEvent::Over);
        }
    }
}

fn busy(waited: Duration, store: &dyn Store) -> Error {
    let error = Error::new(
        Code::Busy,
        tr!("another process held the lock for {time}", time = humanize(waited)),
        tr!("try again, or give a longer --timeout"),
    )
    .with_retry_after(Duration::from_secs(1));
    match store.holder().and_then(Holder::pid) {
        Some(pid) => error.with_cause(tr!("process {pid} is refreshing the token", pid)),
        None => error,
    }
}
