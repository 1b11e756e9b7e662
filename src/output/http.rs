//! `curl` and `headers-json`: the header as HTTP clients read it from a file or a pipe.

use crate::output::view::View;

/// A line for `curl -K -`. Tokens and schemes contain no character that needs escaping inside curl's quotes.
pub(crate) fn curl(view: &View<'_>) -> String {
    format!("header = \"Authorization: {} {}\"\n", view.scheme.word(), view.access_token)
}

pub(crate) fn headers_json(view: &View<'_>) -> String {
    let value = format!("{} {}", view.scheme.word(), view.access_token);
    serde_json::json!({ "Authorization": value }).to_string() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let view = crate::output::view::tests::view(&[]);
        assert_eq!(curl(&view), "header = \"Authorization: Zoho-oauthtoken 1000.aa.bb\"\n");
        assert_eq!(headers_json(&view), "{\"Authorization\":\"Zoho-oauthtoken 1000.aa.bb\"}\n");
    }
}
