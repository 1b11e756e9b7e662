//! The device flow with a simulated clock: its polls, and every way it can end.

use crate::harness::consent::http;
use crate::harness::{Outcome, Test, http_answer};
use crate::in_process::{HookedClock, ManualClock, Sink, run_saying, system};
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Endpoint, Fault, FaultKind, Language, Limits, LogEntry, Options};
use zoho_cred::system::{Browser, Env, System, Terminal};

/// The code is typed on another device: nothing is opened on this one.
struct NoBrowser;

impl Browser for NoBrowser {
    fn open(&self, url: &str) -> Result<(), String> {
        panic!("{url} was opened");
    }
}

/// Enters the shown code on the page of the device flow.
fn decide(said: &Sink, decision: &str) {
    let said = said.text();
    let (page, rest) = said.split("http").find_map(|part| part.split_once("?user_code=")).unwrap();
    let form = [("user_code", rest.split_whitespace().next().unwrap()), ("decision", decision)];
    assert_eq!(http().post(format!("http{page}")).form(&form).send().unwrap().status(), 200);
}

/// Logs in; the user decides during the nth wait, or never. Returns the result and the polls.
fn log_in(test: &Test, acts_at: usize, decision: &'static str) -> (Outcome, Vec<LogEntry>) {
    let (said, waits, sandbox) = (Sink::default(), Cell::new(0), test.sandbox.url().to_owned());
    let shown = said.clone();
    // The sandbox's time advances with the caller's, and the user acts when the nth wait is over.
    let on_sleep = move |duration: Duration| {
        let moved = json!({"advance_s": duration.as_secs_f64()});
        let answer = http().post(format!("{sandbox}/sandbox/clock")).json(&moved).send().unwrap();
        assert_eq!(answer.status(), 200);
        waits.set(waits.get() + 1);
        if waits.get() == acts_at {
            decide(&shown, decision);
        }
    };
    let on_read = Box::new(|| {});
    let clock = Rc::new(HookedClock { inner: ManualClock::new(), on_read, on_sleep: Box::new(on_sleep) });
    let terminal = Terminal { stderr: true, ..Terminal::default() };
    let system = System { browser: Box::new(NoBrowser), terminal, ..system(&clock) };
    let login = test.login("crm", ClientKind::Device).args("--flow device --scope ZohoCRM.modules.ALL");
    let outcome = run_saying(Env::of(test.vars()), system, login.arguments(), said);
    let polls = test.sandbox.log().into_iter().filter(|entry| entry.endpoint == Endpoint::DeviceToken);
    (outcome, polls.collect())
}

fn world(limits: Limits) -> Test {
    let others = vec!["eu".to_owned()];
    Test::with(Options { limits, other_data_centers: others, single_secret: true, ..Options::default() })
        .without_environment()
}

/// Asserts that polls of the same server are at least Zoho's minimum interval apart.
#[track_caller]
fn unhurried(polls: &[LogEntry]) {
    for pair in polls.windows(2) {
        assert!(pair[1].time_ms >= pair[0].time_ms + 30_000, "{polls:?}");
    }
}

fn outcomes(polls: &[LogEntry]) -> Vec<&str> {
    polls.iter().map(|poll| poll.outcome.as_str()).collect()
}

#[test]
fn it_polls_until_the_person_accepts() {
    let test = world(Limits::default());
    let (outcome, polls) = log_in(&test, 4, "accept");
    outcome.ok();
    assert_eq!(outcomes(&polls), ["authorization_pending", "slow_down", "authorization_pending", "granted"]);
    unhurried(&polls[1..]);
    test.run("get crm --refresh").ok();
}

#[test]
fn it_polls_at_the_interval_of_the_server_while_that_allows_it() {
    let test = world(Limits { device_poll_floor: Duration::from_secs(5), ..Limits::default() });
    let (outcome, polls) = log_in(&test, 9, "accept");
    outcome.ok();
    assert!(polls[..8].iter().all(|poll| poll.outcome == "authorization_pending"), "{polls:?}");
    assert_eq!(polls.len(), 9);
    assert!(polls[8].time_ms - polls[0].time_ms < 8 * 30_000, "{polls:?}");
}

#[test]
fn it_slows_down_when_told() {
    let test = world(Limits { device_poll_floor: Duration::from_secs(38), ..Limits::default() });
    let (outcome, polls) = log_in(&test, 2, "accept");
    outcome.ok();
    let gaps = polls.windows(2).map(|pair| (pair[1].time_ms - pair[0].time_ms) / 1000);
    assert!(gaps.zip([5, 30, 35, 40]).all(|(gap, wanted)| gap >= wanted), "{polls:?}");
    assert_eq!(outcomes(&polls)[1..], ["slow_down", "slow_down", "slow_down", "granted"]);
}

#[test]
fn a_login_that_is_rejected_or_never_decided_is_77() {
    let test = world(Limits::default());
    let (outcome, polls) = log_in(&test, 2, "reject");
    outcome.exits(77);
    assert_eq!(polls.len(), 3);
    let test = world(Limits::default());
    let (outcome, polls) = log_in(&test, 0, "");
    outcome.exits(77).says("in time");
    assert_eq!(polls.len(), 11);
    unhurried(&polls[1..]);
    assert!(!test.config().exists());
}

