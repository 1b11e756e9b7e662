//! Time: the wall's, the machine's since boot, and a deadline for waiting.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since 1970, as the wall clock has it.
    pub wall_ms: i64,
    /// Milliseconds since boot, suspended time included. Nobody can set this one.
    pub boot_ms: i64,
}

impl Now {
    /// Wall time minus boot time: it falls when the clock is set back, and rises at a reboot.
    pub fn offset_ms(self) -> i64 {
        self.wall_ms - self.boot_ms
    }
}

/// The port to time.
pub trait Clock {
    /// Both clocks at this moment.
    fn now(&self) -> Now;
    /// A word that changes with every boot; empty where the system has none.
    fn boot_id(&self) -> String;
    /// Time since some fixed moment, never going backwards.
    fn monotonic(&self) -> Duration;
    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// The machine's clocks.
pub struct RealClock {
    start: Instant,
    /// It is asked for again and again in a refresh, and stays the same for as long as this process can live.
    boot_id: OnceCell<String>,
}

impl Default for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
    fn default() -> Self {
        RealClock { start: Instant::now(), boot_id: OnceCell::new() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
impl Clock for RealClock {
    fn now(&self) -> Now {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        Now { wall_ms, boot_ms: boot_ms().unwrap_or(wall_ms) }
    }

    fn boot_id(&self) -> String {
        let read = || {
            let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            id.trim().chars().take(13).collect()
        };
        self.boot_id.get_or_init(read).clone()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_ms() -> Option<i64> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(time.tv_sec * 1000 + time.tv_nsec / 1_000_000)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn boot_ms() -> Option<i64> {
    None
}

/// When a call must have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Duration,
}

impl Deadline {
    /// `timeout` from now.
    pub fn after(clock: &dyn Clock, timeout: Duration) -> Self {
        Deadline { at: clock.monotonic().saturating_add(timeout) }
    }

    /// What is left; zero once it has passed.
    pub fn remaining(&self, clock: &dyn Clock) -> Duration {
        self.at.saturating_sub(clock.monotonic())
    }
}
