//! What an answer of the token endpoint means.
//!
//! The HTTP status tells little: Zoho reports nearly every failure with 200 and `{"error": …}`, a throttle with 400
//! or 200, in the language of the account. The classes are tried in the order of [`classify`].

use crate::i18n::kept;
use crate::model::Granted;
use crate::model::is_well_formed;
use crate::secret::Secret;
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest life that is believed: Zoho's tokens live one hour.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// A life this short is believed on loopback only, where tests are.
const SHORTEST_LIFE: Duration = Duration::from_secs(30);

/// The class of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A token.
    Granted(Granted),
    /// Too many requests: nobody asks until the cool-down has passed.
    Throttled,
    /// The refresh token is dead: somebody has to log in.
    Refused(Rejection),
    /// The client is not accepted: somebody has to correct the settings.
    Misconfigured(Rejection),
    /// Nothing is known; trying again may help. In words.
    Transient(String),
}

/// A final refusal, by Zoho's error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The error code: a plain word.
    pub error: String,
}

/// Classifies an answer of the token endpoint. `loopback` says that the server is on this machine.
pub fn classify(status: u16, body: &[u8], loopback: bool) -> Answer {
    let Some(json) = object(body) else {
        return match status {
            429 => Answer::Throttled,
            _ => Answer::Transient(kept!("the accounts server answered {status} without JSON", status)),
        };
    };
    let error = text(&json, "error");
    if status == 429 || (status < 500 && is_throttle(&json, error)) {
        return Answer::Throttled;
    }
    if status >= 500 {
        return Answer::Transient(kept!("the accounts server answered {status}", status));
    }
    if (300..400).contains(&status) {
        return Answer::Transient(kept!(
            "the accounts server answered {status}, a redirect, which is not followed",
            status
        ));
    }
    if (200..300).contains(&status)
        && let Some(token) = text(&json, "access_token").filter(|token| is_well_formed(token))
    {
        return granted(token, &json, loopback);
    }
    let rejection = |error: &str| Rejection { error: error.to_owned() };
    match error {
        Some(error) if is_refusal(error) => Answer::Refused(rejection(error)),
        Some(error) if is_misconfiguration(error) => Answer::Misconfigured(rejection(error)),
        Some(error) if is_plain_word(error) => {
            Answer::Transient(kept!("the accounts server answered {status} with '{error}'", status, error))
        }
        _ => unusable(status),
    }
}

/// An answer of which nothing is to be shown.
pub fn unusable(status: u16) -> Answer {
    Answer::Transient(kept!("the accounts server answered {status} without a usable token", status))
}

/// The JSON object in a body. A byte order mark and bytes that are no UTF-8 are suffered (RFC 8259, section 8.1): a
/// throttle in the language of an account must be understood in its encoding too, at least as one.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok()
}

fn granted(token: &str, json: &Map<String, Value>, loopback: bool) -> Answer {
    let life = life(json);
    if life.is_zero() || (life <= SHORTEST_LIFE && !loopback) {
        return Answer::Transient(kept!(
            "the accounts server answered with a token that is as good as expired"
        ));
    }
    Answer::Granted(Granted {
        access_token: Secret::new(token),
        refresh_token: text(json, "refresh_token").filter(|token| is_well_formed(token)).map(Secret::new),
        life,
        api_domain: text(json, "api_domain").and_then(api_domain),
        scopes: text(json, "scope").map(crate::model::split_scopes).filter(|scopes| !scopes.is_empty()),
    })
}

/// `expires_in_sec`, else `expires_in`, which means milliseconds where it is over a day; one hour where neither is.
fn life(json: &Map<String, Value>) -> Duration {
    let seconds = match (number(json, "expires_in_sec"), number(json, "expires_in")) {
        (Some(seconds), _) => seconds,
        (None, Some(n)) if n > 86_400 => n / 1000,
        (None, Some(seconds)) => seconds,
        (None, None) => LONGEST_LIFE.as_secs(),
    };
    Duration::from_secs(seconds).min(LONGEST_LIFE)
}

/// A whole number that may be written as text; below nought counts as nought.
fn number(json: &Map<String, Value>, key: &str) -> Option<u64> {
    let number = match json.get(key)? {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite()).map(|n| n.max(0.0) as u64)
}

/// An address that is fit to be printed and compared; anything else is as if it had not been sent.
fn api_domain(text: &str) -> Option<String> {
    // A URL is read past line breaks and tabs in it, as if they were not there.
    let url = url::Url::parse(text).ok().filter(|_| text.bytes().all(|b| b.is_ascii_graphic()))?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && crate::model::is_loopback(&url));
    (plain && safe && url.fragment().is_none()).then(|| url.as_str().trim_end_matches('/').to_owned())
}

fn text<'a>(json: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Value::as_str)
}

