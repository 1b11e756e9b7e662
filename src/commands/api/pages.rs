//! The next page of a list.

use crate::zoho::products::Paging;
use serde_json::Value;
use url::Url;

/// The URL of the page after `body`, which `url` returned. `None` after the last page.
pub(super) fn next(paging: Paging, url: &Url, body: &[u8]) -> Option<Url> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let number = |name: &str| {
        let found = url.query_pairs().find(|(key, _)| key == name);
        found.and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let next_page =
        |page: Option<u64>| with(url, "page", &(page.or(number("page")).unwrap_or(1) + 1).to_string(), "");
    match paging {
        Paging::Crm => {
            let info = body.get("info").filter(|info| info["more_records"] == true)?;
            Some(match info["next_page_token"].as_str() {
                Some(token) => with(url, "page_token", token, "page"),
                None => next_page(info["page"].as_u64()),
            })
        }
        Paging::Books => {
            let context = body.get("page_context").filter(|context| context["has_more_page"] == true)?;
            Some(next_page(context["page"].as_u64()))
        }
        Paging::Desk => {
            let found = body["data"].as_array()?.len() as u64;
            let first = number("from").unwrap_or(1).max(1);
            let is_full = found > 0 && found >= number("limit").unwrap_or(DESK_LIMIT);
            is_full.then(|| with(url, "from", &(first + found).to_string(), ""))
        }
    }
}

/// The records of a page if `limit` is not given.
const DESK_LIMIT: u64 = 10;

/// `url` with one parameter replaced and another one removed.
fn with(url: &Url, name: &str, value: &str, removed: &str) -> Url {
    let kept = url.query_pairs().filter(|(key, _)| key != name && key != removed);
    let kept: Vec<_> = kept.map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
    let mut next = url.clone();
    next.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_where_the_product_puts_it() {
        let full = format!(r#"{{"data":[{}]}}"#, ["{}"; 10].join(","));
        let cases = [
            (Paging::Crm, "?fields=a", r#"{"info":{"more_records":true,"page":1}}"#, Some("fields=a&page=2")),
            (
                Paging::Crm,
                "?page=2&fields=a",
                r#"{"info":{"more_records":true,"page":2,"next_page_token":"t+1"}}"#,
                Some("fields=a&page_token=t%2B1"),
            ),
            (Paging::Crm, "?page_token=x", r#"{"info":{"more_records":false}}"#, None),
            (Paging::Crm, "", r#"{"data":[]}"#, None),
            (
                Paging::Books,
                "?a=1",
                r#"{"page_context":{"page":1,"has_more_page":true}}"#,
                Some("a=1&page=2"),
            ),
            (Paging::Books, "?page=9", r#"{"page_context":{"page":9,"has_more_page":false}}"#, None),
            (Paging::Desk, "", &full, Some("from=11")),
            (Paging::Desk, "?from=0&limit=2", r#"{"data":[1,2]}"#, Some("limit=2&from=3")),
            (Paging::Desk, "?from=3&limit=2", r#"{"data":[1]}"#, None),
            (Paging::Desk, "?from=3&limit=2", "", None),
        ];
        for (paging, query, body, expected) in cases {
            let url = Url::parse(&format!("https://x.example/a{query}")).unwrap();
            let found = next(paging, &url, body.as_bytes());
            assert_eq!(found.as_ref().and_then(Url::query), expected, "{query} {body}");
        }
    }
}
