//! Zoho's device flow, which is not RFC 8628 on the wire: `device_request`, `device_token`, `code`, milliseconds, and
//! `other_dc`. Source: <https://www.zoho.com/accounts/protocol/oauth/devices/initiation-request.html>.

use crate::i18n::tr;
use crate::model::Profile;
use crate::oauth::response::{Answer, classify};
use crate::oauth::token::TokenForm;
use crate::secret::Secret;
use serde_json::Value;
use std::time::Duration;

/// Path that hands out a device code.
pub(crate) const CODE_PATH: &str = "/oauth/v3/device/code";
/// Path that is polled for the token.
pub(crate) const TOKEN_PATH: &str = "/oauth/v3/device/token";
/// Zoho documents `slow_down` for two polls within this, although its `interval` is shorter and zcatalyst-cli polls
/// every 2 s.
pub(crate) const POLL_FLOOR: Duration = Duration::from_secs(30);

/// The request for a device code.
pub(crate) fn code_form(profile: &Profile) -> TokenForm {
    TokenForm::of(vec![
        ("grant_type", Secret::new("device_request")),
        ("client_id", Secret::new(&*profile.client_id)),
        ("scope", Secret::new(profile.scopes.join(","))),
        ("access_type", Secret::new("offline")),
        ("prompt", Secret::new("consent")),
    ])
}

/// A poll for the token.
pub(crate) fn poll_form(profile: &Profile, client_secret: &Secret, device_code: &Secret) -> TokenForm {
    TokenForm::of(vec![
        ("grant_type", Secret::new("device_token")),
        ("client_id", Secret::new(&*profile.client_id)),
        ("client_secret", client_secret.clone()),
        ("code", device_code.clone()),
    ])
}

/// A device code, and what to tell the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCode {
    /// What is polled with.
    pub device_code: Secret,
    /// What the person types.
    pub user_code: String,
    /// Where they type it.
    pub verification_url: String,
    /// The same with the code in it.
    pub(crate) verification_url_complete: Option<String>,
    /// Between two polls.
    pub interval: Duration,
    /// How long the code is good.
    pub life: Duration,
}

/// Reads the answer to the request for a device code; an error is Zoho's code, or a few words.
pub fn read_code(body: &[u8]) -> Result<DeviceCode, String> {
    let json: Value = serde_json::from_slice(body).map_err(|_| tr!("no JSON"))?;
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
    let shown = |key: &str| text(key).filter(|value| value.bytes().all(|b| b.is_ascii_graphic()));
    if let Some(error) = shown("error") {
        return Err(error);
    }
    let device_code = text("device_code").filter(|code| super::callback::is_code(code));
    Ok(DeviceCode {
        device_code: Secret::new(device_code.ok_or_else(|| tr!("no device code"))?),
        user_code: text("user_code").filter(|code| is_user_code(code)).ok_or_else(|| tr!("no user code"))?,
        verification_url: shown("verification_url").ok_or_else(|| tr!("no address"))?,
        verification_url_complete: shown("verification_uri_complete"),
        interval: duration(json.get("interval"), Duration::from_secs(5)),
        life: duration(json.get("expires_in"), Duration::from_secs(300)).min(Duration::from_secs(1800)),
    })
}

