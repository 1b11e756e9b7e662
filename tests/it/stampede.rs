//! Any number of concurrent callers causes one token request.

use crate::harness::{Test, one_token};
use std::time::Duration;

fn slow_sandbox() -> Test {
    let test = Test::new();
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(1)).unwrap();
    test
}

#[test]
fn two_hundred_cold_callers_cost_one_request() {
    let test = slow_sandbox();
    let outcomes = test.run_many(200, &["get"]);
    one_token(&outcomes);
    assert_eq!(test.sandbox.token_requests(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.stderr.is_empty()));
}

#[test]
fn a_thousand_cold_callers_cost_one_request() {
    let test = slow_sandbox().with_profile();
    let outcomes = test.run_many(1000, &["get", "crm"]);
    one_token(&outcomes);
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn two_profiles_with_one_refresh_token_share_one_request() {
    let test = Test::new().with_profile();
    let text = std::fs::read_to_string(test.config()).unwrap();
    let (secret, token) = (test.dir.path().join("client-secret"), test.dir.path().join("refresh-token"));
    let args =
        ["login", "other", "--flow", "refresh-token", "--secrets", "file", "--no-verify", "--accounts-url"];
    let files =
        ["--client-secret-file", secret.to_str().unwrap(), "--refresh-token-file", token.to_str().unwrap()];
    let settings = [test.sandbox.url(), "--client-id", test.sandbox.client_id()];
    test.run(args.into_iter().chain(settings).chain(files)).ok();
    assert_ne!(text, std::fs::read_to_string(test.config()).unwrap());
    assert_eq!(test.run(["get", "crm"]).ok(), test.run(["get", "other"]).ok());
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn a_login_that_is_not_verified_spends_nothing() {
    let test = Test::new().with_profile();
    assert_eq!(test.sandbox.token_requests(), 0);
}
