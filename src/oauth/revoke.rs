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