/// Whether the code can be printed on a line of its own, where a CI runner would obey `::error::`.
fn is_user_code(code: &str) -> bool {
    (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Milliseconds from 1000 on, seconds below: Zoho says ms, some clients see seconds.
fn duration(value: Option<&Value>, default: Duration) -> Duration {
    let number = match value {
        Some(Value::Number(n)) => n.as_u64(),
        Some(Value::String(s)) => s.trim().parse().ok(),
        _ => None,
    };
    match number {
        Some(ms) if ms >= 1000 => Duration::from_millis(ms),
        Some(s) if s > 0 => Duration::from_secs(s),
        _ => default,
    }
}

/// What a poll brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has answered the page yet.
    Pending,
    /// Too soon.
    SlowDown,
    /// The user lives in another data center: go on there, with the same code.
    OtherDataCenter(String),
    /// The person said no.
    Denied,
    /// The code is too old.
    Expired,
    /// Anything that the token endpoint can answer.
    Answer(Answer),
}

/// Reads the answer to a poll. A server that fails (5xx) has decided nothing, whatever it says.
pub fn read_poll(status: u16, body: &[u8], loopback: bool) -> Poll {
    if status >= 500 {
        return Poll::Answer(classify(status, body, loopback));
    }
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    match text("error") {
        Some("authorization_pending") => Poll::Pending,
        Some("slow_down") => Poll::SlowDown,
        Some("access_denied") => Poll::Denied,
        Some("expired" | "expired_token") => Poll::Expired,
        Some("other_dc") => match text("user_location") {
            Some(location) => Poll::OtherDataCenter(location.to_owned()),
            None => Poll::Answer(classify(status, body, loopback)),
        },
        _ => Poll::Answer(classify(status, body, loopback)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_milliseconds() {
        let body = br#"{"user_code":"AB-CD","device_code":"1004.x.y","verification_url":"https://accounts.zoho.com/oauth/v3/device","interval":5000,"expires_in":300000}"#;
        let code = read_code(body).unwrap();
        assert_eq!((code.interval.as_secs(), code.life.as_secs()), (5, 300));
        assert_eq!(read_code(br#"{"error":"invalid_client"}"#), Err("invalid_client".into()));
        assert!(read_code(b"<html>").is_err());
        assert!(
            read_code(br#"{"user_code":"A\u001b[2J","device_code":"x","verification_url":"y"}"#).is_err()
        );
    }

    #[test]
    fn a_number_may_be_seconds_or_text_or_missing() {
        let times = |interval: &str, expires_in: &str| {
            let body = format!(
                r#"{{"user_code":"A","device_code":"x","verification_url":"y"{interval}{expires_in}}}"#
            );
            let code = read_code(body.as_bytes()).unwrap();
            (code.interval.as_millis(), code.life.as_secs())
        };
        assert_eq!(times(r#","interval":7"#, r#","expires_in":200"#), (7_000, 200));
        assert_eq!(times(r#","interval":"8000""#, r#","expires_in":" 200 ""#), (8_000, 200));
        assert_eq!(times(r#","interval":1001"#, r#","expires_in":1000"#), (1_001, 1));
        assert_eq!(times(r#","interval":0"#, r#","expires_in":"soon""#), (5_000, 300));
        assert_eq!(times("", r#","expires_in":86400000"#), (5_000, 1_800));
    }

    #[test]
    fn polls_are_told_apart() {
        let poll = |body: &str| read_poll(200, body.as_bytes(), false);
        assert_eq!(poll(r#"{"error":"authorization_pending"}"#), Poll::Pending);
        assert_eq!(poll(r#"{"error":"slow_down"}"#), Poll::SlowDown);
        assert_eq!(poll(r#"{"error":"access_denied"}"#), Poll::Denied);
        assert_eq!(poll(r#"{"error":"expired"}"#), Poll::Expired);
        assert_eq!(poll(r#"{"error":"expired_token"}"#), Poll::Expired);
        assert!(matches!(poll(r#"{"error":"other_dc"}"#), Poll::Answer(Answer::Unknown(_))));
        assert_eq!(poll(r#"{"user_location":"eu","error":"other_dc"}"#), Poll::OtherDataCenter("eu".into()));
        assert!(matches!(
            poll(r#"{"access_token":"1.a.b","expires_in":3600}"#),
            Poll::Answer(Answer::Granted(_))
        ));
        assert!(matches!(poll("<html>"), Poll::Answer(Answer::Transient(_))));
    }

    #[test]
    fn a_failing_server_ends_no_login() {
        for error in ["access_denied", "expired", "invalid_client", "other_dc"] {
            let body = format!(r#"{{"error":"{error}","user_location":"eu"}}"#);
            let poll = read_poll(503, body.as_bytes(), false);
            assert!(matches!(poll, Poll::Answer(Answer::Transient(_))), "{error}");
        }
    }

    #[test]
    fn a_thousand_is_a_second() {
        assert_eq!(duration(Some(&1000.into()), Duration::ZERO), Duration::from_secs(1));
        assert_eq!(duration(Some(&999.into()), Duration::ZERO), Duration::from_secs(999));
    }
}
