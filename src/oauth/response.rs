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
