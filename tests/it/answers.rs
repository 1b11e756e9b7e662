//! Answers of the accounts server and the results that callers see.

use crate::harness::{Test, http_answer, http_status, in_order, oauth_error};
use std::time::Duration;
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind, Hostile, Language};

fn throttle(status: u16, language: Language) -> FaultKind {
    FaultKind::Throttle { status, language, retry_after_s: None }
}

#[test]
fn a_throttle_stops_all_callers_and_a_valid_token_is_still_served() {
    for (status, language) in [(400, Language::En), (200, Language::En), (400, Language::Zh)] {
        let test = Test::new();
        test.fault(throttle(status, language));
        for outcome in test.run_many(20, "get") {
            outcome.failed(75, "rate_limited");
        }
        let json = test.run("get --error-format json");
        let error = json.error();
        assert_eq!(json.stderr.lines().count(), 1);
        in_order(&json.stderr, &["code", "message", "hint", "retryable", "retry_after_s", "exit_code"]);
        assert_eq!((&error["code"], &error["exit_code"]), (&"rate_limited".into(), &75.into()));
        assert!((590..=600).contains(&error["retry_after_s"].as_u64().unwrap()), "{error}");
        test.run("get --refresh").failed(75, "rate_limited");
        assert_eq!(test.sandbox.token_requests(), 1);
    }
}

#[test]
fn a_valid_token_is_served_during_a_cooldown() {
    let test = Test::new();
    let token = test.token();
    test.fault(throttle(400, Language::En));
    test.age_token(3560);
    assert_eq!(test.get().warned("throttled"), token);
    assert_eq!(test.get().warned("throttled"), token);
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_refused_refresh_token_is_remembered_and_kept() {
    let test = Test::new().with_profile();
    test.get().ok();
    let secrets = || test.secrets().iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>();
    let before = secrets();
    test.fault(FaultKind::InvalidCode);
    test.age_token(3560);
    for outcome in test.run_many(10, "get") {
        outcome.failed_with(77, "login_required", "zoho-cred login crm");
    }
    assert_eq!((test.sandbox.token_requests(), secrets()), (2, before));
}

#[test]
fn no_usable_answer_changes_nothing_that_is_stored() {
    let kinds = [
        FaultKind::Html,
        FaultKind::NoJson,
        FaultKind::Empty,
        FaultKind::Truncated,
        FaultKind::Reset,
        FaultKind::Oversized,
        http_answer(503, r#"{"error":"invalid_code"}"#),
        http_status(500),
        FaultKind::Missing { fields: vec!["access_token".into()] },
        FaultKind::Hostile { with: Hostile::Newline },
        FaultKind::Hostile { with: Hostile::Quote },
        FaultKind::Hostile { with: Hostile::Nul },
        FaultKind::Hostile { with: Hostile::Escape },
        oauth_error("general_error"),
    ];
    // At the same time, because each of them waits between its attempts.
    std::thread::scope(|scope| {
        for kind in kinds {
            scope.spawn(move || changes_nothing(kind));
        }
    });
}

fn changes_nothing(kind: FaultKind) {
    let test = Test::new().with_profile();
    test.get().ok();
    let cache = std::fs::read(test.state_file("credentials")).unwrap();
    test.fault(kind.clone());
    test.run("get --refresh").failed(69, "unavailable");
    assert_eq!(std::fs::read(test.state_file("credentials")).unwrap(), cache, "{kind:?}");
    test.sandbox.clear_faults();
    test.run("get --refresh").ok();
}

#[test]
fn a_redirect_is_not_followed() {
    let target = Test::new();
    let test = Test::new();
    test.fault(FaultKind::Redirect { location: format!("{}/oauth/v2/token", target.sandbox.url()) });
    test.get().failed(69, "unavailable");
    assert!(target.sandbox.log().is_empty());
}

#[test]
fn a_loopback_server_is_reached_without_a_proxy() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let mut test = Test::new();
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        test.set(name, &format!("http://{}", proxy.local_addr().unwrap()));
    }
    test.get().ok();
    assert_eq!(proxy.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "the proxy was asked");
}

#[test]
fn callers_of_a_hanging_server_are_back_in_time() {
    let test = Test::new();
    test.fault(FaultKind::Hang);
    for outcome in test.run_many(30, "get --timeout 3s") {
        assert!(matches!(outcome.code, 69 | 75), "{outcome:?}");
        // One second more, and what a busy machine needs to start processes.
        outcome.within(Duration::from_secs(4 + 4));
        assert_eq!(outcome.stdout, "");
    }
    assert!(test.sandbox.token_requests() <= 3);
}

#[test]
fn callers_of_a_failing_server_share_one_attempt() {
    let test = Test::new();
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_millis(400)).unwrap();
    test.fault(http_status(503));
    for outcome in test.run_many(40, "get") {
        outcome.failed(69, "unavailable");
    }
    assert!(test.sandbox.token_requests() <= 4, "{}", test.sandbox.token_requests());
}

#[test]
fn a_transient_failure_is_tried_again_at_once() {
    let test = Test::new();
    let fault = Fault::new(Endpoint::Token, FaultKind::Html);
    test.sandbox.set_fault(fault.times(2));
    test.get().ok();
    assert_eq!(test.sandbox.token_requests(), 3);
}

#[test]
fn what_an_answer_leaves_out_stays_as_it_was() {
    let test = Test::new();
    let known = || {
        let json = test.json("get --refresh");
        (json["api_domain"].clone(), json["scopes"].clone())
    };
    let before = known();
    test.fault(FaultKind::Missing { fields: vec!["api_domain".into(), "scope".into()] });
    assert_eq!(known(), before);
    assert!(before.0.is_string() && before.1.is_array());
}

#[test]
fn the_request_is_what_zoho_wants() {
    let test = Test::new();
    test.get().ok();
    let log = test.sandbox.log();
    let entry = &log[0];
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("POST", "/oauth/v2/token"));
    assert!(entry.in_query.is_empty() && !entry.secrets_in_query);
    assert_eq!(entry.content_type.as_deref(), Some("application/x-www-form-urlencoded"));
    assert!(!entry.params.contains_key("redirect_uri"));
}

#[test]
fn a_signal_before_the_answer_ends_the_call_at_once() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let test = Test::new();
        test.fault(FaultKind::Hang);
        let running = test.start_request("get");
        running.signal(name);
        let outcome = running.wait();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (code, ""));
        outcome.within(Duration::from_secs(5));
    }
}

#[test]
fn a_scope_that_is_not_accepted_stops_no_other_profile_of_the_client() {
    let test = Test::new().with_client_credentials("ZohoCRM.org.READ");
    test.fault(oauth_error("invalid_scope"));
    test.get().failed(78, "client_rejected");
    test.sandbox.clear_faults();
    test.get().failed(78, "client_rejected");
    assert_eq!(test.sandbox.token_requests(), 1);
    test.var("ZOHO_SCOPES", "ZohoCRM.modules.ALL").get().ok();
}

#[test]
fn no_hint_says_to_log_in_to_the_environment_profile() {
    for (fault, code, word, variable) in [
        (FaultKind::InvalidCode, 77, "login_required", "ZOHO_REFRESH_TOKEN"),
        (oauth_error("invalid_client_secret"), 78, "client_rejected", "hint: correct ZOHO_CLIENT_SECRET"),
    ] {
        let test = Test::new();
        test.fault(fault);
        test.get().failed_with(code, word, variable).hides(&["login env"]);
    }
}
