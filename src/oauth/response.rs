//! Classifies an answer of the token endpoint.
//!
//! The HTTP status says little: Zoho reports nearly every failure with 200 and `{"error": …}`, and a throttle with 400
//! or 200 in the account's language.

use crate::model::{Granted, LONGEST, is_loopback, is_well_formed, split_scopes};
use crate::oauth::access_denied::says_access_denied;
use crate::oauth::rejection::{IP_NOT_ALLOWED, LikelyCause};
use crate::problem::{Problem, is_plain_word};
use crate::secret::Secret;
use serde_json::{Map, Value};
use std::time::Duration;

/// Zoho's tokens live one hour. A longer life counts as this.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// A life this short is accepted on loopback only, for tests.
const SHORTEST_LIFE: Duration = Duration::from_secs(30);

/// The longest `api_domain`, in bytes.
const LONGEST_URL: usize = 1024;

/// The classes of answers, with what each carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Granted(Granted),
    /// Too many requests: no request is sent until the cooldown has passed.
    Throttled,
    /// The refresh token is invalid, and a new login is needed. With Zoho's error code, a plain word.
    Refused(String),
    /// The client is rejected, and its settings must be corrected. With Zoho's error code.
    Misconfigured(String),
    /// An unknown error code. The request is not repeated in the same call.
    Unknown(String),
    /// Anything else; a retry may help.
    Transient(Problem),
}

/// The error codes of an invalid refresh token.
const REFUSED: [&str; 6] = [
    "invalid_code",
    "invalid_grant",
    "invalid_token",
    "invalid_mobile_code",
    "inactive_refreshtoken",
    "unconfirmed_user",
];

/// Classifies an answer of the token endpoint, in the order of the contract's table (section 3). `loopback` says that the
/// server is on this machine.
pub fn classify(status: u16, body: &[u8], loopback: bool) -> Answer {
    let json = object(body);
    if status == 429 || (status < 500 && json.as_ref().is_some_and(is_throttle)) {
        return Answer::Throttled;
    }
    let is_success = (200..300).contains(&status);
    let json = json.filter(|_| is_success || (400..500).contains(&status)).unwrap_or_default();
    if let Some(token) = access_token(&json).filter(|_| is_success) {
        return granted(&json, token, loopback);
    }
    match error_code(&json) {
        Some(code) if REFUSED.contains(&code.as_str()) => Answer::Refused(code),
        Some(code) if LikelyCause::of(&code).is_some() => Answer::Misconfigured(code),
        Some(code) => Answer::Unknown(code),
        None => Answer::Transient(Problem::Status(status)),
    }
}

impl Answer {
    /// The error code that the answer carries, if any.
    pub fn error(&self) -> Option<&str> {
        match self {
            Answer::Refused(code) | Answer::Misconfigured(code) | Answer::Unknown(code) => Some(code),
            Answer::Granted(_) | Answer::Throttled | Answer::Transient(_) => None,
        }
    }
}

fn text<'a>(json: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    json.get(key)?.as_str()
}

fn access_token(json: &Map<String, Value>) -> Option<&str> {
    text(json, "access_token").filter(|token| is_well_formed(token))
}

/// The error code, fit to be stored and shown.
fn error_code(json: &Map<String, Value>) -> Option<String> {
    if text(json, "cause").is_some_and(|cause| cause.eq_ignore_ascii_case(IP_NOT_ALLOWED))
        || text(json, "code").is_some_and(|code| code.eq_ignore_ascii_case("T102"))
    {
        return Some(IP_NOT_ALLOWED.to_owned());
    }
    text(json, "error").map(str::to_ascii_lowercase).filter(|code| is_plain_word(code))
}

/// Whether the server refuses requests for now.
fn is_throttle(json: &Map<String, Value>) -> bool {
    let is_known = || {
        let is_final = |code: String| REFUSED.contains(&code.as_str()) || LikelyCause::of(&code).is_some();
        access_token(json).is_some() || error_code(json).is_some_and(is_final)
    };
    let is_described = text(json, "error_description").is_some_and(|words| !words.trim().is_empty());
    let nested = json.get("error").and_then(Value::as_object);
    text(json, "status").is_some_and(|status| status.eq_ignore_ascii_case("failure"))
        || (is_described && !is_known())
        || text(json, "error").is_some_and(says_access_denied)
        || names_throttle(json)
        || nested.is_some_and(names_throttle)
}

