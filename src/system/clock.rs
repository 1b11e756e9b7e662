//! Time: the wall's, the machine's since boot, and a deadline for waiting.

use crate::model::{ClockReading, Timestamp};
use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// The port to time.
pub trait Clock {
    /// Both clocks at this moment.
    fn now(&self) -> ClockReading;
    /// A word that changes with every boot; empty where the system has none.
    fn boot_id(&self) -> String;
    /// Both clocks at this moment, with the boot they belong to.
    fn timestamp(&self) -> Timestamp {
        Timestamp::at(self.now(), self.boot_id())
    }
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
    /// How far a time namespace sets the boot clock forward.
    namespace_ms: OnceCell<i64>,
}

impl Default for RealClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
    fn default() -> Self {
        RealClock { start: Instant::now(), boot_id: OnceCell::new(), namespace_ms: OnceCell::new() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
impl Clock for RealClock {
    fn now(&self) -> ClockReading {
        let since_epoch =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let wall_ms = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
        let namespace_ms = *self.namespace_ms.get_or_init(|| {
            let offsets = std::fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
            namespace_offset_ms(&offsets)
        });
        ClockReading { wall_ms, boot_ms: boot_ms().map_or(wall_ms, |ms| ms.saturating_sub(namespace_ms)) }
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

/// By how much a time namespace (time_namespaces(7)) sets the boot clock forward, in ms, from the text of
/// `/proc/self/timens_offsets`. Taken off again, the boot clock is the machine's own, the same in every container.
fn namespace_offset_ms(offsets: &str) -> i64 {
    let boottime = offsets.lines().find_map(|line| line.trim().strip_prefix("boottime"));
    let mut parts =
        boottime.unwrap_or_default().split_whitespace().map(|part| part.parse::<i64>().unwrap_or(0));
    let (seconds, ns) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    seconds.saturating_mul(1000).saturating_add(ns / 1_000_000)
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
pub(crate) struct Deadline {
    at: Duration,
}

impl Deadline {
    /// `timeout` from now.
    pub(crate) fn after(clock: &dyn Clock, timeout: Duration) -> Self {
        Deadline { at: clock.monotonic().saturating_add(timeout) }
    }

    /// What is left; zero once it has passed.
    pub(crate) fn remaining(&self, clock: &dyn Clock) -> Duration {
        self.at.saturating_sub(clock.monotonic())
    }
}

#[cfg(test)]
mod tests {
    use super::namespace_offset_ms;

    #[test]
    fn the_offset_of_a_time_namespace_is_read() {
        let of = |boottime: &str| {
            namespace_offset_ms(&format!("monotonic           7         0\nboottime   {boottime}\n"))
        };
        assert_eq!(of("        0         0"), 0);
        assert_eq!(of("    86400         0"), 86_400_000);
        assert_eq!(of("       -1 500000000"), -500);
        assert_eq!((namespace_offset_ms(""), of(""), of("x y")), (0, 0, 0));
    }
}
