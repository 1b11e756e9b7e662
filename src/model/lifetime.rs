//! Token expiry: whether a token may still be used.

use crate::model::{ClockReading, Freshness, MinTtl, SET_BACK_MS};
use std::time::Duration;

/// A token with less than this left is treated as expired. In ms.
const MIN_VALID_MS: i64 = 10_000;
/// Longer lifetimes are not believed. In ms.
const LONGEST_LIFE_MS: i64 = 3_600_000;
/// Default for `--min-ttl`, in ms.
const USUAL_MS: i64 = 60_000;
/// How much earlier an expiry is reported, in ms.
const MARGIN_MS: i64 = 60_000;
/// The longest early window, in ms.
const EARLY_MS: i64 = 300_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetime {
    /// When the token was requested, in ms since 1970.
    pub(crate) obtained_at_ms: i64,
    /// In ms since 1970.
    pub(crate) expires_at_ms: i64,
    /// Wall time minus boot time at the request, in ms.
    pub(crate) clock_offset_ms: i64,
}

impl Lifetime {
    pub(crate) fn freshness(self, now: ClockReading, min_ttl: MinTtl) -> Freshness {
        if !self.is_valid(now) {
            return Freshness::Stale;
        }
        let (left, life) = (self.left_ms(now), self.life_ms());
        let usual = (life / 20).min(USUAL_MS);
        let wanted = match min_ttl {
            MinTtl::Default => usual,
            MinTtl::Implied(ttl) | MinTtl::Explicit(ttl) => ms(ttl),
            MinTtl::Reported => usual + self.margin_ms(),
        };
        // A token that was just issued must be fresh for any `min_ttl`.
        if left < wanted.min(life / 4 * 3) {
            return Freshness::Stale;
        }
        if left <= self.early_ms() { Freshness::Early } else { Freshness::Fresh }
    }

    /// How much earlier than the real expiry it is reported to callers without a margin of their own, in ms. One
    /// minute, but at most half of a short lifetime.
    pub(crate) fn margin_ms(self) -> i64 {
        (self.life_ms() / 2).clamp(0, MARGIN_MS)
    }

    /// Length of the early window before expiry, in ms.
    pub(crate) fn early_ms(self) -> i64 {
        (self.life_ms() / 10).min(EARLY_MS)
    }

    /// Whether an API will still accept the token: at least 10 s left, and the clock was not set back since it was
    /// issued.
    pub(crate) fn is_valid(self, now: ClockReading) -> bool {
        let set_back = self.clock_offset_ms - now.offset_ms() > SET_BACK_MS
            || self.obtained_at_ms - now.wall_ms > SET_BACK_MS;
        !set_back && self.left_ms(now) >= MIN_VALID_MS.min(self.life_ms() / 2)
    }

    /// Whether the times can be ones that we wrote: a lifetime of at most one hour.
    pub(crate) fn is_sound(self) -> bool {
        let life = self.expires_at_ms.checked_sub(self.obtained_at_ms);
        self.obtained_at_ms >= 0
            && life.is_some_and(|life| (0..=LONGEST_LIFE_MS).contains(&life))
            && self.clock_offset_ms.unsigned_abs() < u64::MAX / 8
    }

    /// Milliseconds until expiry. Negative after it.
    pub(crate) fn left_ms(self, now: ClockReading) -> i64 {
        self.expires_at_ms - now.wall_ms
    }

    /// The whole lifetime in ms.
    pub(crate) fn life_ms(self) -> i64 {
        self.expires_at_ms - self.obtained_at_ms
    }
}

