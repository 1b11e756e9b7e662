//! Classifies an answer of the token endpoint.
//!
//! The HTTP status says little: Zoho reports nearly every failure with 200 and `{"error": …}`, and a throttle with 400
//! or 200 in the account's language. [`TABLE`] is the table of the contract, row by row.

use crate::model::{Granted, LONGEST, is_well_formed, split_scopes};
use crate::oauth::access_denied::says_access_denied;
use crate::oauth::rejection::{IP_NOT_ALLOWED, LikelyCause};
use crate::problem::{Problem, is_plain_word};
use crate::secret::Secret;
use serde_json::{Map, Value};
use std::time::Duration;

/// The longest life that is believed: Zoho's tokens live one hour.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);
/// A life this short is believed on loopback only, where tests are.
const SHORTEST_LIFE: Duration = Duration::from_secs(30);

/// The longest `api_domain`, in bytes.
const LONGEST_URL: usize = 1024;

/// The classes of answers, with what each carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A token.
    Granted(Granted),
    /// Too many requests: nobody asks until the cooldown has passed.
    Throttled,
    /// The refresh token is dead: somebody has to log in.
    Refused(Rejection),
    /// The client is not accepted: somebody has to correct the settings.
    Misconfigured(Rejection),
    /// An error code that is none of those known: asked once, not again in the same call.
    Unknown(Rejection),
    /// Nothing is decided; trying again may help.
    Transient(Problem),
}

/// A final refusal, by Zoho's error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The error code: a plain word.
    pub error: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Throttled,
    Transient,
    Granted,
    Refused,
    Misconfigured,
    Unknown,
}

/// A row of the table: a class, and whether an answer is of it.
type Row = (Class, fn(&Reply) -> bool);

/// The contract's table, section 3. The first row that matches decides.
const TABLE: [Row; 7] = [
    (Class::Throttled, |reply| {
        reply.status == 429
            || (reply.status < 500
                && (reply.is("status", "failure")
                    || (reply.is_described() && !reply.is_known())
                    || reply.says_access_denied()
                    || reply.names_a_throttle()))
    }),
    (Class::Transient, |reply| reply.status >= 500 || reply.is_redirect() || reply.json.is_none()),
    (Class::Granted, |reply| reply.is_success() && reply.access_token().is_some()),
    (Class::Refused, |reply| reply.is_refused()),
    (Class::Misconfigured, |reply| reply.is_misconfigured()),
    (Class::Unknown, |reply| reply.word().is_some()),
    (Class::Transient, |_| true),
];

/// The refresh token is dead.
const REFUSED: [&str; 6] = [
    "invalid_code",
    "invalid_grant",
    "invalid_token",
    "invalid_mobile_code",
    "inactive_refreshtoken",
    "unconfirmed_user",
];

/// Classifies an answer of the token endpoint. `loopback` says that the server is on this machine.
pub fn classify(status: u16, body: &[u8], loopback: bool) -> Answer {
    let reply = Reply { status, json: object(body) };
    let class = TABLE.iter().find(|(_, matches)| matches(&reply)).map(|(class, _)| *class);
    let rejection = || Rejection { error: reply.word().unwrap_or_default() };
    match class.unwrap_or(Class::Transient) {
        Class::Throttled => Answer::Throttled,
        Class::Granted => granted(&reply, loopback),
        Class::Refused => Answer::Refused(rejection()),
        Class::Misconfigured => Answer::Misconfigured(rejection()),
        Class::Unknown => Answer::Unknown(rejection()),
        Class::Transient => Answer::Transient(Problem::Status(status)),
    }
}

impl Answer {
    /// The error code that the answer carries, if any.
    pub fn error(&self) -> Option<&str> {
        match self {
            Answer::Refused(it) | Answer::Misconfigured(it) | Answer::Unknown(it) => Some(&it.error),
            Answer::Granted(_) | Answer::Throttled | Answer::Transient(_) => None,
        }
    }
}

/// An answer as the table looks at it.
struct Reply {
    status: u16,
    json: Option<Map<String, Value>>,
}

impl Reply {
    fn text(&self, key: &str) -> Option<&str> {
        self.json.as_ref()?.get(key)?.as_str()
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.text(key).is_some_and(|text| text.eq_ignore_ascii_case(value))
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }

    fn access_token(&self) -> Option<&str> {
        self.text("access_token").filter(|token| is_well_formed(token))
    }

    /// The error code, fit to be stored and shown.
    fn word(&self) -> Option<String> {
        if self.is("cause", IP_NOT_ALLOWED) || self.is("code", "T102") {
            return Some(IP_NOT_ALLOWED.to_owned());
        }
        self.text("error").map(str::to_ascii_lowercase).filter(|word| is_plain_word(word))
    }

