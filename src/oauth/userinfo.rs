//! `GET /oauth/user/info`: it costs no quota, so it serves to ask whether a token still lives.
//!
//! Source: <https://www.zoho.com/accounts/protocol/oauth/use-access-token.html>.

/// Path of the endpoint below the accounts server's URL.
pub const PATH: &str = "/oauth/user/info";

/// What the answer says of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// `INVALID_OAUTHTOKEN`: no API will take it.
    Dead,
    /// Anything the server answers for a token it knows, `INVALID_OAUTHSCOPE` included.
    Alive,
    /// No answer that tells.
    Unknown,
}

/// Reads an answer of the endpoint.
pub fn liveness(status: u16, body: &[u8]) -> Liveness {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match (status, body.get("cause").and_then(|cause| cause.as_str())) {
        (500.., _) => Liveness::Unknown,
        (_, Some("INVALID_OAUTHTOKEN")) => Liveness::Dead,
        (200..=299, _) if body.is_object() => Liveness::Alive,
        (_, Some("INVALID_OAUTHSCOPE")) => Liveness::Alive,
        _ => Liveness::Unknown,
    }
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// The email address, with the name where there is one.
    Known(String),
    /// The token lacks `AaaServer.profile.READ`.
    NeedsScope,
    /// No answer that tells.
    Unknown,
}

/// Reads the owner of the token from an answer of the endpoint.
pub fn account(status: u16, body: &[u8]) -> Account {
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
    fn only_one_answer_kills_a_token() {
        assert_eq!(liveness(401, br#"{"response":"error","cause":"INVALID_OAUTHTOKEN"}"#), Liveness::Dead);
        assert_eq!(liveness(401, br#"{"response":"error","cause":"INVALID_OAUTHSCOPE"}"#), Liveness::Alive);
        assert_eq!(liveness(200, br#"{"ZUID":1}"#), Liveness::Alive);
        assert_eq!(liveness(200, b"<html>"), Liveness::Unknown);
        assert_eq!(liveness(503, br#"{"cause":"INVALID_OAUTHTOKEN"}"#), Liveness::Unknown);
    }
}
