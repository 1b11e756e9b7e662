//! Obtaining a refresh token: consent page, console code and device.

use super::caller::{Caller, secret, with_query};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::time::Duration;
use zoho_cred::sandbox::{Client, ClientKind, Limits, Options};

const REDIRECT: &str = "http://localhost:9437/callback";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The parameters of a valid authorize request.
fn authorize(client: &Client) -> HashMap<&str, &str> {
    HashMap::from([
        ("response_type", "code"),
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", REDIRECT),
        ("scope", "ZohoCRM.modules.ALL,ZohoCRM.org.READ"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("state", "s t&te"),
    ])
}

/// The status and the page, or the redirect URL.
fn open(caller: &Caller, parameters: &HashMap<&str, &str>) -> (u16, String) {
    let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, *value)).collect();
    let url = with_query(&caller.url("/oauth/v2/auth"), &parameters);
    seen(caller.http.get(url).send().unwrap())
}

fn seen(response: reqwest::blocking::Response) -> (u16, String) {
    let status = response.status().as_u16();
    match response.headers().get("location") {
        Some(location) => (status, location.to_str().unwrap().to_owned()),
        None => (status, response.text().unwrap()),
    }
}

/// Opens the page, clicks a button and returns the redirect URL.
fn click(caller: &Caller, parameters: &HashMap<&str, &str>, decision: &str) -> String {
    let (status, page) = open(caller, parameters);
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("<li><code>ZohoCRM.modules.ALL</code></li>"), "{page}");
    let consent = page.split(r#"name="consent" value=""#).nth(1).unwrap().split('"').next().unwrap();
    let url = caller.url("/oauth/v2/auth");
    let form = [("consent", consent), ("decision", decision)];
    let (status, location) = seen(caller.http.post(&url).form(&form).send().unwrap());
    assert_eq!(status, 302);
    // The button works only once.
    assert_eq!(caller.http.post(&url).form(&form).send().unwrap().status(), 400);
    location
}

fn of(location: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn code(caller: &Caller, parameters: &HashMap<&str, &str>) -> String {
    of(&click(caller, parameters, "accept"), "code").unwrap()
}

fn exchange(caller: &Caller, client: &Client, code: &str, more: &[(&str, &str)]) -> Value {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", &client.client_id),
        ("client_secret", secret(client, "us")),
        ("code", code),
    ];
    form.extend_from_slice(more);
    let (status, body) = caller.post("/oauth/v2/token", &form);
    assert_eq!(status, 200);
    body
}

const BACK: [(&str, &str); 1] = [("redirect_uri", REDIRECT)];

#[test]
fn the_consent_page_is_in_the_language_of_the_browser() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::ServerBased);
    let parameters: Vec<_> = authorize(client).into_iter().collect();
    let url = with_query(&caller.url("/oauth/v2/auth"), &parameters);
    for (languages, shown) in [
        ("ja,en-US;q=0.9", "アクセスを許可しますか？"),
        ("de-DE,ja-JP;q=0.5", "承認する"),
        ("en-US,en;q=0.9,ja;q=0.8", "Allow access?"),
        ("de", "Accept"),
    ] {
        let (_, page) =
            seen(caller.http.get(url.clone()).header("accept-language", languages).send().unwrap());
        assert!(page.contains(shown), "{languages}: {page}");
    }
}

#[test]
fn accept_leads_back_with_a_code_that_works_once() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::ServerBased);
    let location = click(&caller, &authorize(client), "accept");
    let server = caller.server.url().replace(':', "%3A").replace('/', "%2F");
    let code = of(&location, "code").unwrap();
    let landed = format!("{REDIRECT}?state=s+t%26te&code={code}&location=us&accounts-server={server}&");
    assert_eq!(location, landed);
    let body = exchange(&caller, client, &code, &BACK);
    assert!(body["access_token"].is_string() && body["refresh_token"].is_string(), "{body}");
    assert_eq!(body["scope"], "ZohoCRM.modules.ALL ZohoCRM.org.READ");
    assert_eq!(exchange(&caller, client, &code, &BACK), json!({"error": "invalid_code"}));
}

#[test]
fn reject_leads_back_with_access_denied() {
    let caller = Caller::new();
    let asked = authorize(caller.server.client(ClientKind::ServerBased));
    let location = click(&caller, &asked, "reject");
    assert_eq!(location, format!("{REDIRECT}?state=s+t%26te&error=access_denied&"));
    caller.server.set_limits(|limits| limits.state_on_reject = false).unwrap();
    assert_eq!(click(&caller, &asked, "reject"), format!("{REDIRECT}?error=access_denied&"));
}

#[test]
fn bad_authorize_requests_are_pages_in_zohos_words() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::ServerBased);
    for (name, value, words) in [
        ("client_id", "1000.NOBODY", "Invalid Client"),
        ("client_id", &caller.server.client(ClientKind::SelfClient).client_id, "Invalid Client"),
        ("response_type", "token", "Invalid response type"),
        ("scope", "ZohoCRM.modules.ALL ZohoCRM.org.READ", "Invalid OAuth scope"),
        ("scope", "", "Invalid OAuth scope"),
        ("redirect_uri", "http://localhost:9437/callback/", "Invalid Redirect Uri"),
        ("redirect_uri", "http://127.0.0.1:9437/callback", "Invalid Redirect Uri"),
        ("redirect_uri", "http://localhost:9438/callback", "Invalid Redirect Uri"),
        ("access_type", "sometimes", "Invalid access type"),
        ("code_challenge_method", "S512", "Invalid code challenge method"),
    ] {
        let mut asked = authorize(client);
        asked.insert(name, value);
        let (status, page) = open(&caller, &asked);
        assert!(status == 400 && page.contains(words), "{name}={value}: {status} {page}");
    }
}