/// The text is localised, so its shape decides: `status` "failure", a description of an error that is none of the
/// known ones, or an error that is a phrase of the kind "Access Denied" in whatever language.
fn is_throttle(json: &Map<String, Value>, error: Option<&str>) -> bool {
    if text(json, "status").is_some_and(|status| status.eq_ignore_ascii_case("failure")) {
        return true;
    }
    let described = text(json, "error_description").is_some_and(|words| !words.trim().is_empty());
    match error {
        Some(error) => {
            let known = is_refusal(error) || is_misconfiguration(error);
            (described && !known) || is_access_denied(error)
        }
        None => described && !json.contains_key("access_token"),
    }
}

/// "Access Denied" as Zoho words it; any text outside ASCII is a translation of it, as codes are ASCII.
fn is_access_denied(error: &str) -> bool {
    const PHRASES: [&str; 9] = [
        "access denied",
        "too many requests",
        "zugriff verweigert",
        "acceso denegado",
        "acesso negado",
        "accesso negato",
        "toegang geweigerd",
        "akses ditolak",
        "odmowa",
    ];
    let lower = error.to_lowercase();
    !error.is_ascii() || PHRASES.iter().any(|phrase| lower.contains(phrase))
}

fn is_refusal(error: &str) -> bool {
    matches!(error, "invalid_code" | "invalid_grant")
}

/// What only a change of the settings can mend: client, secret, redirect, scope or organisation.
fn is_misconfiguration(error: &str) -> bool {
    matches!(
        error,
        "invalid_client" | "invalid_client_secret" | "invalid_redirect_uri" | "unauthorized_client"
    ) || (is_plain_word(error)
        && (error.contains("scope")
            || error.contains("_org")
            || error.contains("org_")
            || error.contains("soid")))
}

