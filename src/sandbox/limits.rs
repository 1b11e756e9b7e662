//! Zoho's limits and other configurable behavior.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Zoho's limits. The defaults are Zoho's documented values; where its pages disagree, the lower one.
///
/// In JSON, durations are seconds and may be fractional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Lifetime of an access token (3600 s).
    #[serde(rename = "token_life_s", with = "seconds")]
    pub token_life: Duration,
    /// Access tokens per refresh token and window (10).
    pub budget: usize,
    /// Length of the window (600 s).
    #[serde(rename = "window_s", with = "seconds")]
    pub window: Duration,
    /// Valid access tokens per refresh token (10). One more silently invalidates the oldest.
    pub live_tokens: usize,
    /// Valid refresh tokens per client (20). One more silently invalidates the oldest.
    pub refresh_tokens: usize,
    /// Authorization codes per client and window (10). One more is `access_denied`.
    pub codes: usize,
    /// Lifetime of an authorization code (120 s).
    #[serde(rename = "code_life_s", with = "seconds")]
    pub code_life: Duration,
    /// Lifetime of a device code and its user code (300 s).
    #[serde(rename = "device_life_s", with = "seconds")]
    pub device_life: Duration,
    /// Shortest interval between polls for a device code (30 s). A faster one is `slow_down`.
    #[serde(rename = "device_poll_floor_s", with = "seconds")]
    pub device_poll_floor: Duration,
    /// Delay of every response (0).
    #[serde(rename = "latency_s", with = "seconds")]
    pub latency: Duration,
    /// The data center of the user's account, if it is not the clients' one. It must be served. Device polls
    /// elsewhere get `other_dc`.
    pub user_location: Option<String>,
    /// Whether every refresh returns a new refresh token (false, as at Zoho). The one before works until the new one
    /// is first used.
    pub rotate_refresh_tokens: bool,
    /// Whether the redirect after Reject has `state` (true). Zoho sometimes omits it.
    pub state_on_reject: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            token_life: Duration::from_secs(3600),
            budget: 10,
            window: Duration::from_secs(600),
            live_tokens: 10,
            refresh_tokens: 20,
            codes: 10,
            code_life: Duration::from_secs(120),
            device_life: Duration::from_secs(300),
            device_poll_floor: Duration::from_secs(30),
            latency: Duration::ZERO,
            user_location: None,
            rotate_refresh_tokens: false,
            state_on_reject: true,
        }
    }
}

impl Limits {
    /// Applies the keys of a JSON object. Errors: an unknown key or a wrong type.
    pub fn overlaid(&self, changes: &serde_json::Value) -> Result<Limits, String> {
        let changes = changes.as_object().ok_or("a JSON object is expected")?;
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (key, value) in changes {
            all[key] = value.clone();
        }
        serde_json::from_value(all).map_err(|error| error.to_string())
    }
}

/// Milliseconds, capped to avoid overflows.
pub(super) fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

/// Parses a duration: `45s`, `10m`, `1h30m`, `300ms`, or bare seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wanted(text))?;
    Duration::try_from(parsed).map_err(|_| wanted(text))
}

fn wanted(text: &str) -> String {
    format!("'{text}' is not a duration such as 300ms, 45s, 10m, 1h30m or 90")
}

mod seconds {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        if duration.subsec_nanos() == 0 {
            return to.serialize_u64(duration.as_secs());
        }
        to.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn some_keys_change_and_the_others_stay() {
        let limits = Limits::default().overlaid(&json!({"token_life_s": 1.5, "budget": 3})).unwrap();
        assert_eq!(limits.token_life, Duration::from_millis(1500));
        assert_eq!((limits.budget, limits.window), (3, Duration::from_secs(600)));
    }

    #[test]
    fn a_misspelt_key_is_named() {
        let error = Limits::default().overlaid(&json!({"token_live_s": 1})).unwrap_err();
        assert!(error.contains("token_live_s"), "{error}");
    }

    #[test]
    fn durations_as_people_write_them() {
        for (text, ms) in [("300ms", 300), ("45s", 45_000), ("1h30m", 5_400_000), ("90", 90_000), ("0", 0)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "soon", "-3s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
