//! The times of a token: whether it may still be handed out. Arithmetic only, as the warm path needs it before the
//! program has started.

use super::moment::SET_BACK_MS;
use super::{Freshness, MinTtl};
use crate::system::Now;
use std::time::Duration;

/// A token with less than this left is not living, in ms.
const LIVING_MS: i64 = 10_000;
/// No token is believed to live longer, in ms.
const LONGEST_LIFE_MS: i64 = 3_600_000;
/// The life that a token has to have left unless somebody says otherwise, in ms.
const USUAL_MS: i64 = 60_000;
/// How much earlier an expiry is reported, in ms.
const MARGIN_MS: i64 = 60_000;
/// The longest early window, in ms.
const EARLY_MS: i64 = 300_000;

/// When a token was asked for and when it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// When it was asked for, in ms since 1970.
    pub obtained_at_ms: i64,
    /// When it expires, in ms since 1970.
    pub expires_at_ms: i64,
    /// Wall time minus boot time when it was asked for, in ms.
    pub clock_offset_ms: i64,
}

impl Lifetime {
    /// Whether the token is fresh for a caller that wants `min_ttl`.
    pub fn freshness(self, now: Now, min_ttl: MinTtl) -> Freshness {
        if !self.is_living(now) {
            return Freshness::Stale;
        }
        let (left, life) = (self.left_ms(now), self.life_ms());
        let barely_used = (now.wall_ms - self.obtained_at_ms) * 4 < life;
        let usual = (life / 20).min(USUAL_MS);
        let wanted = match min_ttl {
            MinTtl::Default => usual,
            MinTtl::Implied(ttl) | MinTtl::Explicit(ttl) => ms(ttl),
            MinTtl::Reported => usual + self.margin_ms(),
        };
        if left < wanted && !barely_used {
            return Freshness::Stale;
        }
        match left <= self.early_ms() {
            true => Freshness::Early,
            false => Freshness::Fresh,
        }
    }

    /// How much earlier than the truth its expiry is reported to callers with no margin of their own, in ms: a
    /// minute, but no more than half of a short life.
    pub fn margin_ms(self) -> i64 {
        (self.life_ms() / 2).clamp(0, MARGIN_MS)
    }

    /// Length of its early window, in ms.
    pub fn early_ms(self) -> i64 {
        (self.life_ms() / 10).min(EARLY_MS)
    }

    /// Whether an API will still take it: at least 10 s left by a clock that was not set back since.
    pub fn is_living(self, now: Now) -> bool {
        let set_back = self.clock_offset_ms - now.offset_ms() > SET_BACK_MS
            || self.obtained_at_ms - now.wall_ms > SET_BACK_MS;
        !set_back && self.left_ms(now) >= LIVING_MS.min(self.life_ms() / 2)
    }

    /// Whether times that were read from a file can be ones that we wrote: a life of at most an hour.
    pub fn is_sound(self) -> bool {
        let life = self.expires_at_ms.checked_sub(self.obtained_at_ms);
        self.obtained_at_ms >= 0
            && life.is_some_and(|life| (0..=LONGEST_LIFE_MS).contains(&life))
            && self.clock_offset_ms.unsigned_abs() < u64::MAX / 8
    }

    /// Milliseconds until it expires; below nought once it has.
    pub fn left_ms(self, now: Now) -> i64 {
        self.expires_at_ms - now.wall_ms
    }

    /// Its whole life, in ms.
    pub fn life_ms(self) -> i64 {
        self.expires_at_ms - self.obtained_at_ms
    }
}

/// A duration in ms, far below overflow.
pub fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
