//! An access token and when it expires.

use crate::model::{ClockReading, SET_BACK_MS, ms};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A token with less than this left is treated as expired. In ms.
const MIN_VALID_MS: i64 = 10_000;
/// Longer lifetimes are not believed. In ms.
const LONGEST_LIFE_MS: i64 = 3_600_000;
/// Default for `--min-ttl`, in ms.
const DEFAULT_TTL_MS: i64 = 60_000;
/// How much earlier an expiry is reported, in ms.
const MARGIN_MS: i64 = 60_000;
/// The longest early window, in ms.
const EARLY_MS: i64 = 300_000;

/// The longest token, and the longest list of scopes, in bytes. A cache record with both is shorter than 64 KiB, so that it
/// can be read again.
pub(crate) const LONGEST: usize = 16 << 10;

/// Whether `token` matches `[A-Za-z0-9._~+/=-]+`. Other characters could inject a header or a line of output.
pub fn is_well_formed(token: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._~+/=-".contains(&b);
    (1..=LONGEST).contains(&token.len()) && token.bytes().all(legal)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its characters are checked with [`is_well_formed`].
    pub access_token: Secret,
    /// Present in responses to an authorization code.
    pub refresh_token: Option<Secret>,
    /// Lifetime, counted from before the request. At most one hour.
    pub life: Duration,
    /// Base URL of the APIs, if the response has it.
    pub api_domain: Option<String>,
    /// Granted scopes, if the response has them.
    pub scopes: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSet {
    pub access_token: Secret,
    /// When it was requested, in ms since 1970.
    pub obtained_at_ms: i64,
    /// When it expires, in ms since 1970.
    pub expires_at_ms: i64,
    /// Wall time minus boot time at the request, in ms.
    pub clock_offset_ms: i64,
}

/// How much lifetime a caller needs a token to have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinTtl {
    /// 60 s or a twentieth of the lifetime, whichever is less.
    Default,
    /// Required by an output whose token is used for a while.
    Implied(Duration),
    /// The default plus `margin_ms`, for callers that use the token until the reported expiry.
    Reported,
    /// `--min-ttl`: a token with less left is never printed.
    Explicit(Duration),
}

/// Whether a token may be printed and should be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Print it, but one caller should refresh it now.
    Early,
    /// Refresh it first.
    Stale,
}

impl TokenSet {
    /// Whether the token is fresh for a caller that needs `min_ttl`.
    pub fn freshness(&self, now: ClockReading, min_ttl: MinTtl) -> Freshness {
        if !self.is_valid(now) {
            return Freshness::Stale;
        }
        let (left, life) = (self.left_ms(now), self.life_ms());
        let default = (life / 20).min(DEFAULT_TTL_MS);
        let wanted = match min_ttl {
            MinTtl::Default => default,
            MinTtl::Implied(ttl) | MinTtl::Explicit(ttl) => ms(ttl),
            MinTtl::Reported => default + self.margin_ms(),
        };
        // A token that was just issued must be fresh for any `min_ttl`.
        if left < wanted.min(life / 4 * 3) {
            return Freshness::Stale;
        }
        if left <= self.early_ms() { Freshness::Early } else { Freshness::Fresh }
    }

    /// How much earlier than the real expiry it is reported to callers without a margin of their own, in ms. One
    /// minute, but at most half of a short lifetime.
    pub(crate) fn margin_ms(&self) -> i64 {
        (self.life_ms() / 2).clamp(0, MARGIN_MS)
    }

    /// Length of the early window before expiry, in ms.
    pub(crate) fn early_ms(&self) -> i64 {
        (self.life_ms() / 10).min(EARLY_MS)
    }

    /// Whether an API will still accept the token: at least 10 s left, and the clock was not set back since it was
    /// issued.
    pub fn is_valid(&self, now: ClockReading) -> bool {
        let set_back = self.clock_offset_ms - now.offset_ms() > SET_BACK_MS
            || self.obtained_at_ms - now.wall_ms > SET_BACK_MS;
        !set_back && self.left_ms(now) >= MIN_VALID_MS.min(self.life_ms() / 2)
    }

    /// Whether the record can be one that we wrote: well-formed, with a lifetime of at most one hour.
    pub fn is_sound(&self) -> bool {
        let life = self.expires_at_ms.checked_sub(self.obtained_at_ms);
        is_well_formed(self.access_token.expose())
            && self.obtained_at_ms >= 0
            && life.is_some_and(|life| (0..=LONGEST_LIFE_MS).contains(&life))
            && self.clock_offset_ms.unsigned_abs() < u64::MAX / 8
    }

