//! `token`, `json`, and the header in the forms that HTTP clients read.

use crate::output::view::{View, rfc3339};
use crate::sanitize;
use serde::Serialize;

pub(crate) fn token(view: &View<'_>) -> String {
    format!("{}\n", view.access_token)
}

/// `Authorization: Zoho-oauthtoken …`, without a newline.
pub(crate) fn header(view: &View<'_>) -> String {
    format!("Authorization: {}", view.authorization())
}

/// A line for `curl -K -`. Tokens and schemes contain no character that needs escaping inside curl's quotes.
pub(crate) fn curl(view: &View<'_>) -> String {
    format!("header = \"{}\"\n", header(view))
}

pub(crate) fn headers_json(view: &View<'_>) -> String {
    serde_json::json!({ "Authorization": view.authorization() }).to_string() + "\n"
}

#[derive(Serialize)]
struct Json<'a> {
    version: u32,
    profile: &'a str,
    access_token: &'a str,
    scheme: &'a str,
    expires_at: String,
    expires_in: i64,
    api_domain: Option<&'a str>,
    data_center: Option<&'a str>,
    scopes: &'a [String],
}

pub(crate) fn json(view: &View<'_>) -> String {
    let json = Json {
        version: 1,
        profile: view.profile,
        access_token: view.access_token,
        scheme: view.scheme.word(),
        expires_at: rfc3339(view.expires_at),
        expires_in: view.expires_in,
        api_domain: view.api_domain.as_deref(),
        data_center: view.data_center,
        scopes: view.scopes,
    };
    sanitize::json(&json) + "\n"
}
