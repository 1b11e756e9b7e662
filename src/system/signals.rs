//! SIGINT and SIGTERM end the call at once, except while a token response is being saved.

use crate::error::Error;
use crate::system::Clock;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The handler's flags. Before [`Signals::install`], signals have their default action.
#[derive(Clone, Default)]
pub struct Signals {
    installed: Arc<AtomicBool>,
    armed: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
}

impl Signals {
    /// Makes signals end the process with 130 or 143. If that fails, the default action stays.
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

    /// Defers signals until [`Signals::release`].
    pub fn hold(&self) {
        self.armed.store(false, Ordering::SeqCst);
    }

    /// Stops deferring signals. `Code::Interrupted` if one arrived meanwhile.
    pub fn release(&self) -> Result<(), Error> {
        self.armed.store(true, Ordering::SeqCst);
        self.check()
    }

    /// Sleeps for `time`. A signal ends the sleep within 200 ms with `Code::Interrupted` and not the process, so
    /// that the caller can restore a terminal.
    pub fn wait(&self, clock: &dyn Clock, time: Duration) -> Result<(), Error> {
        self.hold();
        clock.sleep_unless(time, &|| self.check().is_err());
        self.release()
    }

    /// Runs `act`, which calls [`Signals::check`] and returns early after a signal. Returns `Code::Interrupted`
    /// after a signal, unless the caller defers signals itself.
    pub(crate) fn while_checked<T>(&self, act: impl FnOnce() -> T) -> Result<T, Error> {
        if !self.installed.load(Ordering::SeqCst) {
            self.install();
        }
        let was_armed = self.armed.swap(false, Ordering::SeqCst);
        let done = act();
        if was_armed {
            self.release()?;
        }
        Ok(done)
    }

    /// Simulates a signal.
    pub fn raise(&self, signal: u8) {
        self.seen.store(signal.into(), Ordering::SeqCst);
    }

    /// `Code::Interrupted` if a signal arrived while deferred.
    pub fn check(&self) -> Result<(), Error> {
        match self.seen.load(Ordering::SeqCst) {
            0 => Ok(()),
            signal => Err(Error::interrupted(signal as u8)),
        }
    }
}
