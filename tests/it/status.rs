//! `status` describes a profile without contacting any server.

use crate::harness::Test;
use crate::in_process::{ManualClock, run};
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, FaultKind, Language, Options};

#[test]
fn a_ready_profile() {
    let test = Test::new();
    test.get().ok();
    let outcome = test.run("status -o json");
    let status = outcome.exits(0).json();
    let budget = ["used", "left", "window_s"].map(|key| status["budget"][key].as_u64());
    assert_eq!(budget, [Some(1), Some(9), Some(600)]);
    let others = (&status["state"], &status["minted_last_hour"], &status["lock"]["held"]);
    assert_eq!(others, (&"ready".into(), &1.into(), &false.into()));
    assert!(status["token"]["expires_in"].as_i64().unwrap() > 3500);
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Regression: the bar was made of `#`, which the guard against forged CI commands escaped.
#[test]
fn without_utf8_the_bar_is_made_of_plain_characters() {
    let test = Test::new().var("LC_ALL", "C");
    test.get().ok();
    test.run("status").prints("==================.. 9 of 10 left");
}

#[test]
fn a_profile_that_gets_no_token_says_why() {
    let throttle = FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None };
    for (fault, code, state) in
        [(throttle, 75, "cooling_down"), (FaultKind::InvalidCode, 77, "login_required")]
    {
        let test = Test::new();
        test.fault(fault);
        test.get();
        let status = test.run("status -o json").exits(code).json();
        assert_eq!(status["state"], state);
        match code {
            75 => assert!(status["cool_down_until"].is_string(), "{status}"),
            _ => assert_eq!(status["last_failure"]["code"], "invalid_code"),
        }
    }
}

#[test]
fn out_of_budget_and_many_tokens() {
    let test = Test::new();
    test.spend(10);
    let outcome = test.run("status -o json");
    assert_eq!((outcome.code, outcome.json()["state"].as_str()), (0, Some("out_of_budget")));
    assert!(outcome.json()["budget"]["next_slot_s"].as_u64().unwrap() > 500);
    outcome.says("10 tokens were minted");
    test.run("status").prints("out of budget").prints("next slot in");
}

#[test]
fn a_ledger_that_cannot_be_read_counts_as_all_but_two() {
    let test = Test::new();
    test.get().ok();
    for junk in [&b"junk"[..], &[b' '; 70_000]] {
        std::fs::write(test.state_file("ledgers"), junk).unwrap();
        let outcome = test.run("status -o json");
        assert_eq!(outcome.json()["budget"]["used"], 8, "{outcome:?}");
        assert_eq!(outcome.json()["budget"]["left"], 2);
        assert_eq!(std::fs::read(test.state_file("ledgers")).unwrap(), junk, "looking changes nothing");
    }
}

/// Regression: text, JSON, `doctor` and errors showed three different waits.
#[test]
fn the_budget_is_the_same_in_every_report_and_error() {
    let test = Test::new();
    let clock = ManualClock::new();
    let mut waits = Vec::new();
    for minute in 0..22 {
        if minute < 10 {
            run(&test, &clock, "get --refresh").ok();
            test.age_token(3600);
        }
        let budget = run(&test, &clock, "status -o json").json()["budget"].take();
        let [used, left, wait] = ["used", "left", "next_slot_s"]
            .map(|key| budget[key].as_u64().unwrap_or_else(|| panic!("{key}")));
        assert_eq!(used + left, 10);
        let time = match (wait / 60, wait % 60) {
            (0, s) => format!("{s} s"),
            (m, 0) => format!("{m} min"),
            (m, s) => format!("{m} min {s} s"),
        };
        let words = match (wait, left) {
            (0, _) => format!("{left} of 10 left\n"),
            (_, 0) => format!("0 of 10 left, next slot in {time}\n"),
            (_, _) => format!("{left} of 10 left, reserved for --refresh; next slot in {time}\n"),
        };
        let text = run(&test, &clock, "status").stdout;
        assert!(text.contains(&words), "{words} {text}");
        let found = run(&test, &clock, "doctor -o json").finding("budget").1;
        assert!(found.starts_with(words.trim()), "{words} {found}");
        if wait > 0 {
            waits.push((left, wait));
            let error = run(&test, &clock, "get --error-format json").error();
            assert_eq!(error["retry_after_s"], wait, "{error}");
            let said = error["message"].as_str().unwrap();
            assert!(said.contains(&format!("{used} of Zoho's 10")), "{said}");
        }
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(waits, [(1, 135), (0, 135), (0, 75), (1, 15)]);
}

#[test]
fn whose_login_it_is() {
    let scopes = ["ZohoCRM.modules.ALL", "AaaServer.profile.READ"].map(str::to_owned).to_vec();
    let test = Test::with(Options { scopes, ..Options::default() }).without_environment();
    let id = test.sandbox.client_id();
    let login = test.login("crm", ClientKind::Any).args("--flow refresh-token");
    let login = login.args("--scope ZohoCRM.modules.ALL,AaaServer.profile.READ");
    let outcome = login.file("--refresh-token-file", test.sandbox.refresh_token()).run();
    outcome.exits(0);
    test.configure("org_id = '600000434'");
    let status = test.json("status");
    assert_eq!((&status["version"], &status["client_id"]), (&1.into(), &id.into()));
    assert_eq!(status["account"], "Sam Sandbox <sam@sandbox.invalid>", "{outcome:?}");
    assert_eq!((&status["flow"], &status["org_id"]), (&"refresh-token".into(), &"600000434".into()));
    assert_eq!(status["scopes"], serde_json::json!(["ZohoCRM.modules.ALL", "AaaServer.profile.READ"]));
    let text = test.run("status").stdout;
    for value in ["Sam Sandbox <sam@sandbox.invalid>", id, "refresh-token", "600000434", "AaaServer"] {
        assert!(text.contains(value), "{value}: {text}");
    }
    // The scopes are those that tokens have, not those that the next login will ask for.
    test.write_config(&test.read_config().replace("AaaServer.profile.READ", "ZohoCRM.settings.ALL"));
    let status = test.json("status");
    assert_eq!(
        (&status["scopes_edited"], &status["scopes"][1]),
        (&true.into(), &"AaaServer.profile.READ".into())
    );
}
