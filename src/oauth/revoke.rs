//! `POST /oauth/v2/token/revoke` revokes a refresh token and all its access tokens.
//!
//! Zoho's pages put the token into the query. It is accepted in the form body too, which is not logged. Source:
//! <https://www.zoho.com/accounts/protocol/oauth/revoke-tokens.html>.

use crate::i18n::tr;
use serde_json::Value;

/// Path of the endpoint below the accounts server's URL.
pub const PATH: &str = "/oauth/v2/token/revoke";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    Now,
    /// The token was already invalid.
    Before,
    /// The token may still be valid. The reason has no text of the server.
    No(String),
}

/// Reads an answer: `{"status":"success"}`, or 400 for a token that Zoho does not know. A throttle is a 400 as well, and
/// revokes nothing.
pub fn outcome(status: u16, body: &[u8]) -> Revoked {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let word = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    if status == 429 || json.get("error_description").is_some() || word("status") == "failure" {
        return Revoked::No(tr!("the accounts server refuses requests for now"));
    }
    let dead = matches!(word("error"), "invalid_token" | "invalid_code" | "invalid_grant" | "INVALID_TOKEN");
    match status {
        200..=299 if word("status") == "success" => Revoked::Now,
        200..=499 if dead => Revoked::Before,
        400 if word("error").is_empty() => Revoked::Before,
        _ => Revoked::No(tr!("the accounts server answered {status} and did not confirm it", status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_and_a_dead_token_are_revoked() {
        assert_eq!(outcome(200, br#"{"status":"success"}"#), Revoked::Now);
        assert_eq!(outcome(400, b""), Revoked::Before);
        for error in ["invalid_token", "invalid_code", "invalid_grant", "INVALID_TOKEN"] {
            assert_eq!(outcome(200, format!(r#"{{"error":"{error}"}}"#).as_bytes()), Revoked::Before);
        }
    }

    #[test]
    fn anything_else_is_not() {
        for (status, body) in [
            (400, r#"{"status":"failure"}"#),
            (400, r#"{"error_description":"x"}"#),
            (200, r#"{"error_description":"x","error":"Access Denied","status":"failure"}"#),
            (429, r#"{"error":"invalid_token"}"#),
            (429, ""),
            (400, r#"{"error":"invalid_client"}"#),
            (200, "<html>"),
            (302, ""),
            (404, ""),
            (503, r#"{"error":"invalid_code"}"#),
        ] {
            assert!(matches!(outcome(status, body.as_bytes()), Revoked::No(_)), "{status} {body}");
        }
    }
}
