//! Timestamps whose age is right even if the wall clock is changed.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Wall clock, in ms since 1970.
    pub wall_ms: i64,
    /// Boot clock, in ms since boot, including suspended time. It cannot be set.
    pub boot_ms: i64,
}

impl ClockReading {
    /// Wall time minus boot time. It falls when the wall clock is set back, and rises at a reboot.
    pub(crate) fn offset_ms(self) -> i64 {
        self.wall_ms - self.boot_ms
    }
}

/// How far wall time minus boot time may fall before the clock counts as set back, in ms.
pub(crate) const SET_BACK_MS: i64 = 60_000;
/// In ms. If the wall clock claims a greater age after a reboot, it is wrong.
const YEAR_MS: i64 = 365 * 86_400_000;

/// A point in time, by both clocks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// In ms since 1970.
    pub wall_ms: i64,
    /// In ms since the boot `boot_id`.
    pub boot_ms: i64,
    /// Empty if unknown.
    #[serde(default)]
    pub boot_id: String,
}

impl Timestamp {
    pub fn at(now: ClockReading, boot_id: String) -> Self {
        Timestamp { wall_ms: now.wall_ms, boot_ms: now.boot_ms, boot_id }
    }

    /// Milliseconds from `self` to `now`, at least 0: a time in the future counts as now.
    ///
    /// Within one boot, the boot clock decides. After a reboot the wall clock decides, with two exceptions. If it was
    /// set back, the boot clock decides. If it is ahead by a year or more, the age is the time since boot.
    pub(crate) fn age_ms(&self, now: &Timestamp) -> i64 {
        self.signed_age_ms(now).max(0)
    }

    /// Changes the boot time to `now`, so that the timestamp ages from now on. The wall time stays: if the wall clock
    /// is wrong today, it gives the right age after the next reboot.
    pub(crate) fn redated(&self, now: &Timestamp) -> Self {
        Timestamp { wall_ms: self.wall_ms, ..now.clone() }
    }

    /// Whether it is in the future by the clock that [`Timestamp::age_ms`] uses. Such a timestamp does not age until
    /// it is redated, see [`Ledger::without_future`](super::Ledger::without_future).
    pub(crate) fn is_future(&self, now: &Timestamp) -> bool {
        self.signed_age_ms(now) < 0
    }

    fn signed_age_ms(&self, now: &Timestamp) -> i64 {
        let by_wall = now.wall_ms.saturating_sub(self.wall_ms);
        let by_boot = now.boot_ms.saturating_sub(self.boot_ms);
        let offset_fell = by_boot.saturating_sub(by_wall) > SET_BACK_MS;
        let same_boot = !self.boot_id.is_empty() && self.boot_id == now.boot_id;
        let rebooted = !self.boot_id.is_empty() && !now.boot_id.is_empty() && !same_boot;
        match () {
            () if same_boot || offset_fell => by_boot,
            () if rebooted && by_wall > YEAR_MS => now.boot_ms,
            () => by_wall,
        }
    }

    /// The greater of the ages by both clocks, for pauses that Zoho does not require. Such a pause ends even if the
    /// boot clock stood still while the machine was paused. Budget and cooldown use [`Timestamp::age_ms`] instead,
    /// which setting the clock cannot increase.
    pub(crate) fn wait_age_ms(&self, now: &Timestamp) -> i64 {
        self.age_ms(now).max(now.wall_ms.saturating_sub(self.wall_ms))
    }

    /// The timestamp `ms` milliseconds later.
    pub fn later(self, ms: i64) -> Self {
        Timestamp {
            wall_ms: self.wall_ms.saturating_add(ms),
            boot_ms: self.boot_ms.saturating_add(ms),
            boot_id: self.boot_id,
        }
    }

    pub fn reading(&self) -> ClockReading {
        ClockReading { wall_ms: self.wall_ms, boot_ms: self.boot_ms }
    }
}

/// A duration in ms, capped far below overflow.
pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall_s: i64, boot_s: i64, boot_id: &str) -> Timestamp {
        Timestamp { wall_ms: wall_s * 1000, boot_ms: boot_s * 1000, boot_id: boot_id.into() }
    }

    #[test]
    fn an_age_is_right_whatever_happens_to_the_wall_clock() {
        let years = 29 * 365 * 86_400;
        for (boot, now, age_s, wait_s, what) in [
            ("a", moment(1_000_060, 560, "a"), 60, 60, "one boot"),
            ("a", moment(1_086_460, 560, "a"), 60, 86_460, "set forward a day, or paused"),
            ("a", moment(913_660, 560, "a"), 60, 60, "set back a day"),
            ("a", moment(999_990, 490, "a"), 0, 0, "the future counts as now"),
            ("a", moment(1_000_600, 20, "b"), 600, 600, "a reboot"),
            ("a", moment(1_000_000 + years, 20, "b"), 20, years, "a reboot with a clock years ahead"),
            ("a", moment(32_449_600, 20, "b"), 364 * 86_400, 364 * 86_400, "a reboot after 364 days"),
            ("", moment(1_000_100, 530, ""), 100, 100, "without boot ids: set forward, or another boot"),
            ("", moment(1_000_040, 600, ""), 40, 40, "without boot ids: set back by a minute"),
            ("", moment(1_000_039, 600, ""), 100, 100, "without boot ids: set back by more"),
        ] {
            let then = moment(1_000_000, 500, boot);
            assert_eq!((then.age_ms(&now), then.wait_age_ms(&now)), (age_s * 1000, wait_s * 1000), "{what}");
        }
    }

    /// The clock starts half an hour behind or in 2000, and is right after the next reboot.
    #[test]
    fn a_redated_moment_keeps_its_wall_time() {
        let then = moment(1_000_000_000, 500, "a");
        for wrong in [1_000_000_060 - 1800, 5_000] {
            let now = moment(wrong, 20, "b");
            assert!(then.is_future(&now));
            let redated = then.redated(&now);
            assert_eq!(redated.age_ms(&moment(wrong + 30, 50, "b")), 30_000);
            assert_eq!(redated.age_ms(&moment(1_000_000_120, 80, "b")), 60_000, "set right within the boot");
            assert_eq!(redated.age_ms(&moment(1_000_000_120, 10, "c")), 120_000, "right after a reboot");
        }
    }
}
