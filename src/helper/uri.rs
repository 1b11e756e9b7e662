//! The EngFlow credential-helper protocol: a URI in, headers and their expiry out.
//!
//! Source: <https://github.com/EngFlow/credential-helper-spec>.

use crate::config::hosts::Place;
use crate::error::Error;
use crate::helper::bad_input;
use crate::i18n::tr;
use crate::output::{View, rfc3339};
use crate::sanitize::json;
use serde::{Deserialize, Serialize};
use serde_json::{Deserializer, Value};
use std::collections::BTreeMap;
use std::io::Read;

/// Reads a JSON object and returns the host of its `uri`, or `None` if no token may be sent to it. Reads nothing after the
/// object: a caller may keep `input` open until it has the answer. Unknown keys are ignored, as the specification
/// requires. `Code::BadInput` if there is no `uri`.
pub fn read(input: impl Read) -> Result<Option<Place>, Error> {
    let request = Value::deserialize(&mut Deserializer::from_reader(input)).unwrap_or_default();
    request.get("uri").and_then(Value::as_str).map(Place::of_uri).ok_or_else(|| {
        bad_input(tr!("the request is not a JSON object with a \"uri\""), "zoho-cred helper uri")
    })
}

#[derive(Serialize)]
struct Answer {
    headers: BTreeMap<&'static str, [String; 1]>,
    expires: String,
}

/// One JSON object and a newline.
pub(crate) fn answer(view: &View<'_>) -> String {
    let headers = BTreeMap::from([("Authorization", [view.authorization()])]);
    json(&Answer { headers, expires: rfc3339(view.reported_expires_at) }) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn only_an_object_with_a_uri_is_a_request() {
        let request = &br#"{"uri":"https://www.zohoapis.eu/crm/v8/org","x":[1]}{"#[..];
        assert_eq!(read(request).unwrap(), Place::new("https", "www.zohoapis.eu"));
        for bad in [
            &b""[..],
            b"{}",
            b"[]",
            b"{\"uri\":1}",
            b"{\"uri\":\"https://x",
            b"\xff",
            b"{\"url\":\"x\"}",
            b"[\"https://x\"]",
        ] {
            assert!(read(bad).is_err_and(|error| error.code() == Code::BadInput));
        }
    }
}
