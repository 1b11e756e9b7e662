//! Token requests stay below Zoho's limit, and failures do not use up the budget.

use crate::harness::{Test, http_status};
use crate::in_process::{ManualClock, run};
use std::time::Duration;
use zoho_cred::sandbox::FaultKind;

#[test]
fn thirty_forced_refreshes_ask_ten_times() {
    let test = Test::new();
    let outcomes: Vec<_> = (0..30).map(|_| test.run("get --refresh")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.code == 0).count(), 10);
    for outcome in &outcomes[10..] {
        outcome.failed_with(75, "rate_limited", "try again in");
    }
    let counts = test.sandbox.counts();
    assert_eq!((counts.token_requests, counts.throttled), (10, 0));
}

#[test]
fn automatic_refreshes_leave_one_for_a_forced_one() {
    let test = Test::new();
    test.spend(9);
    test.age_token(3600);
    test.get().failed(75, "rate_limited");
    test.run("get --refresh").ok();
}

#[test]
fn out_of_budget_still_serves_a_valid_token() {
    let test = Test::new();
    test.spend(10);
    let token = test.token();
    test.age_token(3560);
    assert_eq!(test.get().warned("out of budget"), token);
    test.run("get --min-ttl 10m").failed(75, "rate_limited");
    assert_eq!(test.sandbox.token_requests(), 10);
}

#[test]
fn an_hour_without_network_leaves_the_budget_whole() {
    let test = Test::new().var("ZOHO_ACCOUNTS_URL", "http://127.0.0.1:9");
    let clock = ManualClock::new();
    for _ in 0..120 {
        run(&test, &clock, "get").failed(69, "unavailable");
        clock.advance(Duration::from_secs(30));
    }
    assert_eq!(test.counted(), 0);
}

#[test]
fn a_server_that_is_down_for_twenty_minutes_does_not_empty_the_budget_for_good() {
    let test = Test::new();
    test.fault(http_status(503));
    let clock = ManualClock::new();
    for _ in 0..300 {
        assert_ne!(run(&test, &clock, "get").code, 0);
        clock.advance(Duration::from_secs(4));
    }
    let most = test.sandbox.token_requests();
    assert!(most <= 30, "{most} requests in 20 minutes");
    test.sandbox.clear_faults();
    let mut seconds = 0;
    while run(&test, &clock, "get").code != 0 {
        clock.advance(Duration::from_secs(1));
        seconds += 1;
        assert!(seconds <= 90, "not back after {seconds} s");
    }
}

#[test]
fn waiting_for_budget_is_asked_for() {
    let test = Test::new();
    let clock = ManualClock::new();
    for _ in 0..10 {
        run(&test, &clock, "get --refresh").ok();
    }
    run(&test, &clock, "get --refresh").exits(75);
    test.sandbox.advance(Duration::from_secs(700));
    run(&test, &clock, "get --refresh --wait 11m --timeout 12m").ok();
}

#[test]
fn a_remembered_refusal_is_told_although_the_budget_is_used_up() {
    let test = Test::new().with_profile();
    test.configure("budget = { tokens = 1, window = '10m' }");
    test.fault(FaultKind::InvalidCode);
    for _ in 0..3 {
        test.get().failed(77, "login_required");
    }
    test.run("get --refresh").failed(75, "rate_limited");
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Two home directories are like two machines, unless they share a state directory.
#[test]
fn two_homes_with_one_state_dir_share_the_budget() {
    let mut test = Test::new();
    let homes = ["one", "two"].map(|name| {
        let home = test.dir.path().join(name);
        std::fs::create_dir(&home).unwrap();
        home.display().to_string()
    });
    for home in homes.iter().cycle().take(12) {
        test.set("HOME", home);
        let outcome = test.run("get --refresh");
        assert!([0, 75].contains(&outcome.code), "{outcome:?}");
    }
    assert_eq!(test.sandbox.token_requests(), 10);
}
