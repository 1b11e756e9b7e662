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
    use crate::model::Ledger;

    #[test]
    fn what_is_written_can_be_read() {
        let ledger = Ledger { failures: 3, ..Ledger::default() };
        assert_eq!(decode::<Ledger>(&encode(&ledger)), Some(ledger));
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
