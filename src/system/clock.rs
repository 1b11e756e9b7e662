//! Wall clock, boot clock and deadlines.

use crate::model::{ClockReading, Timestamp};
use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// Port to the clocks.
pub trait Clock {
    /// Reads both clocks.
    fn now(&self) -> ClockReading;
    /// An id that changes with every boot. Empty if the system has none.
    fn boot_id(&self) -> String;
    /// Reads both clocks, with the boot id.
    fn timestamp(&self) -> Timestamp {
        Timestamp::at(self.now(), self.boot_id())
    }
    /// Time since a fixed moment. It never goes backwards.
    fn monotonic(&self) -> Duration;
    /// Sleeps for `duration`.
    fn sleep(&self, duration: Duration);
    /// Sleeps for `duration`, or until `is_over`. A clock whose sleeps take no time need not ask.
    fn sleep_unless(&self, duration: Duration, _is_over: &dyn Fn() -> bool) {
        self.sleep(duration);
    }
}

/// How often [`RealClock::sleep_unless`] asks.
const POLL: Duration = Duration::from_millis(200);

/// The machine's clocks.
pub struct RealClock {
    start: Instant,
    /// Constant for the lifetime of this process, and read repeatedly during a refresh.
    boot_id: OnceCell<String>,
    /// Offset of the boot clock in a time namespace.
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

    fn sleep_unless(&self, duration: Duration, is_over: &dyn Fn() -> bool) {
        let mut left = duration;
        while !left.is_zero() && !is_over() {
            let part = left.min(POLL);
            self.sleep(part);
            left -= part;
        }
    }
}

/// Offset of the boot clock in a time namespace (time_namespaces(7)), in ms, from `/proc/self/timens_offsets`.
/// Without it, all containers on a machine read the same boot clock.
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

/// When a call must end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Duration,
}

impl Deadline {
    pub(crate) fn after(clock: &dyn Clock, timeout: Duration) -> Self {
        Deadline { at: clock.monotonic().saturating_add(timeout) }
    }

    /// Zero after the deadline.
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
