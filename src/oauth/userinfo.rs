//! `GET /oauth/user/info`: whose token it is, and whether it is still valid. It does not count against Zoho's limit.
//!
//! Source: <https://www.zoho.com/accounts/protocol/oauth/use-access-token.html>.

/// Path of the endpoint below the accounts server's URL.
pub const PATH: &str = "/oauth/user/info";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// 401 with `INVALID_OAUTHTOKEN` or `OAUTHTOKEN_EXPIRED`: no API accepts it.
    Dead,
    /// 200 with the user's `ZUID` or `Email`, or 401 with `INVALID_OAUTHSCOPE`, which only a live token gets.
    Alive,
    /// Anything else, such as a throttle or an IP restriction that Zoho's filter answers with 200.
    Unknown,
}

/// Reads an answer of the endpoint.
pub fn liveness(status: u16, body: &[u8]) -> Liveness {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let names_user = ["ZUID", "Email"].iter().any(|key| is_value(body.get(key)));
    match (status, body.get("cause").and_then(|cause| cause.as_str())) {
        (401, Some("INVALID_OAUTHTOKEN" | "OAUTHTOKEN_EXPIRED")) => Liveness::Dead,
        (401, Some("INVALID_OAUTHSCOPE")) => Liveness::Alive,
        (200, _) if names_user => Liveness::Alive,
        _ => Liveness::Unknown,
    }
}

fn is_value(value: Option<&serde_json::Value>) -> bool {
    value.is_some_and(|value| value.is_number() || value.as_str().is_some_and(|text| !text.is_empty()))
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// The email address, with the name where there is one.
    Known(String),
    /// The token lacks `AaaServer.profile.READ`.
    NeedsScope,
    /// No answer that tells.
    Unknown,
}

/// Reads the owner of the token from an answer of the endpoint.
pub(crate) fn account(status: u16, body: &[u8]) -> Account {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| body.get(key).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
    match (status, text("Email"), text("Display_Name")) {
        (200..=299, Some(email), Some(name)) => Account::Known(format!("{name} <{email}>")),
        (200..=299, Some(email), None) => Account::Known(email.to_owned()),
        (200..=499, ..) if text("cause") == Some("INVALID_OAUTHSCOPE") => Account::NeedsScope,
        _ => Account::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_known_by_its_email() {
        let known = br#"{"Email":"x@e.com","Display_Name":"x y","ZUID":1}"#;
        assert_eq!(account(200, known), Account::Known("x y <x@e.com>".into()));
        assert_eq!(account(200, br#"{"Email":"x@e.com"}"#), Account::Known("x@e.com".into()));
        assert_eq!(account(401, br#"{"cause":"INVALID_OAUTHSCOPE"}"#), Account::NeedsScope);
        for (status, body) in
            [(500, &known[..]), (200, b"<html>"), (200, br#"{"code":"Z101","cause":"throttles"}"#)]
        {
            assert_eq!(account(status, body), Account::Unknown);
        }
    }

    #[test]
    fn a_token_is_dead_or_alive_only_where_zoho_says_so() {
        use Liveness::{Alive, Dead, Unknown};
        for (status, body, expected) in [
            (401, r#"{"response":"error","cause":"INVALID_OAUTHTOKEN"}"#, Dead),
            (401, r#"{"response":"error","cause":"OAUTHTOKEN_EXPIRED"}"#, Dead),
            (401, r#"{"response":"error","cause":"INVALID_OAUTHSCOPE"}"#, Alive),
            (200, r#"{"ZUID":795542386}"#, Alive),
            (200, r#"{"Email":"x@e.com"}"#, Alive),
            (200, r#"{"response":"error","code":"Z101","cause":"throttles_limit_exceeded"}"#, Unknown),
            (200, r#"{"response":"error","code":"T102","cause":"ip_not_allowed"}"#, Unknown),
            (200, r#"{"ZUID":null,"Email":""}"#, Unknown),
            (200, "{}", Unknown),
            (200, "<html>", Unknown),
            (200, r#"{"cause":"INVALID_OAUTHTOKEN"}"#, Unknown),
            (401, "", Unknown),
            (503, r#"{"cause":"INVALID_OAUTHTOKEN"}"#, Unknown),
        ] {
            assert_eq!(liveness(status, body.as_bytes()), expected, "{status} {body}");
        }
    }
}
