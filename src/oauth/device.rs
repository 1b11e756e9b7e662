//! Zoho's device flow, which is not RFC 8628 on the wire: `device_request`, `device_token`, `code`, milliseconds, and
//! `other_dc`. Source: <https://www.zoho.com/accounts/protocol/oauth/devices/initiation-request.html>.

use crate::i18n::tr;
use crate::model::Profile;
use crate::oauth::callback::is_code;
use crate::oauth::response::{Answer, classify, number};
use crate::oauth::token::{self, Form};
use crate::secret::Secret;
use serde_json::{Map, Value};
use std::time::Duration;

/// Path that issues a device code.
pub(crate) const CODE_PATH: &str = "/oauth/v3/device/code";
/// Path that is polled for the token.
pub(crate) const TOKEN_PATH: &str = "/oauth/v3/device/token";
/// Zoho documents `slow_down` for two polls within this, although its `interval` is shorter and zcatalyst-cli polls
/// every 2 s.
pub(crate) const POLL_FLOOR: Duration = Duration::from_secs(30);

/// The request for a device code.
pub(crate) fn code_form(profile: &Profile) -> Form {
    vec![
        ("grant_type", Secret::new("device_request")),
        ("client_id", Secret::new(&*profile.client_id)),
        ("scope", Secret::new(profile.scopes.join(","))),
        ("access_type", Secret::new("offline")),
        ("prompt", Secret::new("consent")),
    ]
}

/// A poll for the token.
pub(crate) fn poll_form(profile: &Profile, client_secret: &Secret, device_code: &Secret) -> Form {
    let mut form = token::client(profile, client_secret);
    form.extend([("grant_type", Secret::new("device_token")), ("code", device_code.clone())]);
    form
}

/// A device code, and what to show to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    pub device_code: Secret,
    pub user_code: String,
    /// The page to type it on.
    pub verification_url: String,
    /// The same page with the code in the URL.
    pub(crate) verification_url_complete: Option<String>,
    /// Between two polls.
    pub interval: Duration,
    /// How long the code is valid.
    pub life: Duration,
}

/// Reads the answer to the request for a device code; an error is Zoho's code, or a few words.
pub fn read_code(body: &[u8]) -> Result<DeviceCode, String> {
    let json: Map<String, Value> = serde_json::from_slice(body).map_err(|_| tr!("no JSON"))?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
    let shown = |key: &str| text(key).filter(|value| value.bytes().all(|b| b.is_ascii_graphic()));
    if let Some(error) = shown("error") {
        return Err(error);
    }
    let device_code = text("device_code").filter(|code| is_code(code));
    Ok(DeviceCode {
        device_code: Secret::new(device_code.ok_or_else(|| tr!("no device code"))?),
        user_code: text("user_code").filter(|code| is_user_code(code)).ok_or_else(|| tr!("no user code"))?,
        verification_url: shown("verification_url").ok_or_else(|| tr!("no address"))?,
        verification_url_complete: shown("verification_uri_complete"),
        interval: duration(number(&json, "interval"), Duration::from_secs(5)),
        life: duration(number(&json, "expires_in"), Duration::from_secs(300)).min(Duration::from_secs(1800)),
    })
}

/// Whether the code can be printed on a line of its own, where a CI runner would obey `::error::`.
fn is_user_code(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Milliseconds from 1000 on, seconds below: Zoho says ms, some clients see seconds.
fn duration(number: Option<u64>, default: Duration) -> Duration {
    match number {
        Some(ms) if ms >= 1000 => Duration::from_millis(ms),
        Some(s) if s > 0 => Duration::from_secs(s),
        _ => default,
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    Pending,
    SlowDown,
    /// The user's account is in another data center: poll there, with the same code.
    OtherDataCenter(String),
    Denied,
    Expired,
    /// Anything that the token endpoint can answer.
    Answer(Answer),
}

/// Reads the answer to a poll. A server that fails (5xx) has decided nothing, whatever it says.
pub fn read_poll(status: u16, body: &[u8], loopback: bool) -> Poll {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    match (json["error"].as_str(), json["user_location"].as_str()) {
        _ if status >= 500 => Poll::Answer(classify(status, body, loopback)),
        (Some("authorization_pending"), _) => Poll::Pending,
        (Some("slow_down"), _) => Poll::SlowDown,
        (Some("access_denied"), _) => Poll::Denied,
        (Some("expired" | "expired_token"), _) => Poll::Expired,
        (Some("other_dc"), Some(location)) => Poll::OtherDataCenter(location.to_owned()),
        _ => Poll::Answer(classify(status, body, loopback)),
    }
}
