//! A moment that can be aged although somebody moves the clock.

use serde::{Deserialize, Serialize};

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// Milliseconds since 1970, as the wall clock has it.
    pub wall_ms: i64,
    /// Milliseconds since boot, suspended time included. Nobody can set this one.
    pub boot_ms: i64,
}

impl ClockReading {
    /// Wall time minus boot time: it falls when the clock is set back, and rises at a reboot.
    pub(crate) fn offset_ms(self) -> i64 {
        self.wall_ms - self.boot_ms
    }
}

/// How far wall time minus boot time may fall before the clock counts as set back, in ms.
pub(crate) const SET_BACK_MS: i64 = 60_000;
/// No state is this old, in ms: a clock that says so after a reboot is wrong.
const YEAR_MS: i64 = 365 * 86_400_000;

/// A moment as files keep it: by both clocks, and by which boot the second one counts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timestamp {
    /// Milliseconds since 1970.
    pub wall_ms: i64,
    /// Milliseconds since boot.
    pub boot_ms: i64,
    /// The boot; empty where it is not known.
    #[serde(default)]
    pub boot_id: String,
}

impl Timestamp {
    /// The moment of a reading.
    pub fn at(now: ClockReading, boot_id: String) -> Self {
        Timestamp { wall_ms: now.wall_ms, boot_ms: now.boot_ms, boot_id }
    }

    /// Milliseconds from `self` to `now`, never below nought: a moment in the future counts as now.
    ///
    /// Within one boot the boot clock decides, which nobody can set. Else the wall clock does, unless it was set
    /// back since; then the boot clock is the lesser evil. After a reboot with a clock that is ahead by a year or
    /// more, the moment is as old as this boot, which it came before.
    pub(crate) fn age_ms(&self, now: &Timestamp) -> i64 {
        self.signed_age_ms(now).max(0)
    }

    /// The same moment dated `now` by the boot clock, so that it ages from now on. Its wall time stays as recorded:
    /// if today's clock is the wrong one, only the recorded time is right after the next reboot.
    pub(crate) fn redated(&self, now: &Timestamp) -> Self {
        Timestamp { wall_ms: self.wall_ms, ..now.clone() }
    }

    /// Whether it lies in the future, by the clock that [`Timestamp::age_ms`] goes by. Until it has come, it stays as
    /// young as now, so it has to be dated anew: see [`Ledger::without_future`](super::Ledger::without_future).
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

    /// The same for what makes callers wait although Zoho would let them ask: by whichever clock more time has passed.
    /// After a pause of the whole machine that its boot clock did not count, such a wait is over; budget and
    /// cool-down are not, as they keep to Zoho's limit whoever sets the clock.
    pub(crate) fn wait_age_ms(&self, now: &Timestamp) -> i64 {
        self.age_ms(now).max(now.wall_ms.saturating_sub(self.wall_ms))
    }

    /// The moment `ms` milliseconds later.
    pub fn later(self, ms: i64) -> Self {
        Timestamp {
            wall_ms: self.wall_ms.saturating_add(ms),
            boot_ms: self.boot_ms.saturating_add(ms),
            boot_id: self.boot_id,
        }
    }

    /// Both clocks as they were read.
    pub fn reading(&self) -> ClockReading {
        ClockReading { wall_ms: self.wall_ms, boot_ms: self.boot_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(wall_s: i64, boot_s: i64, boot_id: &str) -> Timestamp {
        Timestamp { wall_ms: wall_s * 1000, boot_ms: boot_s * 1000, boot_id: boot_id.into() }
    }

    #[test]
    fn a_moved_clock_does_not_age_anything() {
        let then = moment(1_000_000, 500, "a");
        assert_eq!(then.age_ms(&moment(1_000_060, 560, "a")), 60_000);
        assert_eq!(then.age_ms(&moment(1_086_460, 560, "a")), 60_000, "set forward a day");
        assert_eq!(then.age_ms(&moment(913_660, 560, "a")), 60_000, "set back a day");
    }

    #[test]
    fn a_wait_ends_by_whichever_clock_says_so_first() {
        let then = moment(1_000_000, 500, "a");
        assert_eq!(then.wait_age_ms(&moment(1_000_660, 560, "a")), 660_000, "set forward, or paused");
        assert_eq!(then.wait_age_ms(&moment(913_660, 560, "a")), 60_000, "set back a day");
        assert_eq!(then.wait_age_ms(&moment(999_990, 490, "a")), 0);
    }

    #[test]
    fn after_a_reboot_the_wall_clock_decides() {
        let then = moment(1_000_000, 500, "a");
        assert_eq!(then.age_ms(&moment(1_000_600, 20, "b")), 600_000);
    }

    #[test]
    fn after_a_reboot_with_a_clock_years_ahead_a_moment_is_as_old_as_the_boot() {
        let (then, years) = (moment(1_000_000, 500, "a"), 29 * 365 * 86_400);
        assert_eq!(then.age_ms(&moment(1_000_000 + years, 20, "b")), 20_000);
        assert_eq!(then.age_ms(&moment(1_000_000 + 364 * 86_400, 20, "b")), 364 * 86_400_000);
    }

    /// The clock starts half an hour behind or in 2000, and is right again after the next reboot.
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

    #[test]
    fn without_a_boots_name_the_boot_clock_counts_only_after_a_minute_of_setting_back() {
        let then = moment(1_000_000, 500, "");
        assert_eq!(then.age_ms(&moment(1_000_100, 530, "")), 100_000, "set forward, or another boot");
        assert_eq!(then.age_ms(&moment(1_000_040, 600, "")), 40_000, "set back by a minute");
        assert_eq!(then.age_ms(&moment(1_000_039, 600, "")), 100_000, "set back by more");
    }

    #[test]
    fn a_later_moment_is_later_by_both_clocks() {
        assert_eq!(moment(1_000, 500, "a").later(7_000), moment(1_007, 507, "a"));
        assert_eq!(moment(1_000, 500, "a").reading(), ClockReading { wall_ms: 1_000_000, boot_ms: 500_000 });
    }

    #[test]
    fn the_future_counts_as_now() {
        assert_eq!(moment(1_000_000, 500, "a").age_ms(&moment(999_990, 490, "a")), 0);
    }
}
