//! Every known answer of the token endpoint (`wire-cases.json`): its class, the exit code, and how many requests the
//! server saw.

use crate::harness::{Test, http_answer, oauth_error};
use crate::in_process::{ManualClock, run};
use std::time::Duration;
use zoho_cred::oauth::{Answer, classify};
use zoho_cred::sandbox::{FaultKind, WireCase, wire_cases};

fn wire(case: &WireCase) -> FaultKind {
    FaultKind::Wire { name: case.name.clone() }
}

#[test]
fn every_wire_case_has_its_class() {
    for case in wire_cases() {
        let class = match classify(case.status, case.body().as_bytes(), false) {
            Answer::Throttled => "throttled",
            Answer::Transient(_) => "transient",
            Answer::Granted(_) => "granted",
            Answer::Refused(_) => "refused",
            Answer::Misconfigured(_) => "misconfigured",
            Answer::Unknown(_) => "unknown",
        };
        assert_eq!(class, case.class, "{}", case.name);
    }
}

#[test]
fn every_wire_case_has_its_exit_code_and_number_of_requests() {
    for case in wire_cases() {
        let test = Test::new();
        test.fault(wire(case));
        let outcome = test.get();
        assert_eq!(outcome.code, case.exit, "{}: {outcome:?}", case.name);
        assert_eq!(test.sandbox.token_requests(), case.requests, "{}", case.name);
        if case.class == "unknown" {
            let word = case.error().unwrap();
            outcome.says(&format!("'{word}'"));
        }
    }
}

#[test]
fn a_caller_in_a_loop_sends_one_request_for_each_definite_error_and_then_waits() {
    let definite = |case: &&WireCase| ["throttled", "refused", "misconfigured"].contains(&&*case.class);
    for case in wire_cases().iter().filter(definite) {
        let test = Test::new();
        test.fault(wire(case));
        let clock = ManualClock::new();
        for second in (0..30).step_by(3) {
            assert_eq!(run(&test, &clock, "get").code, case.exit, "{}, {second} s", case.name);
            clock.advance(Duration::from_secs(3));
        }
        assert_eq!(test.sandbox.token_requests(), 1, "{}", case.name);
    }
}

/// Words that were taken for transient used up nine of ten requests in 136 s.
#[test]
fn definite_and_unknown_words_leave_the_budget_alone() {
    for (word, code, most) in
        [("invalid_mobile_code", 77, 3), ("inactive_client", 78, 3), ("invalid_request", 69, 7)]
    {
        let test = Test::new();
        test.fault(oauth_error(word));
        let clock = ManualClock::new();
        for _ in 0..68 {
            assert_eq!(run(&test, &clock, "get").code, code, "{word}");
            clock.advance(Duration::from_secs(2));
        }
        let asked = test.sandbox.token_requests();
        assert!(asked <= most, "{word}: {asked} requests in 136 s");
    }
}

#[test]
fn a_refusal_is_asked_again_after_30_s_then_2_min_then_every_10_min() {
    let test = Test::new();
    test.fault(oauth_error("inactive_refreshtoken"));
    let clock = ManualClock::new();
    let mut asked_at = Vec::new();
    for second in (0..1400).step_by(10) {
        let before = test.sandbox.token_requests();
        run(&test, &clock, "get");
        if test.sandbox.token_requests() > before {
            asked_at.push(second);
        }
        clock.advance(Duration::from_secs(10));
    }
    let gaps: Vec<i32> = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps, [30, 120, 600, 600]);
}