/// `Z101` with `throttles_limit_exceeded`, or `URL_…_THROTTLES_LIMIT_EXCEEDED`.
fn names_throttle(json: &Map<String, Value>) -> bool {
    let texts = ["cause", "code", "title"].into_iter().filter_map(|key| text(json, key));
    texts.map(str::to_ascii_lowercase).any(|text| text.contains("throttle") || text == "z101")
}

/// The JSON object in a body. A byte order mark and invalid UTF-8 are accepted (RFC 8259, section 8.1): a throttle must
/// be recognized in whatever encoding it comes.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok()
}

fn granted(json: &Map<String, Value>, token: &str, loopback: bool) -> Answer {
    let life = life(json);
    if life.is_zero() || (life <= SHORTEST_LIFE && !loopback) {
        return Answer::Transient(Problem::TokenExpired);
    }
    Answer::Granted(Granted {
        access_token: Secret::new(token),
        refresh_token: text(json, "refresh_token").filter(|token| is_well_formed(token)).map(Secret::new),
        life,
        api_domain: text(json, "api_domain").and_then(api_domain),
        scopes: text(json, "scope").and_then(scopes),
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

/// A whole number that may be written as text; a negative one counts as zero.
pub(super) fn number(json: &Map<String, Value>, key: &str) -> Option<u64> {
    let number = match json.get(key)? {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite()).map(|n| n.max(0.0) as u64)
}

/// Scopes that fit into a cache record; anything else counts as not sent.
fn scopes(text: &str) -> Option<Vec<String>> {
    let fits = text.len() <= LONGEST && !text.contains(char::is_control);
    Some(split_scopes(text)).filter(|scopes| fits && !scopes.is_empty())
}

/// A URL that is safe to print and to copy into a script; anything else counts as not sent.
fn api_domain(text: &str) -> Option<String> {
    // The hosts and paths of URLs may contain `$`, `'`, `;` and others, but this one is put into shell scripts.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
    let is_fit = text.len() <= LONGEST_URL && text.bytes().all(is_plain);
    let url = url::Url::parse(text).ok().filter(|_| is_fit)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    (plain && safe && url.fragment().is_none()).then(|| url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Answer {
        classify(status, body.as_bytes(), false)
    }

    /// Answers like the documented ones: class, statuses, and bodies, one a line. `-` is an empty body.
    const VARIATIONS: [(&str, &[u16], &str); 9] = [
        (
            "throttled",
            &[200, 400, 401, 403],
            r#"{"error_description":"You have made too many requests continuously.","error":"Access Denied","status":"failure"}
            {"error":"拒绝访问"}
            {"error":"access denied"}
            {"error":"Accès refusé","status":"error"}
            {"error":"アクセスが拒否されました"}
            {"status":"FAILURE"}
            {"error":"invalid_code","status":"failure"}
            {"error":"odd","error_description":"x"}
            {"error_description":"too many"}
            {"error":{"code":7},"error_description":"too many"}
            {"cause":"THROTTLES_LIMIT_EXCEEDED"}
            {"error":{"title":"URL_FIXED_THROTTLES_LIMIT_EXCEEDED","status_code":"400"}}"#,
        ),
        (
            "throttled",
            &[429],
            r#"-
            <html>
            {"error":"invalid_code"}
            {"access_token":"1000.a.b"}"#,
        ),
        (
            "refused",
            &[200, 400, 401],
            r#"{"error":"invalid_code"}
            {"error":"INVALID_CODE","extra":{"a":[1]}}
            {"error":"invalid_token","status":"error"}
            {"error":"unconfirmed_user"}"#,
        ),
        (
            "misconfigured",
            &[200, 400, 401],
            r#"{"error":"invalid_client"}
            {"error":"Invalid_Client","error_description":"x"}
            {"error":"invalid_client_secret"}
            {"error":"invalid_redirect_uri"}
            {"error":"restricted_client"}
            {"error":"invalid_scopes"}
            {"error":"missing_org_info"}
            {"error":"missing_org"}
            {"error":"org_missing"}
            {"error":"invalid_soid"}
            {"code":"T102"}"#,
        ),
        (
            "unknown",
            &[200, 400, 404],
            r#"{"error":"general_error"}
            {"error":"server_error"}
            {"error":"access_denied"}
            {"error":"odd","error_description":null}
            {"error":"odd","error_description":" "}"#,
        ),
        (
            "transient",
            &[200, 400, 404],
            r#"-
            null
            {}
            [{"error":"invalid_code"}]
            "invalid_code"
            {"error":null}
            {"error":5}
            {"error":["invalid_code"]}
            {"error":{"code":"x"}}
            {"error":"two words"}
            {"error":"invalid_code"
            <html>invalid_code</html>
            error=invalid_code
            {"token_type":"Bearer","expires_in":3600}
            {"access_token":5}"#,
        ),
        (
            "transient",
            &[500, 502, 503],
            r#"-
            <html>
            {"error":"invalid_code"}
            {"access_token":"1000.a.b"}
            {"error":"Access Denied","status":"failure"}"#,
        ),
        ("transient", &[301, 302, 400], r#"{"access_token":"1000.a.b"}"#),
        (
            "granted",
            &[200, 201],
            r#"{"access_token":"1000.a.b"}
            {"access_token":"1000.a.b","error":"invalid_code","error_description":"x"}
            {"access_token":"1000.a.b","expires_in":3600.0,"api_domain":null,"id_token":"x=="}"#,
        ),
    ];

    #[test]
    fn answers_of_the_same_kind_have_the_same_class() {
        for (class, statuses, bodies) in VARIATIONS {
            for body in bodies.lines().map(|line| line.trim().trim_start_matches('-')) {
                for status in statuses {
                    let found = format!("{:?}", of(*status, body)).to_lowercase();
                    assert!(found.starts_with(class), "{class}: {status} {body}: {found}");
                }
            }
        }
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
    fn only_an_error_that_is_a_plain_word_is_repeated() {
        let of = |error: &str| of(200, &serde_json::json!({ "error": error }).to_string());
        assert_eq!(of("general_error"), Answer::Unknown("general_error".into()));
        let longest = "a".repeat(65);
        for strange in ["a scope <b>", "no_scope\u{1b}[2J", "with a blank", "a-b", "::error::x", "", &longest]
        {
            assert_eq!(of(strange), Answer::Transient(Problem::Status(200)), "{strange}");
        }
    }

    #[test]
    fn a_life_is_read_as_every_zoho_product_writes_it() {
        for (life, expected) in [
            ("", Some(3600)),
            (r#","expires_in":3600"#, Some(3600)),
            (r#","expires_in_sec":3600,"expires_in":3600000"#, Some(3600)),
            (r#","expires_in":1800000"#, Some(1800)),
            (r#","expires_in":"1800""#, Some(1800)),
            (r#","expires_in":86400"#, Some(3600)),
            (r#","expires_in":30"#, None),
            (r#","expires_in":-5"#, None),
        ] {
            let answer = of(200, &format!(r#"{{"access_token":"1000.a.b"{life}}}"#));
            let found =
                if let Answer::Granted(granted) = answer { Some(granted.life.as_secs()) } else { None };
            assert_eq!(found, expected, "{life}");
        }
        let short = br#"{"access_token":"1000.a.b","expires_in":5}"#;
        assert!(matches!(classify(200, short, true), Answer::Granted(_)));
    }

    #[test]
    fn hostile_tokens_are_not_taken() {
        for token in ["a\\nb", "a\\\"b", "a\\u0000b", "a b", ""] {
            let body = format!(r#"{{"access_token":"{token}"}}"#);
            assert!(matches!(of(200, &body), Answer::Transient(_)), "{body}");
        }
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
            "https://$(id).zohoapis.eu",
            "https://www.zohoapis.eu/$(id)",
            "https://www.zohoapis.eu/';id;'",
            "https://www.zohoapis.eu/`id`",
            "https://x.example/\nEvil: 1",
            "www.zohoapis.eu",
            "",
        ] {
            assert_eq!(domain(bad), None, "{bad}");
        }
        assert_eq!(of("", "").1, None);
        assert_eq!(of("", "ZohoCRM.org.READ,a").1, Some(vec!["ZohoCRM.org.READ".to_owned(), "a".to_owned()]));
    }
}