#[test]
fn a_person_of_another_data_center_is_followed_there() {
    let test = world(Limits { user_location: Some("eu".into()), ..Limits::default() });
    let (outcome, polls) = log_in(&test, 1, "accept");
    outcome.ok();
    let servers: Vec<_> = polls.iter().map(|poll| poll.data_center.as_str()).collect();
    assert_eq!(servers, ["us", "eu"]);
    let config = test.read_config();
    assert!(config.contains(test.sandbox.url_of("eu").unwrap()), "{config}");
    test.run("get crm --refresh").ok();
    let refresh = test.sandbox.log().into_iter().rfind(|entry| entry.endpoint == Endpoint::Token).unwrap();
    assert_eq!(refresh.data_center, "eu");
}

#[test]
fn the_last_poll_comes_shortly_before_the_code_dies() {
    // Few waits, because the sandbox's clock also advances with real time. The user accepts during the fourth and last one,
    // of 48 s instead of 30 s, 2 s before the code expires.
    let test = world(Limits { device_life: Duration::from_secs(90), ..Limits::default() });
    let (outcome, polls) = log_in(&test, 4, "accept");
    outcome.ok();
    assert!(polls.len() == 4 && polls[3].time_ms - polls[2].time_ms >= 48_000, "{polls:?}");
    unhurried(&polls[1..]);
}

#[test]
fn a_server_that_fails_while_it_is_polled_ends_no_login() {
    let test = world(Limits::default());
    let kind = http_answer(503, r#"{"error":"access_denied"}"#);
    test.sandbox.set_fault(Fault::new(Endpoint::DeviceToken, kind).times(1));
    let (outcome, polls) = log_in(&test, 2, "accept");
    outcome.ok();
    assert_eq!(polls.len(), 2);
}

/// It spoke of a redirect, which this flow has not.
#[test]
fn an_account_in_an_unknown_data_center_gets_no_poll() {
    let test = world(Limits::default());
    let answer = http_answer(200, r#"{"error":"other_dc","user_location":"mars"}"#);
    test.sandbox.set_fault(Fault::new(Endpoint::DeviceToken, answer).times(1));
    let (outcome, polls) = log_in(&test, 2, "accept");
    outcome.exits(65).says("does not know the data center 'mars'").hides(&["redirect"]);
    assert_eq!(polls.len(), 1);
}

#[test]
fn a_refused_request_for_a_code_says_what_it_was_refused_for() {
    let test = world(Limits::default());
    let throttle = FaultKind::Throttle { status: 400, language: Language::Zh, retry_after_s: None };
    let failing = http_answer(503, r#"{"error":"invalid_client"}"#);
    for (kind, code) in [(throttle, 75), (failing, 69), (FaultKind::InvalidClient, 78)] {
        test.sandbox.set_fault(Fault::new(Endpoint::DeviceCode, kind).times(1));
        let (outcome, polls) = log_in(&test, 0, "");
        outcome.exits(code);
        assert_eq!(polls.len(), 0);
    }
}

/// Regression: a `javascript:` address in the server's answer was printed for the user to follow.
#[test]
fn an_address_that_is_not_the_servers_own_is_neither_shown_nor_opened() {
    let test = world(Limits::default());
    let own = format!("{}/oauth/v3/device", test.sandbox.url());
    let foreign = [
        "javascript:alert('owned')//https://accounts.zoho.com/oauth/v3/device",
        "https://owned.example/oauth/v3/device",
        "https://accounts.zoho.com.owned.example/oauth/v3/device",
        "https://accounts.zoho.com@owned.example/oauth/v3/device",
        "https://accounts.zoho.com/owned",
        "data:text/html,owned",
        "file:///owned",
    ];
    let log_in_with = |user_code: &str, page: &str, complete: &str| {
        let body = json!({"user_code": user_code, "device_code": "1004.dd.ee", "verification_url": page,
            "verification_uri_complete": complete, "interval": 5000, "expires_in": 300_000});
        test.sandbox.set_fault(Fault::new(Endpoint::DeviceCode, http_answer(200, body)).times(1));
        let before = test.sandbox.log().len();
        let (outcome, _) = log_in(&test, 0, "");
        outcome.hides(&["owned"]);
        let polls = test.sandbox.log().split_off(before);
        (outcome, polls.iter().filter(|entry| entry.endpoint == Endpoint::DeviceToken).count())
    };
    for url in foreign {
        let (outcome, polls) = log_in_with("USER-CODE", url, &own);
        outcome.exits(69).says("not on the accounts server").hides(&["USER-CODE"]);
        assert_eq!(polls, 0, "{outcome:?}");
        let (outcome, polls) = log_in_with("USER-CODE", &own, url);
        outcome.says(&own).says("USER-CODE");
        assert!(polls > 0, "{outcome:?}");
    }
    // Regression: a code of any characters began a line.
    for code in ["::error::owned", "##[error]owned", "owned owned", "\u{1b}[2Jowned", ""] {
        let (outcome, polls) = log_in_with(code, &own, &own);
        outcome.exits(69);
        assert_eq!(polls, 0, "{outcome:?}");
    }
}