/// A code such as `invalid_code`: fit to be shown.
fn is_plain_word(error: &str) -> bool {
    (1..=64).contains(&error.len())
        && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(status: u16, body: &str) -> Answer {
        classify(status, body.as_bytes(), false)
    }

    fn life_of(body: &str) -> Option<u64> {
        match of(200, body) {
            Answer::Granted(granted) => Some(granted.life.as_secs()),
            _ => None,
        }
    }

    #[test]
    fn a_throttle_is_known_by_its_shape_in_every_language() {
        let english = r#"{"error_description":"You have made too many requests continuously.","error":"Access Denied","status":"failure"}"#;
        let chinese = r#"{"error_description":"您已连续提出过多请求，请稍后再试。","error":"拒绝访问","status":"failure"}"#;
        for status in [200, 400, 403] {
            assert_eq!(of(status, english), Answer::Throttled);
            assert_eq!(of(status, chinese), Answer::Throttled);
            assert_eq!(of(status, r#"{"error":"拒绝访问"}"#), Answer::Throttled);
            assert_eq!(of(status, r#"{"error":"odd","error_description":"x"}"#), Answer::Throttled);
        }
        assert_eq!(of(429, ""), Answer::Throttled);
        for status in [500, 503] {
            assert!(matches!(of(status, english), Answer::Transient(_)), "{status}");
        }
    }

    #[test]
    fn a_description_without_words_describes_nothing_and_one_without_an_error_a_throttle() {
        for body in
            [r#"{"error":"odd","error_description":null}"#, r#"{"error":"odd","error_description":" "}"#]
        {
            assert!(matches!(of(400, body), Answer::Transient(_)), "{body}");
        }
        for body in
            [r#"{"error_description":"too many"}"#, r#"{"error":{"code":7},"error_description":"too many"}"#]
        {
            assert_eq!(of(400, body), Answer::Throttled, "{body}");
        }
        let granted = r#"{"access_token":"1000.a.b","error_description":"x"}"#;
        assert!(matches!(of(200, granted), Answer::Granted(_)));
    }

    #[test]
    fn an_answer_in_another_encoding_is_understood_as_far_as_it_matters() {
        let throttle = b"{\"error\":\"\x8b\x91\x94\xdb\",\"status\":\"failure\"}";
        assert_eq!(classify(400, throttle, false), Answer::Throttled);
        let marked = b"\xef\xbb\xbf{\"access_token\":\"1000.a.b\"}";
        assert!(matches!(classify(200, marked, false), Answer::Granted(_)));
        let broken = b"{\"access_token\":\"1000.a\xff.b\"}";
        assert!(matches!(classify(200, broken, false), Answer::Transient(_)));
    }

    #[test]
    fn a_described_known_error_is_that_error() {
        let body = r#"{"error":"invalid_client","error_description":"x"}"#;
        assert!(matches!(of(200, body), Answer::Misconfigured(_)));
    }

    #[test]
    fn errors_are_told_apart() {
        let refused = |e: &str| matches!(of(200, &format!(r#"{{"error":"{e}"}}"#)), Answer::Refused(_));
        let misconfigured =
            |e: &str| matches!(of(200, &format!(r#"{{"error":"{e}"}}"#)), Answer::Misconfigured(_));
        let transient = |e: &str| matches!(of(200, &format!(r#"{{"error":"{e}"}}"#)), Answer::Transient(_));
        assert!(refused("invalid_code") && refused("invalid_grant"));
        for e in [
            "invalid_client",
            "invalid_client_secret",
            "invalid_redirect_uri",
            "invalid_scope",
            "missing_org_info",
            "missing_org",
            "org_missing",
            "invalid_soid",
        ] {
            assert!(misconfigured(e), "{e}");
        }
        assert!(
            transient("general_error") && transient("server_error") && transient("unsupported_grant_type")
        );
    }

    #[test]
    fn only_an_error_that_is_a_plain_word_is_repeated() {
        let problem = |error: &str| {
            let body = serde_json::json!({ "error": error }).to_string();
            let Answer::Transient(problem) = of(200, &body) else { panic!("{error}") };
            problem
        };
        assert!(problem("general_error").contains("'general_error'"));
        for strange in ["a scope <b>", "no_scope\u{1b}[2J", "with a blank", ""] {
            assert!(problem(strange).ends_with("without a usable token"), "{strange}");
        }
    }

    #[test]
    fn a_server_error_is_transient_whatever_it_says() {
        for body in [r#"{"error":"invalid_code"}"#, r#"{"access_token":"1000.a.b"}"#, "<html>", ""] {
            assert!(matches!(of(503, body), Answer::Transient(_)), "{body}");
        }
    }

    #[test]
    fn a_life_is_read_as_every_zoho_product_writes_it() {
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":3600}"#), Some(3600));
        assert_eq!(
            life_of(r#"{"access_token":"1000.a.b","expires_in_sec":3600,"expires_in":3600000}"#),
            Some(3600)
        );
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":3600000}"#), Some(3600));
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":1800000}"#), Some(1800));
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":"1800"}"#), Some(1800));
        assert_eq!(life_of(r#"{"access_token":"1000.a.b"}"#), Some(3600));
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":86400}"#), Some(3600));
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":30}"#), None);
        assert_eq!(life_of(r#"{"access_token":"1000.a.b","expires_in":-5}"#), None);
    }

    #[test]
    fn a_short_life_is_believed_on_loopback() {
        let body = br#"{"access_token":"1000.a.b","expires_in":5}"#;
        assert!(matches!(classify(200, body, true), Answer::Granted(_)));
    }

    #[test]
    fn hostile_tokens_and_domains_are_not_taken() {
        for token in ["a\\nb", "a\\\"b", "a\\u0000b", "a b", ""] {
            let body = format!(r#"{{"access_token":"{token}"}}"#);
            assert!(matches!(of(200, &body), Answer::Transient(_)), "{body}");
        }
        let body = r#"{"access_token":"a","api_domain":"https://x.example/\nEvil: 1","expires_in":3600}"#;
        let Answer::Granted(granted) = of(200, body) else { panic!() };
        assert_eq!(granted.api_domain, None);
    }

    #[test]
    fn an_api_domain_is_an_address_without_secrets_or_query() {
        let of = |domain: &str, scope: &str| {
            let body =
                serde_json::json!({"access_token": "a", "api_domain": domain, "scope": scope}).to_string();
            let Answer::Granted(granted) = of(200, &body) else { panic!("{domain}") };
            (granted.api_domain, granted.scopes)
        };
        let domain = |domain: &str| of(domain, "").0;
        for good in ["https://www.zohoapis.eu", "http://127.0.0.1:8080", "http://localhost:1"] {
            assert_eq!(domain(good).as_deref(), Some(good));
        }
        assert_eq!(domain("https://www.zohoapis.eu/").as_deref(), Some("https://www.zohoapis.eu"));
        for bad in [
            "http://www.zohoapis.eu",
            "ftp://127.0.0.1",
            "https://user@www.zohoapis.eu",
            "https://:word@www.zohoapis.eu",
            "https://www.zohoapis.eu/?a=b",
            "https://www.zohoapis.eu/#a",
            "www.zohoapis.eu",
            "",
        ] {
            assert_eq!(domain(bad), None, "{bad}");
        }
        assert_eq!(of("", "").1, None);
        assert_eq!(of("", "ZohoCRM.org.READ,a").1, Some(vec!["ZohoCRM.org.READ".to_owned(), "a".to_owned()]));
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_classifier(status in 100u16..600, body in proptest::collection::vec(any::<u8>(), 0..200)) {
            classify(status, &body, false);
        }

        #[test]
        fn only_a_2xx_with_a_sound_token_grants(status in 100u16..600, token in "\\PC{0,12}", error in "[a-z_]{0,12}") {
            let body = serde_json::json!({"access_token": token, "error": error}).to_string();
            if let Answer::Granted(granted) = classify(status, body.as_bytes(), false) {
                prop_assert!((200..300).contains(&status));
                prop_assert!(is_well_formed(granted.access_token.expose()));
                prop_assert!(granted.life <= LONGEST_LIFE && granted.life > SHORTEST_LIFE);
            }
        }

        #[test]
        fn a_5xx_is_never_final(status in 500u16..600, body in "\\PC{0,60}") {
            prop_assert!(matches!(classify(status, body.as_bytes(), false), Answer::Transient(_)));
        }
    }
}