    /// Milliseconds until expiry. Negative after it.
    pub fn left_ms(&self, now: ClockReading) -> i64 {
        self.expires_at_ms - now.wall_ms
    }

    pub(crate) fn life_ms(&self) -> i64 {
        self.expires_at_ms - self.obtained_at_ms
    }
}

/// The cache of a credential. `api_domain` and `scopes` outlast a token, because not every response has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheRecord {
    pub token: Option<TokenSet>,
    /// Base URL of the APIs, from the last response that had it.
    #[serde(default)]
    pub api_domain: Option<String>,
    /// Granted scopes, from the last response that had them.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether a caller rejected the last token.
    #[serde(default)]
    pub rejected: bool,
    /// Keyed hash of the token last rejected here. It is not accepted again from a shared store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tombstone: Option<String>,
    /// Whether this token has yet to reach the shared store.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpushed: bool,
}

impl CacheRecord {
    /// The record after the response `granted` to a request sent at `asked`. Values missing in the response are kept.
    pub fn renewed(&self, granted: &Granted, asked: ClockReading) -> Self {
        let token = TokenSet {
            access_token: granted.access_token.clone(),
            obtained_at_ms: asked.wall_ms,
            expires_at_ms: asked.wall_ms + ms(granted.life),
            clock_offset_ms: asked.offset_ms(),
        };
        CacheRecord {
            token: Some(token),
            api_domain: granted.api_domain.clone().or_else(|| self.api_domain.clone()),
            scopes: granted.scopes.clone().unwrap_or_else(|| self.scopes.clone()),
            rejected: false,
            tombstone: self.tombstone.clone(),
            unpushed: false,
        }
    }

    /// Whether the record can be one that we wrote.
    pub fn is_sound(&self) -> bool {
        self.token.as_ref().is_none_or(TokenSet::is_sound)
    }

    /// The token if it is still valid.
    pub fn valid_token(&self, now: ClockReading) -> Option<&TokenSet> {
        self.token.as_ref().filter(|token| token.is_valid(now))
    }

