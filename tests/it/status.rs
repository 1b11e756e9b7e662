//! `status` describes a profile without contacting any server.

use crate::harness::{Outcome, Test};
use zoho_cred::sandbox::{FaultKind, Language};

fn json(outcome: &Outcome) -> serde_json::Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[test]
fn a_ready_profile() {
    let test = Test::new();
    test.get().ok();
    let outcome = test.run(["status", "-o", "json"]);
    let status = json(&outcome);
    assert_eq!(outcome.code, 0);
    assert_eq!(status["state"], "ready");
    assert_eq!(status["budget"]["used"], 1);
    assert_eq!(status["budget"]["left"], 9);
    assert_eq!(status["budget"]["window_s"], 600);
    assert_eq!(status["minted_last_hour"], 1);
    assert_eq!(status["lock"]["held"], false);
    assert!(status["token"]["expires_in"].as_i64().unwrap() > 3500);
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Regression: the bar was made of `#`, which the guard against forged CI commands escaped.
#[test]
fn without_utf8_the_bar_is_made_of_plain_characters() {
    let test = Test::new().var("LC_ALL", "C");
    test.get().ok();
    let text = test.run(["status"]).stdout;
    assert!(text.contains("==================.. 9 of 10 left"), "{text}");
}

#[test]
fn cooling_down() {
    let test = Test::new();
    test.fault(FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None });
    test.get();
    let outcome = test.run(["status", "-o", "json"]);
    assert_eq!((outcome.code, json(&outcome)["state"].as_str()), (75, Some("cooling_down")));
    assert!(json(&outcome)["cool_down_until"].is_string());
}

#[test]
fn login_required() {
    let test = Test::new();
    test.fault(FaultKind::InvalidCode);
    test.get();
    let outcome = test.run(["status", "-o", "json"]);
    assert_eq!((outcome.code, json(&outcome)["state"].as_str()), (77, Some("login_required")));
    assert_eq!(json(&outcome)["last_failure"]["code"], "invalid_code");
}

#[test]
fn out_of_budget_and_many_tokens() {
    let test = Test::new();
    (0..10).for_each(|_| {
        test.run(["get", "--refresh"]).ok();
    });
    let outcome = test.run(["status", "-o", "json"]);
    assert_eq!((outcome.code, json(&outcome)["state"].as_str()), (0, Some("out_of_budget")));
    assert!(json(&outcome)["budget"]["next_slot_s"].as_u64().unwrap() > 500);
    assert!(outcome.stderr.contains("10 tokens were minted"), "{outcome:?}");
    let text = test.run(["status"]).stdout;
    assert!(text.contains("out of budget") && text.contains("next slot in"), "{text}");
}

#[test]
fn a_ledger_that_cannot_be_read_counts_as_all_but_two() {
    let test = Test::new();
    test.get().ok();
    std::fs::write(test.state_file("ledgers"), "junk").unwrap();
    let outcome = test.run(["status", "-o", "json"]);
    assert_eq!(json(&outcome)["budget"]["used"], 8, "{outcome:?}");
    assert_eq!(json(&outcome)["budget"]["left"], 2);
    assert_eq!(std::fs::read(test.state_file("ledgers")).unwrap(), b"junk", "looking changes nothing");
}
