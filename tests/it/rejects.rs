//! `reject` drops a rejected token once, and a script with a wrong scope does not affect other callers.

use crate::harness::{Test, http_answer};
use zoho_cred::sandbox::{Endpoint, Fault};

#[test]
fn twenty_rejects_with_fifty_gets_make_one_new_token() {
    let test = Test::new();
    let old = test.token();
    test.sandbox.kill_token(&old);
    let rejects: Vec<_> = (0..20).map(|_| test.call("reject").stdin(&old).start()).collect();
    let gets: Vec<_> = (0..50).map(|_| test.call("get").start()).collect();
    for reject in rejects {
        let outcome = reject.wait();
        assert_eq!((outcome.ok(), outcome.stdout.as_str()), ("", ""));
    }
    for get in gets {
        get.wait().ok();
    }
    assert_ne!(test.get().ok(), old);
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_late_reject_of_an_old_token_changes_nothing() {
    let test = Test::new();
    let old = test.token();
    let new = test.refresh();
    test.run_with_stdin("reject", format!("Zoho-oauthtoken {old}\n").as_bytes()).ok();
    assert_eq!(test.get().ok(), new);
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_script_with_a_wrong_scope_does_not_empty_the_budget() {
    let test = Test::new();
    let mut warned = 0;
    for _ in 0..10 {
        let token = test.token();
        let rejected = test.reject(&token);
        rejected.ok();
        warned += usize::from(rejected.stderr.contains("scope"));
    }
    assert!(warned >= 7);
    assert!(test.sandbox.token_requests() <= 3);
    assert!(test.sandbox.log().iter().any(|entry| entry.endpoint == Endpoint::UserInfo));
    assert!(test.run_many(10, "get").iter().all(|outcome| outcome.code == 0));
}

#[test]
fn tokens_that_really_die_cause_three_refreshes_at_most() {
    let test = Test::new();
    let first = test.token();
    let mut token = first;
    for _ in 0..6 {
        test.sandbox.kill_tokens();
        test.reject(&token).ok();
        match test.get() {
            outcome if outcome.code == 0 => token = outcome.ok().to_owned(),
            outcome => {
                outcome.failed(75, "rate_limited");
            }
        }
    }
    assert_eq!(test.sandbox.token_requests(), 1 + 3);
}

#[test]
fn malformed_input_is_refused_and_loses_nothing() {
    let test = Test::new();
    let token = test.token();
    for bad in [&b""[..], b"a b c", b"\0\0", b"\xff\xfe", &[b'a'; 100_000]] {
        test.run_with_stdin("reject", bad).failed(65, "bad_input");
    }
    assert_eq!(test.get().ok(), token);
}

#[test]
fn every_later_reject_is_checked_so_that_a_token_that_dies_after_a_check_is_dropped() {
    let test = Test::new();
    for _ in 0..2 {
        let token = test.token();
        test.reject(&token).ok();
    }
    let checks = || test.sandbox.log().iter().filter(|it| it.endpoint == Endpoint::UserInfo).count();
    let token = test.token();
    assert_eq!(checks(), 1, "the second reject of the window is checked, and the token lives");
    test.sandbox.kill_token(&token);
    assert_eq!(test.reject(&token).stderr, "");
    assert_eq!(checks(), 2);
    assert_ne!(test.get().ok(), token);
}

#[test]
fn a_throttle_or_an_ip_block_of_user_info_proves_nothing() {
    for cause in
        [r#""code":"Z101","cause":"throttles_limit_exceeded""#, r#""code":"T102","cause":"ip_not_allowed""#]
    {
        let test = Test::new();
        let first = test.token();
        test.reject(&first).ok();
        let token = test.token();
        let kind = http_answer(200, format!("{{\"response\":\"error\",{cause}}}"));
        test.sandbox.set_fault(Fault::new(Endpoint::UserInfo, kind));
        test.reject(&token).says("did not say");
        assert_eq!(test.get().ok(), token);
    }
}
