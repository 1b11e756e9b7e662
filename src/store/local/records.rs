//! The format of state files: JSON objects that begin with their version.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The version that this program writes. An incompatible format gets a new file name.
pub(crate) const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// `value` must serialize to a JSON object.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let body = serde_json::to_string(value).unwrap_or_else(|_| "{}".into());
    let separator = if body == "{}" { "" } else { "," };
    format!("{{\"version\":{VERSION}{separator}{}\n", body.trim_start_matches('{')).into_bytes()
}

/// `None` if the bytes are unparseable or of an unknown version.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let Version { version } = serde_json::from_slice(bytes).ok()?;
    (version == VERSION).then(|| serde_json::from_slice(bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Budget, CacheRecord, Ledger, Timestamp};
    use crate::oauth::{Answer, classify};
    use crate::system::files::SMALL;

    /// Regression: a busy hour with a budget of 1000, or one long token, wrote a file that no later call could read.
    #[test]
    fn what_is_written_is_never_too_long_to_be_read() {
        let now = Timestamp { wall_ms: 1 << 41, boot_ms: 1 << 41, boot_id: "b".repeat(36) };
        let budget = Budget { tokens: 1000, ..Budget::default() };
        let full = || {
            let mut ledger = Ledger::default();
            for _ in 0..1000 {
                ledger.reserve(&now, &budget);
                ledger.answered(&now, true);
            }
            ledger
        };
        for ledger in [full(), full().stricter(&full(), &now)] {
            assert!((200..=budget.tokens).contains(&ledger.used(&now, &budget)));
            assert!(encode(&ledger).len() < SMALL, "{}", encode(&ledger).len());
        }
        let body = |token: usize, scope: &str| {
            let scope = scope.repeat(16_384 / scope.len());
            format!(r#"{{"access_token":"{}","scope":"{scope}"}}"#, "a".repeat(token))
        };
        let Answer::Granted(granted) = classify(200, body(16_384, "a ").as_bytes(), false) else { panic!() };
        let record = CacheRecord::default().renewed(&granted, now.reading());
        assert!(record.is_sound() && record.scopes.len() == 8192 && encode(&record).len() < SMALL);
        assert!(matches!(classify(200, body(16_385, "a ").as_bytes(), false), Answer::Transient(_)));
        let Answer::Granted(granted) = classify(200, body(9, "\\u0001 ").as_bytes(), false) else { panic!() };
        assert_eq!(granted.scopes, None);
    }

    #[test]
    fn junk_and_newer_versions_are_nothing() {
        for bytes in
            [&b""[..], b"junk", b"{}", b"{\"version\":2}", b"{\"version\":1,\"requests\":7}", b"\0\0\0"]
        {
            assert_eq!(decode::<Ledger>(bytes), None);
        }
    }
}
