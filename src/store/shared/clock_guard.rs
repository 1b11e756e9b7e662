//! Keeps a machine from refreshing while its clock and the engine's contradict each other: the ledger of the other machines
//! is dated by the engine's clock, so a wrong one lets entries expire too early.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::Timestamp;
use crate::store::shared::clocks::Clocks;
use serde::{Deserialize, Serialize};

/// The most that the engine's clock may differ from this machine's, in ms.
pub(crate) const MAX_CLOCK_OFFSET_MS: i64 = 120_000;
/// The most that the engine's clock may gain or lose between two looks, in ms, and how much more for each ms between them.
const MAX_JUMP_MS: i64 = 60_000;
const DRIFT_PER_MS: i64 = 1_000;
/// How long a jump forbids requests, in ms: Zoho's window and the margin of ledger entries. After it, no entry that the jump
/// has made older still counts.
const JUMP_COUNTS_MS: i64 = 615_000;

/// What a machine remembers of the engine's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EngineClock {
    engine_ms: i64,
    at: Timestamp,
    /// When this machine noticed the last jump.
    #[serde(default)]
    jumped: Option<Jump>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Jump {
    noticed: Timestamp,
    by_ms: i64,
}

impl EngineClock {
    /// The engine's clock at the moment of `clocks`, after `before`.
    ///
    /// A jump shows against the boot clock and against the wall clock. One alone may be this machine's: a paused virtual
    /// machine, or a wall clock that was set.
    pub(crate) fn after(before: Option<&EngineClock>, clocks: &Clocks) -> Self {
        let jumped = before.and_then(|before| {
            let same_boot = !before.at.boot_id.is_empty() && before.at.boot_id == clocks.at.boot_id;
            let engine = clocks.engine_ms.saturating_sub(before.engine_ms);
            let by_boot = engine.saturating_sub(clocks.at.boot_ms.saturating_sub(before.at.boot_ms));
            let by_wall = engine.saturating_sub(clocks.at.wall_ms.saturating_sub(before.at.wall_ms));
            let by_ms = if by_boot.saturating_abs() < by_wall.saturating_abs() { by_boot } else { by_wall };
            let allowed = MAX_JUMP_MS + engine.saturating_abs() / DRIFT_PER_MS;
            let new = (same_boot && by_ms.saturating_abs() > allowed)
                .then(|| Jump { noticed: clocks.at.clone(), by_ms });
            new.or_else(|| before.jumped.clone())
        });
        let jumped = jumped.filter(|jump| jump.noticed.age_ms(&clocks.at) < JUMP_COUNTS_MS);
        // If this machine's clock was set back too, the pause begins anew: it would last until the clock is there again.
        let jumped = jumped.map(|jump| match jump.noticed.is_future(&clocks.at) {
            true => Jump { noticed: clocks.at.clone(), ..jump },
            false => jump,
        });
        EngineClock { engine_ms: clocks.engine_ms, at: clocks.at.clone(), jumped }
    }

    /// Why no request may be sent now.
    pub(crate) fn refusal(&self) -> Option<Error> {
        let offset_ms = self.engine_ms.saturating_sub(self.at.wall_ms);
        let (here, there) = (time(self.at.wall_ms), time(self.engine_ms));
        if offset_ms.saturating_abs() > MAX_CLOCK_OFFSET_MS {
            return Some(Error::unavailable(&tr!(
                "this machine's clock says {here}, that of the shared store {there}; nothing is requested until they agree",
                here,
                there
            )));
        }
        let jump = self.jumped.as_ref()?;
        Some(Error::unavailable(&tr!(
            "the clock of the shared store jumped by {seconds} s to {there}, this machine's says {here}; nothing is requested for 10 minutes",
            seconds = jump.by_ms / 1000,
            there,
            here
        )))
    }
}

/// Why no request may be sent at `now`, when the engine's clock is `offset_ms` ahead and was `seen` before.
pub(crate) fn clock_refusal(seen: Option<&EngineClock>, now: Timestamp, offset_ms: i64) -> Option<Error> {
    let engine_ms = now.wall_ms.saturating_add(offset_ms);
    EngineClock::after(seen, &Clocks { at: now, engine_ms }).refusal()
}

/// In UTC.
fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "?".to_owned(), |at| at.strftime("%FT%TZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Engine, wall and boot clock in seconds.
    fn clocks(engine_s: i64, wall_s: i64, boot_s: i64) -> Clocks {
        let at = Timestamp { wall_ms: wall_s * 1000, boot_ms: boot_s * 1000, boot_id: "b".into() };
        Clocks { at, engine_ms: engine_s * 1000 }
    }

    fn refused(before: (i64, i64, i64), after: (i64, i64, i64)) -> bool {
        let before = EngineClock::after(None, &clocks(before.0, before.1, before.2));
        EngineClock::after(Some(&before), &clocks(after.0, after.1, after.2)).refusal().is_some()
    }

    #[test]
    fn two_minutes_apart_is_the_limit() {
        for (offset, is_refused) in [(0, false), (119, false), (-119, false), (121, true), (-121, true)] {
            let seen = EngineClock::after(None, &clocks(1_000_000 + offset, 1_000_000, 50));
            assert_eq!(seen.refusal().is_some(), is_refused, "{offset}");
        }
    }

    #[test]
    fn a_jump_of_the_engine_is_told_from_one_of_this_machine() {
        let start = (1_000_000, 1_000_000, 50);
        assert!(!refused(start, (1_000_100, 1_000_100, 150)));
        assert!(refused(start, (1_000_170, 1_000_100, 150)), "the engine, forward");
        assert!(refused(start, (1_000_030, 1_000_100, 150)), "the engine, back");
        assert!(!refused(start, (1_000_300, 1_000_300, 150)), "a paused machine");
        assert!(!refused(start, (1_000_100, 1_000_190, 150)), "a wall clock that was set");
        assert!(!refused(start, (1_900_070, 1_900_000, 900_050)), "drift");
    }

    #[test]
    fn a_jump_counts_for_a_window() {
        let before = EngineClock::after(None, &clocks(1_000_000, 1_000_000, 50));
        let jumped = EngineClock::after(Some(&before), &clocks(1_000_090, 1_000_010, 60));
        let later = |s: i64| EngineClock::after(Some(&jumped), &clocks(1_000_090 + s, 1_000_010 + s, 60 + s));
        assert!(jumped.refusal().is_some() && later(600).refusal().is_some());
        assert!(later(616).refusal().is_none());
        // After a reboot with a clock that was set back by an hour.
        let rebooted = |s: i64| Clocks {
            at: Timestamp { wall_ms: (996_410 + s) * 1000, boot_ms: s * 1000, boot_id: "c".into() },
            engine_ms: (996_410 + s) * 1000,
        };
        let back = EngineClock::after(Some(&jumped), &rebooted(0));
        let later = |s: i64| EngineClock::after(Some(&back), &rebooted(s));
        assert!(later(600).refusal().is_some() && later(616).refusal().is_none());
    }
}
