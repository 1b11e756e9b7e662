//! Converts times between this machine's clock and the engine's.

use crate::model::Timestamp;

/// The boot id of times by the engine's clock.
const ENGINE: &str = "redis";

/// Both times at the moment of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// This machine's time when the reply had arrived.
    pub at: Timestamp,
    /// The engine's time in the reply, in ms since 1970.
    pub engine_ms: i64,
}

impl Clocks {
    /// Converts a time of this machine, as of `now`, which may be long after the reply.
    pub fn to_engine(&self, moment: &Timestamp, now: &Timestamp) -> Timestamp {
        let later = later_ms(moment, &self.at).min(later_ms(now, &self.at));
        // Only times of the same boot can be later: `age_ms` would take a time of a longer boot for a later one.
        let age = if later > 0 { -later } else { moment.age_ms(&self.at) };
        let ms = self.engine_ms.saturating_sub(age);
        Timestamp { wall_ms: ms, boot_ms: ms, boot_id: ENGINE.into() }
    }

    /// Converts a time of the engine, as of `now`. A time in the future counts as now, so that no pause exceeds its
    /// nominal length if the engine's clock was set back.
    pub fn to_local(&self, moment: &Timestamp, now: &Timestamp) -> Timestamp {
        let age = self.engine_ms.saturating_sub(moment.wall_ms).max(-later_ms(now, &self.at));
        Timestamp {
            wall_ms: self.at.wall_ms.saturating_sub(age),
            boot_ms: self.at.boot_ms.saturating_sub(age),
            boot_id: self.at.boot_id.clone(),
        }
    }
}

/// How much later `moment` is than `than`, in ms. 0 if it is not later, or if they are of different boots.
fn later_ms(moment: &Timestamp, than: &Timestamp) -> i64 {
    let later = match (moment.boot_id == than.boot_id, than.boot_id.is_empty()) {
        (true, false) => moment.boot_ms.saturating_sub(than.boot_ms),
        (true, true) => moment.wall_ms.saturating_sub(than.wall_ms),
        (false, _) => 0,
    };
    later.max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moment(wall_s: i64, boot_s: i64, boot_id: &str) -> Timestamp {
        Timestamp { wall_ms: wall_s * 1000, boot_ms: boot_s * 1000, boot_id: boot_id.into() }
    }

    fn clocks(boot_id: &str) -> Clocks {
        Clocks { at: moment(1_000_000, 500, boot_id), engine_ms: 7_000_000_000 }
    }

    #[test]
    fn a_time_of_this_machine_is_converted_as_of_now() {
        for boot in ["b", ""] {
            let now = moment(1_001_200, 1_700, boot);
            let since = |s: i64| moment(1_000_000 + s, 500 + s, boot);
            assert_eq!(clocks(boot).to_engine(&since(20), &now).wall_ms, 7_000_020_000);
            assert_eq!(clocks(boot).to_engine(&since(86_400), &now).wall_ms, 7_001_200_000, "not after now");
        }
        // After a reboot, the entries of the old ledger are old and not in the future.
        let (before, clocks) = (moment(999_900, 900_000, "the boot before"), clocks("this boot"));
        assert_eq!(clocks.to_engine(&before, &clocks.at).wall_ms, 7_000_000_000 - 100_000);
    }

    #[test]
    fn a_time_of_the_engine_is_converted_up_to_now() {
        let there = |s: i64| moment(s, s, ENGINE);
        let later = moment(1_001_200, 1_700, "b");
        assert_eq!(clocks("b").to_local(&there(7_000_900), &later), moment(1_000_900, 1_400, "b"));
        let now = moment(1_000_001, 501, "b");
        assert_eq!(clocks("b").to_local(&there(7_003_600), &now), now, "the future counts as now");
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(ago in -10_000_000i64..10_000_000, engine_ms in 0i64..i64::MAX / 2) {
            let clocks = Clocks { engine_ms, ..clocks("b") };
            let now = moment(1_020_000, 20_500, "b");
            let then = Timestamp { boot_ms: clocks.at.boot_ms - ago, wall_ms: clocks.at.wall_ms - ago, ..now.clone() };
            prop_assert_eq!(clocks.to_local(&clocks.to_engine(&then, &now), &now), then);
        }
    }
}