#[test]
fn a_code_is_bound_to_client_and_redirect_uri_and_dies_after_two_minutes() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::ServerBased);
    let code = code(&caller, &authorize(client));
    let other = caller.server.client(ClientKind::Any);
    assert_eq!(exchange(&caller, other, &code, &BACK), json!({"error": "invalid_code"}));
    for wrong in [&[][..], &[("redirect_uri", "https://www.google.com/")]] {
        let body = exchange(&caller, client, &code, wrong);
        assert_eq!(body, json!({"error": "invalid_redirect_uri"}));
    }
    assert!(exchange(&caller, client, &code, &BACK)["access_token"].is_string());
    let late = self::code(&caller, &authorize(client));
    caller.server.advance(Duration::from_secs(120));
    assert_eq!(exchange(&caller, client, &late, &BACK), json!({"error": "invalid_code"}));
}

#[test]
fn pkce_is_checked() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::Mobile);
    let mut asked = authorize(client);
    assert_eq!(open(&caller, &asked).0, 400, "a mobile client without a challenge");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    asked.insert("code_challenge", &challenge);
    asked.insert("code_challenge_method", "S256");
    let code = code(&caller, &asked);
    let with = |verifier: &str| exchange(&caller, client, &code, &[BACK[0], ("code_verifier", verifier)]);
    for wrong in ["", "short", &challenge, &VERIFIER.to_lowercase()] {
        assert_eq!(with(wrong), json!({"error": "invalid_code"}), "{wrong}");
    }
    assert!(with(VERIFIER)["refresh_token"].is_string());
}

#[test]
fn without_offline_or_a_second_consent_there_is_no_refresh_token() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::ServerBased);
    let mut online = authorize(client);
    online.remove("access_type");
    let body = exchange(&caller, client, &code(&caller, &online), &BACK);
    assert!(body["access_token"].is_string() && body["refresh_token"].is_null());
    let mut unprompted = authorize(client);
    unprompted.remove("prompt");
    let (status, location) = open(&caller, &unprompted);
    assert_eq!(status, 302, "said yes before, so there is no page");
    let body = exchange(&caller, client, &of(&location, "code").unwrap(), &BACK);
    assert!(body["access_token"].is_string() && body["refresh_token"].is_null());
}

#[test]
fn the_eleventh_code_in_ten_minutes_is_access_denied() {
    let caller = Caller::new();
    let asked = authorize(caller.server.client(ClientKind::ServerBased));
    for _ in 0..10 {
        code(&caller, &asked);
    }
    assert_eq!(of(&click(&caller, &asked, "accept"), "error").as_deref(), Some("access_denied"));
}

#[test]
fn a_user_who_lives_elsewhere_is_sent_back_from_there() {
    let limits = Limits { user_location: Some("eu".into()), ..Limits::default() };
    let options = Options { other_data_centers: vec!["eu".into()], limits, ..Options::default() };
    let caller = Caller::with(options);
    let (client, eu) = (caller.server.client(ClientKind::ServerBased), caller.server.url_of("eu").unwrap());
    let location = click(&caller, &authorize(client), "accept");
    assert_eq!(of(&location, "location").as_deref(), Some("eu"));
    assert_eq!(of(&location, "accounts-server").as_deref(), Some(eu));
    let code = of(&location, "code").unwrap();
    assert_eq!(exchange(&caller, client, &code, &BACK), json!({"error": "invalid_code"}));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &client.client_id),
        ("client_secret", secret(client, "eu")),
        ("code", &code),
        BACK[0],
    ];
    let (_, body) = caller.post_to(eu, "/oauth/v2/token", &form);
    assert_eq!(body["api_domain"], eu);
    assert!(!caller.lives(body["access_token"].as_str().unwrap()), "its token is no good in us");
}

#[test]
fn a_self_client_exchanges_the_code_of_the_console() {
    let caller = Caller::new();
    let client = caller.server.client(ClientKind::SelfClient);
    let asked = json!({"scopes": ["ZohoCRM.org.READ"], "life_s": 600});
    let code = caller.control("self-client-code", &asked).1["code"].as_str().unwrap().to_owned();
    caller.server.advance(Duration::from_secs(599));
    let body = exchange(&caller, client, &code, &[]);
    assert_eq!(body["scope"], "ZohoCRM.org.READ");
    assert!(body["refresh_token"].is_string());
    let late = caller.server.self_client_code(&["ZohoCRM.org.READ"], Duration::from_secs(180));
    caller.server.advance(Duration::from_secs(180));
    assert_eq!(exchange(&caller, client, &late, &[]), json!({"error": "invalid_code"}));
}

/// `tests/it/device.rs` tests the polls.
#[test]
fn the_device_endpoints_are_strict() {
    let caller = Caller::new();
    let ask = |grant: &str, client: ClientKind, scope: &str| {
        let id = &caller.server.client(client).client_id;
        let form = [("grant_type", grant), ("client_id", id), ("scope", scope), ("access_type", "offline")];
        caller.post("/oauth/v3/device/code", &form)
    };
    let scope = "ZohoCRM.modules.ALL";
    let (status, body) = ask("device_request", ClientKind::Device, scope);
    assert_eq!((status, &body["interval"], &body["expires_in"]), (200, &json!(5000), &json!(300_000)));
    assert_eq!(ask("", ClientKind::Device, scope).0, 400);
    assert_eq!(ask("device_request", ClientKind::SelfClient, scope).1["error"], "invalid_client");
    assert_eq!(ask("device_request", ClientKind::Device, "a.b c.d").1["error"], "invalid_scope");
    let page = caller.url("/oauth/v3/device?user_code=WRONG");
    assert!(caller.http.get(page).send().unwrap().text().unwrap().contains("Invalid code"));
}