    /// A missing token is [`Freshness::Stale`].
    pub fn freshness(&self, now: ClockReading, min_ttl: MinTtl) -> Freshness {
        self.token.as_ref().map_or(Freshness::Stale, |token| token.freshness(now, min_ttl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: ClockReading = ClockReading { wall_ms: 1_700_000_000_000, boot_ms: 9_000_000 };

    fn token(life_s: i64, left_s: i64) -> TokenSet {
        TokenSet {
            access_token: Secret::new("1000.a.b"),
            obtained_at_ms: NOW.wall_ms - (life_s - left_s) * 1000,
            expires_at_ms: NOW.wall_ms + left_s * 1000,
            clock_offset_ms: NOW.offset_ms(),
        }
    }

    fn explicit(seconds: u64) -> MinTtl {
        MinTtl::Explicit(Duration::from_secs(seconds))
    }

    #[test]
    fn freshness_depends_on_what_is_left_and_what_is_wanted() {
        use Freshness::{Early, Fresh, Stale};
        let implied = MinTtl::Implied(Duration::from_secs(1800));
        for (life, min_ttl, stages) in [
            (3600, MinTtl::Default, [(3600, Fresh), (301, Fresh), (300, Early), (60, Early), (59, Stale)]),
            (600, MinTtl::Default, [(600, Fresh), (61, Fresh), (60, Early), (30, Early), (29, Stale)]),
            (3600, implied, [(3600, Fresh), (1801, Fresh), (1800, Fresh), (1799, Stale), (301, Stale)]),
            (600, implied, [(600, Fresh), (451, Fresh), (450, Fresh), (449, Stale), (61, Stale)]),
            (3600, explicit(900), [(3600, Fresh), (901, Fresh), (900, Fresh), (899, Stale), (301, Stale)]),
            // A new token is fresh for any wish.
            (3600, explicit(7200), [(3600, Fresh), (2701, Fresh), (2700, Fresh), (2699, Stale), (0, Stale)]),
            (
                3600,
                MinTtl::Explicit(Duration::MAX),
                [(3600, Fresh), (2700, Fresh), (2699, Stale), (2000, Stale), (0, Stale)],
            ),
        ] {
            for (left, stage) in stages {
                assert_eq!(
                    token(life, left).freshness(NOW, min_ttl),
                    stage,
                    "{left} s of {life} s, {min_ttl:?}"
                );
            }
        }
        for (life, margin, wanted) in [(3600, 60, 120), (600, 60, 90), (120, 60, 66), (60, 30, 33)] {
            assert_eq!(token(life, 1).margin_ms(), margin * 1000, "{life}");
            let freshness = |left| token(life, left).freshness(NOW, MinTtl::Reported);
            assert_eq!(freshness(wanted - 1), Stale, "{life}");
            assert_ne!(freshness(wanted), Stale, "{life}");
        }
        assert_eq!((token(600, 1).early_ms(), token(3600, 1).early_ms()), (60_000, 300_000));
    }

    #[test]
    fn a_record_is_renewed_by_what_an_answer_has() {
        let old = CacheRecord {
            token: None,
            api_domain: Some("https://www.zohoapis.eu".into()),
            scopes: vec!["a".into()],
            rejected: true,
            unpushed: false,
            tombstone: Some("t".into()),
        };
        let life = Duration::from_secs(1800);
        let access_token = Secret::new("1000.c.d");
        let bare = Granted { access_token, refresh_token: None, life, api_domain: None, scopes: None };
        let new = old.renewed(&bare, NOW);
        let token = new.token.clone().unwrap();
        assert_eq!((token.access_token.expose(), token.obtained_at_ms), ("1000.c.d", NOW.wall_ms));
        assert_eq!((token.life_ms(), token.left_ms(NOW)), (1_800_000, 1_800_000));
        assert_eq!(token.clock_offset_ms, NOW.offset_ms());
        assert_eq!(new, CacheRecord { token: Some(token), rejected: false, ..old.clone() });
        let full = Granted { api_domain: Some("https://x".into()), scopes: Some(vec!["b".into()]), ..bare };
        let new = old.renewed(&full, NOW);
        assert_eq!((new.api_domain.as_deref(), new.scopes), (Some("https://x"), vec!["b".to_owned()]));
    }

    #[test]
    fn ten_seconds_or_half_a_lifetime_are_valid() {
        assert!(token(3600, 10).is_valid(NOW) && !token(3600, 9).is_valid(NOW));
        assert!(token(10, 5).is_valid(NOW) && !token(10, 4).is_valid(NOW));
        assert!(!token(0, -1).is_valid(NOW));
    }

    #[test]
    fn a_clock_set_back_by_more_than_a_minute_makes_it_stale() {
        // The second pair of clocks is that after a reboot.
        for (left_s, boot_ms) in [(3000, NOW.boot_ms), (3600, 0)] {
            let back = |ms: i64| ClockReading { wall_ms: NOW.wall_ms - ms, boot_ms };
            let token = token(3600, left_s);
            assert!(token.is_valid(back(60_000)) && !token.is_valid(back(60_001)));
            assert_eq!(token.freshness(back(60_000), MinTtl::Default), Freshness::Fresh);
            assert_eq!(token.freshness(back(60_001), MinTtl::Default), Freshness::Stale);
        }
    }

    #[test]
    fn times_that_we_never_wrote_are_not_sound() {
        let sound = token(3600, 0);
        assert!(sound.is_sound() && token(0, 0).is_sound());
        assert!(TokenSet { obtained_at_ms: 0, expires_at_ms: 1, ..sound.clone() }.is_sound());
        assert!(!TokenSet { obtained_at_ms: -1, expires_at_ms: 1, ..sound.clone() }.is_sound());
        assert!(!token(3601, 0).is_sound() && !token(-1, 0).is_sound());
        assert!(!TokenSet { expires_at_ms: i64::MIN, ..sound.clone() }.is_sound());
        assert!(!TokenSet { access_token: Secret::new("a\nb"), ..sound.clone() }.is_sound());
        for clock_offset_ms in [i64::MAX / 4, i64::MIN / 4, i64::MIN] {
            assert!(!TokenSet { clock_offset_ms, ..sound.clone() }.is_sound());
        }
        for clock_offset_ms in [i64::MAX / 4 - 1, i64::MIN / 4 + 2] {
            assert!(TokenSet { clock_offset_ms, ..sound.clone() }.is_sound());
        }
    }
}
