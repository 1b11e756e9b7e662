//! An access token and when it expires.

use crate::model::{ClockReading, Lifetime, ms};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whether `token` matches `[A-Za-z0-9._~+/=-]+`. Other characters could inject a header or a line of output.
pub fn is_well_formed(token: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._~+/=-".contains(&b);
    !token.is_empty() && token.bytes().all(legal)
}

/// A successful token response.
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

/// An access token as it is cached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSet {
    /// The token.
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
    /// The default plus [`Lifetime::margin_ms`], for callers that use the token until the reported expiry.
    Reported,
    /// `--min-ttl`: a token with less left is never printed.
    Explicit(Duration),
}

/// Whether a token may be printed and should be refreshed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Print it.
    Fresh,
    /// Print it, but one caller should refresh it now.
    Early,
    /// Refresh it first.
    Stale,
}

impl TokenSet {
    /// The token of a response to a request sent at `asked`.
    pub fn granted(granted: &Granted, asked: ClockReading) -> Self {
        TokenSet {
            access_token: granted.access_token.clone(),
            obtained_at_ms: asked.wall_ms,
            expires_at_ms: asked.wall_ms + ms(granted.life),
            clock_offset_ms: asked.offset_ms(),
        }
    }

    pub(crate) fn lifetime(&self) -> Lifetime {
        Lifetime {
            obtained_at_ms: self.obtained_at_ms,
            expires_at_ms: self.expires_at_ms,
            clock_offset_ms: self.clock_offset_ms,
        }
    }

    /// Whether the token is fresh for a caller that needs `min_ttl`.
    pub fn freshness(&self, now: ClockReading, min_ttl: MinTtl) -> Freshness {
        self.lifetime().freshness(now, min_ttl)
    }

    /// Length of the early window, in ms.
    pub(crate) fn early_ms(&self) -> i64 {
        self.lifetime().early_ms()
    }

    /// Whether an API will still accept it, see [`Lifetime::is_valid`].
    pub fn is_valid(&self, now: ClockReading) -> bool {
        self.lifetime().is_valid(now)
    }

    /// Whether the record can be one that we wrote.
    pub fn is_sound(&self) -> bool {
        is_well_formed(self.access_token.expose()) && self.lifetime().is_sound()
    }

    /// Milliseconds until expiry. Negative after it.
    pub fn left_ms(&self, now: ClockReading) -> i64 {
        self.lifetime().left_ms(now)
    }

    /// The whole lifetime in ms.
    pub(crate) fn life_ms(&self) -> i64 {
        self.lifetime().life_ms()
    }
}

/// The cache of a credential. `api_domain` and `scopes` outlast a token, because not every response has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheRecord {
    /// The token, if there is one.
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
}

impl CacheRecord {
    /// The record after the response `granted` to a request sent at `asked`. Values missing in the response are kept.
    pub fn renewed(&self, granted: &Granted, asked: ClockReading) -> Self {
        CacheRecord {
            token: Some(TokenSet::granted(granted, asked)),
            api_domain: granted.api_domain.clone().or_else(|| self.api_domain.clone()),
            scopes: granted.scopes.clone().unwrap_or_else(|| self.scopes.clone()),
            rejected: false,
            tombstone: self.tombstone.clone(),
        }
    }

    /// Whether the record can be one that we wrote.
    pub fn is_sound(&self) -> bool {
        self.token.as_ref().is_none_or(TokenSet::is_sound)
    }

