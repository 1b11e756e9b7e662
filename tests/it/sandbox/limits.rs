//! Zoho's limits, tested from outside. The tests advance the sandbox's clock instead of waiting.

use super::caller::{Caller, answered};
use serde_json::json;
use std::time::Duration;
use zoho_cred::sandbox::{Limits, Options};

#[test]
fn the_eleventh_token_in_ten_minutes_is_throttled_for_the_rest_of_them() {
    let caller = Caller::new();
    for _ in 0..10 {
        caller.token();
    }
    let throttled = json!({"error_description":
        "You have made too many requests continuously. Please try again after some time.",
        "error": "Access Denied", "status": "failure"});
    assert_eq!(caller.refresh(), (400, throttled.clone()));
    caller.server.advance(Duration::from_secs(590));
    assert_eq!(caller.refresh(), (400, throttled));
    caller.server.advance(Duration::from_secs(11));
    caller.token();
    let counts = caller.server.counts();
    assert_eq!((counts.minted, counts.throttled, counts.most_in_any_window), (11, 2, 10));
    assert_eq!(caller.server.token_requests(), 13);
}

#[test]
fn a_refused_request_costs_no_budget_and_another_refresh_token_has_its_own() {
    let limits = Limits { budget: 1, ..Limits::default() };
    let caller = Caller::with(Options { limits, ..Options::default() });
    for _ in 0..5 {
        caller.post("/oauth/v2/token", &caller.refresh_form("1000.dead.dead"));
    }
    caller.token();
    assert_eq!(caller.refresh().0, 400);
    let other = caller.server.new_refresh_token();
    assert_eq!(caller.post("/oauth/v2/token", &caller.refresh_form(&other)).0, 200);
}

#[test]
fn a_token_dies_after_its_life() {
    let caller = Caller::new();
    let token = caller.token();
    caller.server.advance(Duration::from_secs(3599));
    assert!(caller.lives(&token));
    caller.server.advance(Duration::from_secs(1));
    assert!(!caller.lives(&token));
}

#[test]
fn the_eleventh_live_token_kills_the_oldest_silently() {
    let limits = Limits { budget: 100, ..Limits::default() };
    let caller = Caller::with(Options { limits, ..Options::default() });
    let tokens: Vec<String> = (0..11).map(|_| caller.token()).collect();
    assert!(!caller.lives(&tokens[0]));
    assert!(tokens[1..].iter().all(|token| caller.lives(token)));
    assert_eq!(caller.server.counts().grants[0].live_tokens, 10);
}

#[test]
fn the_twenty_first_refresh_token_kills_the_oldest_with_its_tokens() {
    let caller = Caller::new();
    let token = caller.token();
    for _ in 0..19 {
        caller.server.new_refresh_token();
    }
    assert!(caller.lives(&token));
    caller.server.new_refresh_token();
    assert!(!caller.lives(&token));
    assert_eq!(caller.refresh(), (200, json!({"error": "invalid_code"})));
}

#[test]
fn limits_change_while_it_runs() {
    let caller = Caller::new();
    let post = |body| caller.control("limits", &body);
    assert_eq!(post(json!({"token_life_s": 25, "budget": 2})).1["token_life_s"], 25);
    assert_eq!(caller.refresh().1["expires_in"], 25);
    caller.server.set_limits(|limits| limits.budget = 1).unwrap();
    assert_eq!(caller.refresh().0, 400);
    assert_eq!(post(json!({"bugdet": 2})).0, 400);
    assert!(caller.server.set_limits(|limits| limits.user_location = Some("eu".into())).is_err());
}

#[test]
fn the_clock_moves_and_the_date_header_with_it() {
    let caller = Caller::new();
    let date = || {
        let answer = caller.http.get(caller.url("/oauth/serverinfo")).send().unwrap();
        answer.headers()["date"].to_str().unwrap().to_owned()
    };
    let before = date();
    caller.control("clock", &json!({"advance_s": 86_400}));
    assert_ne!(before[..16], date()[..16]);
}

#[test]
fn killing_and_resetting() {
    let caller = Caller::new();
    let post = |path: &str| answered(caller.http.post(caller.url(path)).send().unwrap());
    let (first, second) = (caller.token(), caller.token());
    let killed = caller.control("kill-tokens", &json!({"token": first}));
    assert_eq!(killed, (200, json!({"killed": 1})));
    assert!(!caller.lives(&first) && caller.lives(&second));
    assert_eq!(post("/sandbox/kill-tokens").1["killed"], 1);
    assert!(!caller.lives(&second));
    assert_eq!(post("/sandbox/reset").0, 200);
    assert_eq!(caller.server.log(), []);
    let third = caller.token();
    assert!(third != first && third != second);
}

#[test]
fn the_log_and_the_state_can_be_read_from_outside() {
    let caller = Caller::new();
    caller.token();
    let get = |path: &str| answered(caller.http.get(caller.url(path)).send().unwrap()).1;
    let log = get("/sandbox/log");
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!((&log[0]["grant_type"], &log[0]["status"]), (&json!("refresh_token"), &json!(200)));
    for secret in [caller.server.refresh_token(), caller.server.client_secret()] {
        assert!(!log.to_string().contains(secret));
    }
    let state = get("/sandbox/state");
    assert_eq!((&state["minted"], &state["limits"]["budget"]), (&json!(1), &json!(10)));
    caller.http.delete(caller.url("/sandbox/log")).send().unwrap();
    assert_eq!(caller.server.token_requests(), 0);
}
