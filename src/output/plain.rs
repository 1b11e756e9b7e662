//! `token`, `json` and `header`.

use crate::output::view::{View, rfc3339};
use crate::sanitize;
use serde::Serialize;

pub(crate) fn token(view: &View<'_>) -> String {
    format!("{}\n", view.access_token)
}

/// `Authorization: Zoho-oauthtoken …` and a newline.
pub(crate) fn header(view: &View<'_>) -> String {
    format!("Authorization: {} {}\n", view.scheme.word(), view.access_token)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let scopes = ["ZohoCRM.modules.ALL".to_owned()];
        let view = crate::output::view::tests::view(&scopes);
        assert_eq!(token(&view), "1000.aa.bb\n");
        assert_eq!(header(&view), "Authorization: Zoho-oauthtoken 1000.aa.bb\n");
        assert_eq!(
            json(&view),
            "{\"version\":1,\"profile\":\"crm\",\"access_token\":\"1000.aa.bb\",\"scheme\":\"Zoho-oauthtoken\",\
             \"expires_at\":\"2030-01-01T00:01:00Z\",\"expires_in\":3471,\"api_domain\":\"https://www.zohoapis.jp\",\
             \"data_center\":\"jp\",\"scopes\":[\"ZohoCRM.modules.ALL\"]}\n"
        );
    }
}
