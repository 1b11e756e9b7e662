//! A request as the server read it.

use crate::i18n::Language;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Parameters whose values may be logged. Of all others only the names are.
const SHOWN: [&str; 18] = [
    "access_type",
    "client_id",
    "code_challenge_method",
    "decision",
    "fields",
    "from",
    "grant_type",
    "limit",
    "organization_id",
    "page",
    "page_token",
    "per_page",
    "prompt",
    "redirect_uri",
    "response_type",
    "scope",
    "soid",
    "token_type",
];

/// Parameters that belong in the form body, because query strings end up in logs.
const SECRET: [&str; 7] =
    ["access_token", "client_secret", "code", "code_verifier", "device_code", "refresh_token", "token"];

#[derive(Default)]
pub(super) struct Request {
    pub method: String,
    pub path: String,
    /// The data center of the port.
    pub data_center: String,
    pub query: Vec<(String, String)>,
    /// Parameters of an `application/x-www-form-urlencoded` or `multipart/form-data` body.
    pub form: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub user_agent: Option<String>,
    pub content_type: Option<String>,
    pub authorization: Option<String>,
    /// The header `orgId` of Desk.
    pub org_id: Option<String>,
    /// For the pages that a person sees.
    pub language: Language,
}

impl Request {
    /// A parameter of the query string or the body; the query has priority. An empty one counts as absent.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.params().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|v| !v.is_empty())
    }

    /// `grant_type` of a POST, or the name of the error.
    pub(super) fn posted_grant_type(&self) -> Result<&str, &'static str> {
        if self.method != "POST" {
            return Err("wrong_method");
        }
        self.param("grant_type").ok_or("missing_grant_type")
    }

    fn params(&self) -> impl Iterator<Item = &(String, String)> {
        self.query.iter().chain(&self.form)
    }

    /// Client ID and client secret, from parameters or HTTP Basic.
    pub(super) fn client(&self) -> (Option<String>, Option<String>) {
        let (mut id, mut secret) = (None, None);
        if let Some((user, password)) = self.basic() {
            (id, secret) = (Some(user), Some(password));
        }
        let given = |name: &str| self.param(name).map(str::to_owned);
        (given("client_id").or(id), given("client_secret").or(secret))
    }

    fn basic(&self) -> Option<(String, String)> {
        let encoded = self.authorization.as_deref()?.strip_prefix("Basic ")?;
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        decoded.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    }

    /// The access token of an API call, from the header only: `Zoho-oauthtoken` or `Bearer`.
    pub(super) fn api_token(&self) -> Option<&str> {
        let (scheme, token) = self.authorization.as_deref()?.split_once(' ')?;
        ["zoho-oauthtoken", "bearer"].contains(&scheme.to_ascii_lowercase().as_str()).then_some(token)
    }

    pub(super) fn authorization_scheme(&self) -> Option<String> {
        self.authorization.as_deref().and_then(|value| value.split(' ').next()).map(str::to_owned)
    }

    /// The parameters as they may be logged.
    pub(super) fn shown_params(&self) -> BTreeMap<String, String> {
        let shown = |(key, value): &(String, String)| {
            let value = if SHOWN.contains(&key.as_str()) { value.clone() } else { "(hidden)".to_owned() };
            (key.clone(), value)
        };
        self.params().map(shown).collect()
    }

    pub(super) fn names_in_query(&self) -> Vec<String> {
        self.query.iter().map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn secrets_in_query(&self) -> bool {
        self.query.iter().any(|(key, _)| SECRET.contains(&key.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn secrets_are_hidden_and_found_in_the_query() {
        let request = Request {
            query: vec![pair("client_secret", "s3"), pair("grant_type", "refresh_token")],
            form: vec![pair("unheard_of", "x")],
            ..Request::default()
        };
        let shown = request.shown_params();
        assert_eq!(shown["client_secret"], "(hidden)");
        assert_eq!(shown["unheard_of"], "(hidden)");
        assert_eq!(shown["grant_type"], "refresh_token");
        assert!(request.secrets_in_query());
    }

    #[test]
    fn basic_carries_client_and_secret() {
        let authorization = Some(format!("Basic {}", STANDARD.encode("1000.A:pass:word")));
        let request = Request { authorization, ..Request::default() };
        assert_eq!(request.client(), (Some("1000.A".to_owned()), Some("pass:word".to_owned())));
        assert_eq!(request.api_token(), None);
    }
}