/// A duration in ms, capped far below overflow.
pub(crate) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: ClockReading = ClockReading { wall_ms: 1_700_000_000_000, boot_ms: 9_000_000 };

    /// A token that is valid for `life_s`, requested `used_s` ago.
    fn used(life_s: i64, used_s: i64) -> Lifetime {
        let obtained_at_ms = NOW.wall_ms - used_s * 1000;
        let expires_at_ms = obtained_at_ms + life_s * 1000;
        Lifetime { obtained_at_ms, expires_at_ms, clock_offset_ms: NOW.offset_ms() }
    }

    fn left(life_s: i64, left_s: i64) -> Lifetime {
        used(life_s, life_s - left_s)
    }

    #[test]
    fn a_short_life_has_short_windows() {
        let of = |left_s| left(600, left_s).freshness(NOW, MinTtl::Default);
        assert_eq!((of(61), of(60)), (Freshness::Fresh, Freshness::Early));
        assert_eq!((of(30), of(29)), (Freshness::Early, Freshness::Stale));
        assert_eq!((left(600, 1).early_ms(), left(3600, 1).early_ms()), (60_000, 300_000));
    }

    #[test]
    fn what_an_output_implies_holds_for_short_lives_too() {
        let implied =
            |life_s, left_s| left(life_s, left_s).freshness(NOW, MinTtl::Implied(Duration::from_secs(1200)));
        assert_eq!((implied(3600, 1200), implied(3600, 1199)), (Freshness::Fresh, Freshness::Stale));
        assert_eq!(
            (implied(600, 450), implied(600, 449)),
            (Freshness::Fresh, Freshness::Stale),
            "three quarters of its life"
        );
    }

    #[test]
    fn an_explicit_wish_holds_as_it_is() {
        let explicit = |left_s| left(3600, left_s).freshness(NOW, MinTtl::Explicit(Duration::from_secs(900)));
        assert_eq!((explicit(900), explicit(899)), (Freshness::Fresh, Freshness::Stale));
        let forever = MinTtl::Explicit(Duration::MAX);
        assert_eq!(left(3600, 2000).freshness(NOW, forever), Freshness::Stale);
    }

    #[test]
    fn ten_seconds_or_half_a_life_are_living() {
        assert!(left(3600, 10).is_valid(NOW) && !left(3600, 9).is_valid(NOW));
        assert!(left(10, 5).is_valid(NOW) && !left(10, 4).is_valid(NOW));
        assert!(!left(0, -1).is_valid(NOW));
    }

    #[test]
    fn a_minute_of_difference_between_clocks_is_borne() {
        let at = |ms: i64| used(3600, 600).is_valid(ClockReading { wall_ms: NOW.wall_ms - ms, ..NOW });
        assert!(at(60_000) && !at(60_001));
    }

    #[test]
    fn after_a_reboot_a_minute_from_the_future_is_borne() {
        let at = |ms: i64| used(3600, 0).is_valid(ClockReading { wall_ms: NOW.wall_ms - ms, boot_ms: 0 });
        assert!(at(60_000) && !at(60_001));
    }

    #[test]
    fn times_that_we_never_wrote_are_not_sound() {
        let sound = left(3600, 0);
        assert!(sound.is_sound() && left(0, 0).is_sound());
        assert!(Lifetime { obtained_at_ms: 0, expires_at_ms: 1, ..sound }.is_sound());
        assert!(!Lifetime { obtained_at_ms: -1, expires_at_ms: 1, ..sound }.is_sound());
        assert!(!left(3601, 0).is_sound() && !left(-1, 0).is_sound());
        assert!(!Lifetime { expires_at_ms: i64::MIN, ..sound }.is_sound());
        for clock_offset_ms in [i64::MAX / 4, i64::MIN / 4, i64::MIN] {
            assert!(!Lifetime { clock_offset_ms, ..sound }.is_sound());
        }
        for clock_offset_ms in [i64::MAX / 4 - 1, i64::MIN / 4 + 2] {
            assert!(Lifetime { clock_offset_ms, ..sound }.is_sound());
        }
    }

    #[test]
    fn a_life_and_what_is_left_of_it() {
        let lifetime = used(3600, 3700);
        assert_eq!((lifetime.life_ms(), lifetime.left_ms(NOW)), (3_600_000, -100_000));
    }
}