    /// The token, if it is still valid.
    pub fn living(&self, now: ClockReading) -> Option<&TokenSet> {
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
    use proptest::prelude::*;

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
    fn an_hours_token_goes_through_its_stages() {
        assert_eq!(token(3600, 3600).freshness(NOW, MinTtl::Default), Freshness::Fresh);
        assert_eq!(token(3600, 301).freshness(NOW, MinTtl::Default), Freshness::Fresh);
        assert_eq!(token(3600, 300).freshness(NOW, MinTtl::Default), Freshness::Early);
        assert_eq!(token(3600, 60).freshness(NOW, MinTtl::Default), Freshness::Early);
        assert_eq!(token(3600, 59).freshness(NOW, MinTtl::Default), Freshness::Stale);
        assert!(token(3600, 10).is_valid(NOW) && !token(3600, 9).is_valid(NOW));
    }

    #[test]
    fn a_new_token_is_fresh_for_any_wish() {
        assert_eq!(token(3600, 2700).freshness(NOW, explicit(7200)), Freshness::Fresh);
        assert_eq!(token(3600, 2699).freshness(NOW, explicit(7200)), Freshness::Stale);
    }

    #[test]
    fn a_reported_expiry_is_what_the_life_that_is_wanted_counts_to() {
        for (life, margin, wanted) in [(3600, 60, 120), (600, 60, 90), (120, 60, 66), (60, 30, 33)] {
            assert_eq!(token(life, 1).lifetime().margin_ms(), margin * 1000, "{life}");
            let freshness = |left| token(life, left).freshness(NOW, MinTtl::Reported);
            assert_eq!(freshness(wanted - 1), Freshness::Stale, "{life}");
            assert_ne!(freshness(wanted), Freshness::Stale, "{life}");
        }
    }

    #[test]
    fn a_token_that_is_used_for_a_while_is_new_or_good_for_that_while() {
        let while_ = MinTtl::Implied(Duration::from_secs(1800));
        assert_eq!(token(3600, 1800).freshness(NOW, while_), Freshness::Fresh);
        assert_eq!(token(3600, 1799).freshness(NOW, while_), Freshness::Stale);
        assert_eq!(token(600, 450).freshness(NOW, while_), Freshness::Fresh);
        assert_eq!(token(600, 449).freshness(NOW, while_), Freshness::Stale);
    }

    #[test]
    fn a_clock_set_back_makes_it_stale() {
        let back = ClockReading { wall_ms: NOW.wall_ms - 86_400_000, boot_ms: NOW.boot_ms };
        assert_eq!(token(3600, 3600).freshness(back, MinTtl::Default), Freshness::Stale);
        assert!(!token(3600, 3600).is_valid(back));
        let a_little = ClockReading { wall_ms: NOW.wall_ms - 59_000, boot_ms: NOW.boot_ms };
        assert_eq!(token(3600, 3600).freshness(a_little, MinTtl::Default), Freshness::Fresh);
    }

    #[test]
    fn a_record_is_renewed_by_what_an_answer_has() {
        let old = CacheRecord {
            token: None,
            api_domain: Some("https://www.zohoapis.eu".into()),
            scopes: vec!["a".into()],
            rejected: true,
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
    fn a_record_is_as_good_as_its_token() {
        let record = |token| CacheRecord { token, ..CacheRecord::default() };
        assert!(record(None).is_sound() && record(None).living(NOW).is_none());
        assert_eq!(record(None).freshness(NOW, MinTtl::Default), Freshness::Stale);
        let good = record(Some(token(3600, 3600)));
        assert!(good.is_sound() && good.living(NOW) == good.token.as_ref());
        assert_eq!(good.freshness(NOW, MinTtl::Default), Freshness::Fresh);
        assert!(record(Some(token(3600, 9))).living(NOW).is_none());
        let forged = TokenSet { access_token: Secret::new("a\nb"), ..token(3600, 3600) };
        assert!(!record(Some(forged)).is_sound() && !record(Some(token(3601, 3600))).is_sound());
    }

    #[test]
    fn the_early_window_is_a_tenth_or_five_minutes() {
        assert_eq!((token(3600, 1).early_ms(), token(600, 1).early_ms()), (300_000, 60_000));
    }

    proptest! {
        #[test]
        fn what_is_handed_out_lives(life in 1i64..4000, used in 0i64..5000, ttl in 0u64..8000) {
            let token = token(life, life - used);
            for min_ttl in [MinTtl::Default, explicit(ttl)] {
                if token.freshness(NOW, min_ttl) != Freshness::Stale {
                    prop_assert!(token.is_valid(NOW) && token.left_ms(NOW) > 0);
                }
            }
        }

        #[test]
        fn freshness_only_falls_as_time_goes(life in 1i64..4000, ttl in 0u64..8000, steps in 1usize..60) {
            let start = token(life, life);
            let mut stale = false;
            for step in 0..steps {
                let ms = step as i64 * life * 1000 / 40;
                let now = ClockReading { wall_ms: NOW.wall_ms + ms, boot_ms: NOW.boot_ms + ms };
                let now_stale = start.freshness(now, explicit(ttl)) == Freshness::Stale;
                prop_assert!(!stale || now_stale);
                stale = now_stale;
            }
        }
    }
}
