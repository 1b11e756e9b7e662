//! The HTML pages, self-contained and without scripts.

use crate::error::page as page_of_docs;
use crate::i18n::{language, tr};
use crate::sandbox::books;
use crate::sandbox::client::ClientKind;
use crate::sandbox::desk;
use crate::sandbox::state::SandboxState;

/// The consent page, with the buttons `#accept` and `#reject`.
pub(super) fn consent(client_id: &str, scopes: &[String], consent: &str) -> String {
    let client = format!("<code>{}</code>", escaped(client_id));
    let intro = tr!("The application {client} would like to use:", client);
    page("Zoho Accounts (sandbox)", &ask(&intro, scopes, "/oauth/v2/auth", "consent", consent))
}

/// The page on which the user enters a device's code.
pub(super) fn device_entry(error: Option<&str>) -> String {
    let error = error.map(|error| format!(r#"<p class="error">{}</p>"#, escaped(error))).unwrap_or_default();
    let (title, label, next) =
        (tr!("Connect a device"), tr!("Code shown on your device"), tr!("Next##button"));
    let body = format!(
        r#"<h1>{title}</h1>{error}<form method="get" action="/oauth/v3/device">
<label>{label} <input name="user_code" autofocus required></label>
<button id="next">{next}</button></form>"#
    );
    page(&title, &body)
}

/// The consent page of a device, with the buttons `#accept` and `#reject`.
pub(super) fn device_consent(client_id: &str, scopes: &[String], user_code: &str) -> String {
    let code = format!("<strong>{}</strong>", escaped(user_code));
    let client = format!("<code>{}</code>", escaped(client_id));
    let intro =
        tr!("The application {client} on the device that shows {code} would like to use:", client, code);
    page(&tr!("Connect a device"), &ask(&intro, scopes, "/oauth/v3/device", "user_code", user_code))
}

/// The page at `/`.
pub(super) fn home(state: &SandboxState) -> String {
    let row = |(method, path, what): (&str, &str, &str)| {
        format!("<tr><td><code>{method} {path}</code></td><td>{}</td></tr>", escaped(what))
    };
    let rows: String = ENDPOINTS.into_iter().map(row).collect();
    let client = state.client(ClientKind::Any);
    let servers: String = state
        .setup
        .data_centers
        .iter()
        .map(|(name, url)| format!("<li>{name}: <code>{url}</code></li>"))
        .collect();
    let body = format!(
        r#"<h1>Zoho sandbox</h1><p>Zoho Accounts and a small CRM, Desk and Books, with Zoho's limits. Nothing here is real.</p>
<ul>{servers}</ul><p>Client ID <code>{}</code>, Desk <code>orgId: {}</code>, Books <code>organization_id={}</code></p>
<table>{rows}</table><p>See {} for an example for each.</p>"#,
        escaped(&client.client_id),
        desk::ORG_ID,
        books::ORGANIZATION_ID,
        escaped(&page_of_docs("sandbox")),
    );
    page("Zoho sandbox", &body)
}

const ENDPOINTS: [(&str, &str, &str); 17] = [
    ("GET", "/oauth/v2/auth", "consent page"),
    ("POST", "/oauth/v2/token", "access tokens"),
    ("POST", "/oauth/v2/token/revoke", "revokes a token"),
    ("POST", "/oauth/v3/device/code", "starts the device flow"),
    ("POST", "/oauth/v3/device/token", "polls for the token of a device"),
    ("GET", "/oauth/v3/device", "page on which the code of a device is entered"),
    ("GET", "/oauth/serverinfo", "data centers"),
    ("GET", "/oauth/user/info", "the user; scope AaaServer.profile.READ"),
    ("GET", "/crm/v8/Leads?fields=Last_Name", "records of Leads or Contacts; POST adds some"),
    ("GET", "/crm/v8/org", "the organization; scope ZohoCRM.org.READ"),
    ("GET", "/api/v1/tickets", "tickets of Desk, with the header orgId"),
    ("GET", "/books/v3/invoices?organization_id=…", "invoices of Books"),
    ("GET", "/sandbox/log", "every request; DELETE empties it"),
    ("GET", "/sandbox/state", "budgets and live tokens"),
    ("GET", "/sandbox/faults", "injected faults; POST adds one, DELETE removes all"),
    ("GET", "/sandbox/limits", "the limits; POST changes some"),
    ("GET", "/sandbox/clients", "the registered clients"),
];

/// A page with a heading and one line.
pub(super) fn message(title: &str, text: &str) -> String {
    page(title, &format!("<h1>{}</h1><p>{}</p>", escaped(title), escaped(text)))
}

fn ask(intro: &str, scopes: &[String], action: &str, field: &str, value: &str) -> String {
    let scopes: String =
        scopes.iter().map(|scope| format!("<li><code>{}</code></li>", escaped(scope))).collect();
    let (title, accept, reject) = (tr!("Allow access?"), tr!("Accept##button"), tr!("Reject##button"));
    format!(
        r#"<h1>{title}</h1><p>{intro}</p><ul id="scopes">{scopes}</ul>
<form method="post" action="{action}"><input type="hidden" name="{field}" value="{}">
<button id="accept" name="decision" value="accept">{accept}</button>
<button id="reject" name="decision" value="reject">{reject}</button></form>"#,
        escaped(value)
    )
}

fn page(title: &str, body: &str) -> String {
    let language = language().tag();
    format!(
        r#"<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{}</title>
<meta name="viewport" content="width=device-width"><style>
body{{font:16px/1.5 sans-serif;max-width:36em;margin:4em auto;padding:0 1em}}
td{{padding:.1em 1em .1em 0;vertical-align:top}}
button{{font:inherit;padding:.4em 1.5em;margin-right:1em}}.error{{color:#b00}}
</style></head><body>{body}</body></html>
"#,
        escaped(title)
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let page = device_consent("<b>", &["a.b\"".to_owned()], "x'&");
        assert!(!page.contains("<b>") && page.contains("&lt;b&gt;"));
        assert!(page.contains("a.b&quot;") && page.contains("x&#39;&amp;"));
    }
}
