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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_answer_kills_a_token() {
        assert_eq!(liveness(401, br#"{"response":"error","cause":"INVALID_OAUTHTOKEN"}"#), Liveness::Dead);
        assert_eq!(liveness(401, br#"{"response":"error","cause":"INVALID_OAUTHSCOPE"}"#), Liveness::Alive);
        assert_eq!(liveness(200, br#"{"ZUID":1}"#), Liveness::Alive);
        assert_eq!(liveness(200, b"<html>"), Liveness::Unknown);
        assert_eq!(liveness(503, br#"{"cause":"INVALID_OAUTHTOKEN"}"#), Liveness::Unknown);
    }
}
