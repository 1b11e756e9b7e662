//! Injected faults, as a client sees them.

use super::caller::{Caller, answered, http};
use serde_json::{Value, json};
use std::error::Error;
use std::time::{Duration, Instant};
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind, Hostile};

/// The innermost cause of an error, which is the system's.
fn root(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[test]
fn delay_is_late_and_true() {
    let caller = Caller::new();
    caller.fault(FaultKind::Delay { ms: 300 });
    let begun = Instant::now();
    caller.token();
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(caller.last().fault.as_deref(), Some("delay"));
}

#[test]
fn hang_never_answers_but_is_logged() {
    let mut caller = Caller::new();
    caller.http = http().timeout(Duration::from_millis(300)).build().unwrap();
    for (kind, minted) in [(FaultKind::Hang, false), (FaultKind::MintThenHang, true)] {
        caller.fault(kind);
        assert!(caller.try_refresh().unwrap_err().is_timeout());
        assert_eq!((caller.last().status, caller.last().minted), (None, minted));
    }
}

#[test]
fn reset_is_a_reset() {
    let caller = Caller::new();
    for (kind, minted) in [(FaultKind::Reset, false), (FaultKind::MintThenReset, true)] {
        caller.fault(kind);
        let error = caller.try_refresh().unwrap_err();
        assert!(root(&error).contains("reset"), "{error:?}");
        assert_eq!(caller.last().minted, minted);
    }
    assert_eq!(caller.server.counts().minted, 1);
}

#[test]
fn truncated_breaks_off_in_the_body() {
    let caller = Caller::new();
    caller.fault(FaultKind::Truncated);
    let response = caller.try_response().unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().unwrap_err().is_decode());
    assert!(caller.last().minted);
}

#[test]
fn answers_that_are_not_zohos() {
    let caller = Caller::new();
    let location = "http://127.0.0.1:9/elsewhere".to_owned();
    let body = Some(r#"{"error":"invalid_code"}"#.to_owned());
    for (kind, code, part) in [
        (FaultKind::Html, 200, "<html"),
        (FaultKind::Status { status: 503, body, retry_after_s: Some(7) }, 503, "invalid_code"),
        (FaultKind::NoJson, 200, "not.json"),
        (FaultKind::Empty, 200, ""),
        (FaultKind::InvalidCode, 200, r#"{"error":"invalid_code"}"#),
        (FaultKind::InvalidClient, 200, r#"{"error":"invalid_client"}"#),
        (FaultKind::Error { error: "general".into(), status: 500 }, 500, r#"{"error":"general"}"#),
        (FaultKind::Redirect { location: location.clone() }, 302, ""),
    ] {
        caller.fault(kind.clone());
        let response = caller.try_response().unwrap();
        assert_eq!(response.status().as_u16(), code, "{kind:?}");
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        match &kind {
            FaultKind::Status { .. } => assert_eq!(header("retry-after").as_deref(), Some("7")),
            FaultKind::Redirect { location } => assert_eq!(header("location").as_ref(), Some(location)),
            _ => {}
        }
        let text = response.text().unwrap();
        assert!(text.contains(part) && (!part.is_empty() || text.is_empty()), "{kind:?}: {text}");
        assert!(!caller.last().minted && caller.last().refresh_token_fp.is_some());
    }
}

#[test]
fn throttles_in_three_languages_and_two_statuses() {
    let caller = Caller::new();
    for (language, status, error) in [
        ("en", 400, "Access Denied"),
        ("en", 200, "Access Denied"),
        ("zh", 400, "拒绝访问"),
        ("ja", 200, "アクセスが拒否されました"),
    ] {
        caller.server.clear_faults();
        let fault = json!({"endpoint": "token", "kind": "throttle", "language": language, "status": status});
        assert_eq!(caller.control("faults", &fault).0, 200);
        let (seen, body) = caller.refresh();
        assert_eq!((seen, &body["error"], &body["status"]), (status, &json!(error), &json!("failure")));
    }
}

#[test]
fn spoilt_grants() {
    let caller = Caller::new();
    caller.server.set_limits(|limits| limits.budget = 100).unwrap();
    let spoilt = |kind| {
        caller.fault(kind);
        caller.refresh().1
    };
    let legacy = spoilt(FaultKind::LegacyMs);
    assert_eq!((&legacy["expires_in_sec"], &legacy["expires_in"]), (&json!(3600), &json!(3_600_000)));
    assert_eq!(spoilt(FaultKind::StringExpiry)["expires_in"], "3600");
    for field in ["expires_in", "api_domain", "scope", "access_token", "token_type"] {
        let body = spoilt(FaultKind::Missing { fields: vec![field.to_owned()] });
        assert_eq!(body[field], Value::Null, "{field}");
    }
    for (with, byte) in
        [(Hostile::Newline, '\n'), (Hostile::Quote, '"'), (Hostile::Nul, '\0'), (Hostile::Escape, '\u{1b}')]
    {
        let body = spoilt(FaultKind::Hostile { with });
        assert!(body["access_token"].as_str().unwrap().contains(byte), "{with:?}");
    }
}

#[test]
fn oversized_is_64_mib() {
    let caller = Caller::new();
    caller.fault(FaultKind::Oversized);
    assert_eq!(caller.try_refresh().unwrap().len(), 64 << 20);
}

#[test]
fn faults_are_counted_combined_and_cleared() {
    let caller = Caller::new();
    caller.server.set_fault(Fault::new(Endpoint::Token, FaultKind::InvalidCode).times(2));
    caller.server.set_fault(Fault::new(Endpoint::Crm, FaultKind::Html));
    assert!(caller.refresh().1["error"].is_string());
    assert!(caller.refresh().1["error"].is_string());
    let token = caller.token();
    assert!(caller.get("/crm/v8/Leads", &token).1.as_str().unwrap().contains("<html"));
    let url = caller.url("/sandbox/faults");
    let left = answered(caller.http.get(&url).send().unwrap()).1;
    assert_eq!(left, json!([{"endpoint": "crm", "kind": "html"}]));
    caller.http.delete(&url).send().unwrap();
    assert!(caller.lives(&token));
    assert_eq!(caller.control("faults", &json!({"endpoint": "token", "kind": "hangs"})).0, 400);
}
