//! An access token with its life, and whether it may still be handed out.

use crate::model::ClockReading;
use crate::model::{Lifetime, ms};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Whether every byte of `token` is one that a token may have: `[A-Za-z0-9._~+/=-]+`. Anything else could forge a
/// header or a line where it is printed.
pub fn is_well_formed(token: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"._~+/=-".contains(&b);
    !token.is_empty() && token.bytes().all(legal)
}

/// What a successful answer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The access token, checked for its bytes.
    pub access_token: Secret,
    /// A refresh token, where the answer has one (an exchange of a code, that is).
    pub refresh_token: Option<Secret>,
    /// How long the token lives, counted from before the request; at most one hour.
    pub life: Duration,
    /// Where the APIs are, if the answer says.
    pub api_domain: Option<String>,
    /// The scopes, if the answer says.
    pub scopes: Option<Vec<String>>,
}

/// An access token and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSet {
    /// The token.
    pub access_token: Secret,
    /// When it was asked for, in ms since 1970.
    pub obtained_at_ms: i64,
    /// When it expires, in ms since 1970.
    pub expires_at_ms: i64,
    /// Wall time minus boot time when it was asked for, in ms.
    pub clock_offset_ms: i64,
}

/// How much life a caller wants a token to have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinTtl {
    /// 60 s or a twentieth of the life, whichever is less.
    Default,
    /// What an output needs whose token is used for a while after it was handed out.
    Implied(Duration),
    /// The default beyond the expiry that is reported, for callers with no margin of their own: see
    /// [`Lifetime::margin_ms`].
    Reported,
    /// `--min-ttl`: nothing below it is printed, come what may.
    Explicit(Duration),
}

/// Whether a token may be printed, and whether it is time to renew it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Print it.
    Fresh,
    /// Print it, but somebody should renew it now.
    Early,
    /// Renew it first.
    Stale,
}

impl TokenSet {
    /// The token of an answer to a request that was sent at `asked`.
    pub fn granted(granted: &Granted, asked: ClockReading) -> Self {
        TokenSet {
            access_token: granted.access_token.clone(),
            obtained_at_ms: asked.wall_ms,
            expires_at_ms: asked.wall_ms + ms(granted.life),
            clock_offset_ms: asked.offset_ms(),
        }
    }

    /// Its times.
    pub(crate) fn lifetime(&self) -> Lifetime {
        Lifetime {
            obtained_at_ms: self.obtained_at_ms,
            expires_at_ms: self.expires_at_ms,
            clock_offset_ms: self.clock_offset_ms,
        }
    }

    /// Whether the token is fresh for a caller that wants `min_ttl`.
    pub fn freshness(&self, now: ClockReading, min_ttl: MinTtl) -> Freshness {
        self.lifetime().freshness(now, min_ttl)
    }

    /// Length of its early window, in ms.
    pub(crate) fn early_ms(&self) -> i64 {
        self.lifetime().early_ms()
    }

    /// Whether an API will still take it, see [`Lifetime::is_living`].
    pub fn is_valid(&self, now: ClockReading) -> bool {
        self.lifetime().is_valid(now)
    }

    /// Whether a token that was read from a file can be one that we wrote: sound bytes, sound times.
    pub fn is_sound(&self) -> bool {
        is_well_formed(self.access_token.expose()) && self.lifetime().is_sound()
    }

    /// Milliseconds until it expires; below nought once it has.
    pub fn left_ms(&self, now: ClockReading) -> i64 {
        self.lifetime().left_ms(now)
    }

    /// Its whole life, in ms.
    pub(crate) fn life_ms(&self) -> i64 {
        self.lifetime().life_ms()
    }
}

/// What the cache of a credential holds. `api_domain` and `scopes` outlive a token, as not every answer has them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheRecord {
    /// The token, if there is one.
    pub token: Option<TokenSet>,
    /// Where the APIs are, as the accounts server last answered.
    #[serde(default)]
    pub api_domain: Option<String>,
    /// The scopes, as the accounts server last answered.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether the last token is missing because a caller rejected it.
    #[serde(default)]
    pub rejected: bool,
    /// Keyed hash of the token that was last rejected here: it is not taken up again from a shared store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tombstone: Option<String>,
}

impl CacheRecord {
    /// The record after `granted`, which was asked for at `asked`: what the answer left out stays as it was.
    pub fn renewed(&self, granted: &Granted, asked: ClockReading) -> Self {
        CacheRecord {
            token: Some(TokenSet::granted(granted, asked)),
            api_domain: granted.api_domain.clone().or_else(|| self.api_domain.clone()),
            scopes: granted.scopes.clone().unwrap_or_else(|| self.scopes.clone()),
            rejected: false,
            tombstone: self.tombstone.clone(),
        }
    }

    /// Whether a record that was read from a file can be one that we wrote.
    pub fn is_sound(&self) -> bool {
        self.token.as_ref().is_none_or(TokenSet::is_sound)
    }

    /// The token, if it is still living.
    pub fn living(&self, now: ClockReading) -> Option<&TokenSet> {
        self.token.as_ref().filter(|token| token.is_valid(now))
    }

    /// Freshness of the token; no token is a stale one.
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
