//! SIGINT and SIGTERM: they end the call at once, except while an answer is being committed.

use crate::error::Error;
use crate::system::Clock;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// How often [`Signals::wait`] looks whether a signal came.
const SIGNAL_POLL: Duration = Duration::from_millis(200);

/// The handler's flags. Until [`Signals::install`] the system's default action stands.
#[derive(Clone, Default)]
pub struct Signals {
    installed: Arc<AtomicBool>,
    armed: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
}

impl Signals {
    /// From now on a signal ends the process with 130 or 143. Failing to register leaves the default action.
    pub fn install(&self) {
        self.armed.store(true, Ordering::SeqCst);
        if self.installed.swap(true, Ordering::SeqCst) {
            return;
        }
        for signal in [SIGINT, SIGTERM] {
            let code = 128 + signal;
            let armed = Arc::clone(&self.armed);
            let registered =
                signal_hook::flag::register_conditional_shutdown(signal, code, armed).and_then(|_| {
                    signal_hook::flag::register_usize(signal, Arc::clone(&self.seen), signal as usize)
                });
            if let Err(error) = registered {
                log::debug!("signal {signal} keeps its default action: {error}");
            }
        }
    }

    /// From now on a signal waits for [`Signals::release`].
    pub fn hold(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Lets signals through again; one that came meanwhile is [`Error::Interrupted`].
    pub fn release(&self) -> Result<(), Error> {
        self.armed.store(true, Ordering::SeqCst);
        self.check()
    }

    /// Sleeps for `time`. A signal ends the sleep within 200 ms as [`Error::Interrupted`] instead of ending the process, so
    /// that the caller can clean up a terminal.
    pub fn wait(&self, clock: &dyn Clock, time: Duration) -> Result<(), Error> {
        self.hold();
        let mut left = time;
        while !left.is_zero() && self.check().is_ok() {
            let part = left.min(SIGNAL_POLL);
            clock.sleep(part);
            left -= part;
        }
        self.release()
    }

    /// Runs `act`, which asks [`Signals::check`] and ends early where a signal came; that is then [`Error::Interrupted`],
    /// unless the caller holds signals itself.
    pub(crate) fn while_checked<T>(&self, act: impl FnOnce() -> T) -> Result<T, Error> {
        if !self.installed.load(Ordering::SeqCst) {
            self.install();
        }
        let was_armed = self.armed.swap(false, Ordering::SeqCst);
        let done = act();
        match was_armed {
            true => self.release().map(|()| done),
            false => Ok(done),
        }
    }

    /// Acts as if the signal had come while it was held.
    pub fn raise(&self, signal: u8) {
        self.seen.store(signal.into(), Ordering::SeqCst);
    }

    /// [`Error::Interrupted`] if a signal came while it was held.
    pub fn check(&self) -> Result<(), Error> {
        match self.seen.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Error::Interrupted { signal: signal as u8 }),
        }
    }
}