/// Each word that rejects the client: its likely cause and remedy, in English by the request, in Japanese from memory.
#[test]
fn every_rejection_names_its_likely_cause() {
    let login = "zoho-cred login crm";
    let cases = [
        ("invalid_client", "wrong data center", login, "データセンターの間違い"),
        ("invalid_client_secret", "client secret is wrong", login, "クライアントシークレットの間違い"),
        ("invalid_redirect_uri", "one of those registered", login, "完全には一致していません"),
        ("inactive_client", "deactivated or deleted", "activate the client", "無効にされたか"),
        ("restricted_client", "Zoho has restricted", "Zoho's support", "制限されています"),
        ("access_denied_admin", "an administrator", "ask the administrator", "組織の管理者"),
        ("unauthorized_device", "this device", "ask the administrator", "このデバイスが許可"),
        ("unauthorized_client", "the type of the client", "--flow", "この種類のクライアント"),
        ("unsupported_grant_type", "does not support this grant", "--flow", "グラント種別"),
        ("ip_not_allowed", "IP restrictions", "allowed IP addresses", "IP アドレス制限"),
        ("invalid_scope", "a scope is misspelled", "--scope", "スコープのつづり"),
        ("restricted_scope", "a scope is misspelled", "--scope", "スコープのつづり"),
        ("missing_org_info", "soid is missing or wrong", "--soid", "soid がないか"),
    ];
    for (word, cause, hint, japanese) in cases {
        let test = Test::new().with_profile();
        let blocked = r#"{"response":"error","code":"T102","cause":"ip_not_allowed"}"#;
        let is_blocked = word == "ip_not_allowed";
        test.fault(if is_blocked { http_answer(200, blocked) } else { oauth_error(word) });
        let outcome = test.run("get crm");
        outcome.failed(78, "client_rejected");
        let line = |begin: &str| outcome.stderr.lines().find(|line| line.contains(begin)).unwrap_or_default();
        assert!(line("error[client_rejected]").contains(word), "{outcome:?}");
        assert!(line("cause: ").contains(cause), "{outcome:?}");
        assert!(line("hint: ").contains(hint), "{outcome:?}");
        let again = test.call("get crm").env("LANG", "ja_JP.UTF-8").run();
        again.failed_with(78, "client_rejected", japanese);
        assert_eq!(test.sandbox.token_requests(), 1, "{word}");
    }
}

#[test]
fn a_misconfiguration_is_asked_again_after_a_minute_and_at_once_with_another_secret() {
    let mut test = Test::new();
    test.fault(oauth_error("access_denied_admin"));
    let clock = ManualClock::new();
    for (second, asked) in [(0, 1), (59, 1), (60, 2)] {
        run(&test, &clock, "get").exits(78);
        assert_eq!(test.sandbox.token_requests(), asked, "after {second} s");
        clock.advance(Duration::from_secs(if second == 0 { 59 } else { 1 }));
    }
    test.set("ZOHO_CLIENT_SECRET", "another");
    run(&test, &clock, "get").exits(78);
    assert_eq!(test.sandbox.token_requests(), 3);
}

/// The ledger, which a fleet shares, holds codes: an answer cannot put text into it, nor into a terminal through it.
#[test]
fn no_text_of_an_answer_is_stored() {
    for body in [
        r#"{"error":"::error::forged"}"#,
        r#"{"error":"general_error\n##vso[task.complete]"}"#,
        r#"{"error":"\u001b[2Jcleared","x":1}"#,
        r#"{"error":"general_error","extra":"forged cleared"}"#,
        "<html>forged cleared</html>",
    ] {
        let test = Test::new();
        test.fault(http_answer(400, body));
        test.get();
        let ledger = std::fs::read_to_string(test.state_file("ledgers")).unwrap();
        assert!(!["forged", "vso", "cleared", "::"].iter().any(|text| ledger.contains(text)), "{ledger}");
        test.get().hides(&["forged", "vso"]);
    }
}

/// Version 0.1 stored text and showed it: a ledger in a shared folder may still hold some.
#[test]
fn text_in_an_older_ledger_reaches_no_terminal() {
    let test = Test::new();
    test.fault(oauth_error("general_error"));
    test.get().failed(69, "unavailable");
    test.edit_state("ledgers", |json| {
        json["failure"]["message"] = "\u{1b}[2J\n::error::forged".into();
        json["failure"]["error"] = "x\n::warning::forged".into();
    });
    for args in ["get", "status", "doctor"] {
        test.run(args).hides(&["forged", "\u{1b}"]);
    }
}
