//! The EngFlow credential-helper protocol: a URI in, headers and their expiry out.
//!
//! Source: <https://github.com/EngFlow/credential-helper-spec>.

use crate::config::hosts::Place;
use crate::error::Error;
use crate::helper::bad_input;
use crate::i18n::tr;
use crate::output::rfc3339;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Read;

/// A request. The specification requires that unknown keys are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UriRequest {
    /// The URI to authorize.
    pub uri: String,
}

impl UriRequest {
    /// Reads a JSON object with a `uri`, and nothing after it: a caller may keep `input` open until it has the answer.
    /// `Code::BadInput` if there is none.
    pub fn read(input: impl Read) -> Result<Self, Error> {
        let json = Value::deserialize(&mut serde_json::Deserializer::from_reader(input)).ok();
        // serde would also accept an array with the fields in order.
        let request = json.filter(Value::is_object).and_then(|json| serde_json::from_value(json).ok());
        request.ok_or_else(|| {
            bad_input(tr!("the request is not a JSON object with a \"uri\""), "zoho-cred helper uri")
        })
    }

    /// The destination of the request; `None` if it may not receive a token.
    pub fn place(&self) -> Option<Place> {
        Place::of_uri(&self.uri)
    }
}

/// An answer to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriAnswer {
    /// Scheme of the `Authorization` header.
    pub scheme: String,
    /// The access token.
    pub token: Secret,
    /// In seconds since 1970.
    pub expires_at: i64,
}

#[derive(Serialize)]
struct Json<'a> {
    headers: Headers<'a>,
    expires: String,
}

#[derive(Serialize)]
struct Headers<'a> {
    #[serde(rename = "Authorization")]
    authorization: [&'a str; 1],
}

impl UriAnswer {
    /// One JSON object and a newline.
    pub fn render(&self) -> Vec<u8> {
        let value = zeroize::Zeroizing::new(format!("{} {}", self.scheme, self.token.expose()));
        let json = Json { headers: Headers { authorization: [&value] }, expires: rfc3339(self.expires_at) };
        let mut bytes = serde_json::to_vec(&json).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use proptest::prelude::*;

    #[test]
    fn golden_bytes() {
        let answer = UriAnswer {
            scheme: "Zoho-oauthtoken".into(),
            token: Secret::new("1000.aaaa.bbbb"),
            expires_at: 1_893_456_000,
        };
        assert_eq!(
            answer.render(),
            b"{\"headers\":{\"Authorization\":[\"Zoho-oauthtoken 1000.aaaa.bbbb\"]},\
              \"expires\":\"2030-01-01T00:00:00Z\"}\n"
        );
    }

    #[test]
    fn only_an_object_with_a_uri_is_a_request() {
        let request =
            UriRequest::read(&br#"{"uri":"https://www.zohoapis.eu/crm/v8/org","x":[1]}{"#[..]).unwrap();
        assert_eq!(request.place().unwrap().as_str(), "www.zohoapis.eu");
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
            assert!(UriRequest::read(bad).is_err_and(|error| error.code() == Code::BadInput));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(uri: String) {
            let request = serde_json::json!({"uri": uri}).to_string();
            prop_assert_eq!(UriRequest::read(request.as_bytes()).unwrap().uri, uri);
        }

        #[test]
        fn no_bytes_crash_it(bytes: Vec<u8>, uri: String) {
            let _ = UriRequest::read(&*bytes);
            let _ = Place::of_uri(&uri);
        }

        #[test]
        fn an_answer_is_what_bazel_reads(token in "[A-Za-z0-9._~+/=-]{1,60}", expires_at in 0i64..4_000_000_000) {
            let answer = UriAnswer { scheme: "Bearer".into(), token: Secret::new(&*token), expires_at };
            let json: serde_json::Value = serde_json::from_slice(&answer.render()).unwrap();
            prop_assert_eq!(&json["headers"]["Authorization"][0], &format!("Bearer {token}"));
            let expires = json["expires"].as_str().unwrap();
            prop_assert!(expires.len() == 20 && expires.ends_with('Z'), "yyyy-MM-dd'T'HH:mm:ssXXX");
        }
    }
}