    fn is_refused(&self) -> bool {
        self.word().is_some_and(|word| REFUSED.contains(&word.as_str()))
    }

    fn is_misconfigured(&self) -> bool {
        self.word().is_some_and(|word| LikelyCause::of(&word).is_some())
    }

    fn is_known(&self) -> bool {
        self.access_token().is_some() || self.is_refused() || self.is_misconfigured()
    }

    fn is_described(&self) -> bool {
        self.text("error_description").is_some_and(|words| !words.trim().is_empty())
    }

    fn says_access_denied(&self) -> bool {
        self.text("error").is_some_and(says_access_denied)
    }

    /// `Z101` with `throttles_limit_exceeded`, or `URL_…_THROTTLES_LIMIT_EXCEEDED`, at the top or within `error`.
    fn names_a_throttle(&self) -> bool {
        let names = |object: &Map<String, Value>| {
            let texts = ["cause", "code", "title"].iter().filter_map(|key| object.get(*key)?.as_str());
            let mut texts = texts.map(str::to_ascii_lowercase);
            texts.any(|text| text.contains("throttle") || text == "z101")
        };
        let Some(json) = &self.json else { return false };
        names(json) || json.get("error").and_then(Value::as_object).is_some_and(names)
    }
}

/// The JSON object in a body. A byte order mark and invalid UTF-8 are accepted (RFC 8259, section 8.1): a throttle must
/// be recognized in whatever encoding it comes.
fn object(body: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok()
}

fn granted(reply: &Reply, loopback: bool) -> Answer {
    let (Some(json), Some(token)) = (&reply.json, reply.access_token()) else {
        return Answer::Transient(Problem::Status(reply.status));
    };
    let life = life(json);
    if life.is_zero() || (life <= SHORTEST_LIFE && !loopback) {
        return Answer::Transient(Problem::TokenExpired);
    }
    Answer::Granted(Granted {
        access_token: Secret::new(token),
        refresh_token: reply.text("refresh_token").filter(|token| is_well_formed(token)).map(Secret::new),
        life,
        api_domain: reply.text("api_domain").and_then(api_domain),
        scopes: reply.text("scope").and_then(scopes),
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

/// Scopes that fit into a cache record; anything else is as if it had not been sent.
fn scopes(text: &str) -> Option<Vec<String>> {
    let fits = text.len() <= LONGEST && !text.contains(char::is_control);
    Some(split_scopes(text)).filter(|scopes| fits && !scopes.is_empty())
}

/// An address that is fit to be printed and compared; anything else is as if it had not been sent.
fn api_domain(text: &str) -> Option<String> {
    // The hosts and paths of URLs may contain `$`, `'`, `;` and others, but this one is put into shell scripts.
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/[]".contains(&b);
    let is_fit = text.len() <= LONGEST_URL && text.bytes().all(is_plain);
    let url = url::Url::parse(text).ok().filter(|_| is_fit)?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    let safe = url.scheme() == "https" || (url.scheme() == "http" && crate::model::is_loopback(&url));
    (plain && safe && url.fragment().is_none()).then(|| url.as_str().trim_end_matches('/').to_owned())
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

    /// Answers like the documented ones: class, statuses, and bodies, one a line. `-` is an empty body.
    const VARIATIONS: [(&str, &[u16], &str); 9] = [
        (
            "throttled",
            &[200, 400, 401, 403],
            r#"{"error_description":"You have made too many requests continuously.","error":"Access Denied","status":"failure"}
            {"error_description":"您已连续提出过多请求，请稍后再试。","error":"拒绝访问","status":"failure"}
            {"error":"拒绝访问"}
            {"error":"access denied"}
            {"error":"Accès refusé","status":"error"}
            {"error":"アクセスが拒否されました"}
            {"status":"FAILURE"}
            {"error":"invalid_code","status":"failure"}
            {"error":"odd","error_description":"x"}
            {"error_description":"too many"}
            {"error":{"code":7},"error_description":"too many"}
            {"response":"error","code":"Z101","cause":"throttles_limit_exceeded"}
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
            {"error":"invalid_grant","error_description":"Token has been expired or revoked."}
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
        assert_eq!(of("general_error"), Answer::Unknown(Rejection { error: "general_error".into() }));
        let longest = "a".repeat(65);
        for strange in ["a scope <b>", "no_scope\u{1b}[2J", "with a blank", "a-b", "::error::x", "", &longest]
        {
            assert_eq!(of(strange), Answer::Transient(Problem::Status(200)), "{strange}");
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
            "https://$(id).zohoapis.eu",
            "https://www.zohoapis.eu/$(id)",
            "https://www.zohoapis.eu/';id;'",
            "https://www.zohoapis.eu/`id`",
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
