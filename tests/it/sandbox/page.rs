//! `docs/sandbox.md`: every limit, fault and recorded answer has an example, which the sandbox accepts.

use super::caller::Caller;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::Command;
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind, Limits, wire_cases};

/// The cells of the rows of the table below this heading whose first cell is `head`.
fn table(head: &str) -> Vec<Vec<String>> {
    let page = std::fs::read_to_string("docs/sandbox.md").unwrap();
    let after = page.split(&format!("\n| {head} |")).nth(1).unwrap();
    let rows = after.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    rows.map(cells).collect()
}

fn code(cell: &str) -> &str {
    cell.trim_matches('`')
}

#[test]
fn every_limit_has_an_example_and_its_flag() {
    let caller = Caller::new();
    let help = Command::new(assert_cmd::cargo::cargo_bin("zoho-sandbox")).args(["serve", "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    let mut keys = BTreeSet::new();
    for row in table("limit") {
        let example = code(row.last().unwrap());
        let limits: Value = serde_json::from_str(example).unwrap();
        assert_eq!(caller.control("limits", &limits).0, 200, "{example}");
        keys.extend(limits.as_object().unwrap().keys().cloned());
        assert!(help.contains(code(&row[1])), "{row:?}");
    }
    let all = serde_json::to_value(Limits::default()).unwrap();
    assert_eq!(keys, all.as_object().unwrap().keys().cloned().collect());
}

#[test]
fn every_fault_has_an_example() {
    let examples = table("what happens");
    let examples = examples.iter().map(|row| code(row.last().unwrap()));
    let faults: Vec<Fault> = examples.map(|example| example.parse().unwrap()).collect();
    let kinds: BTreeSet<_> = faults.iter().map(|fault| json!(fault)["kind"].to_string()).collect();
    let error = serde_json::from_value::<FaultKind>(json!({"kind": "?"})).unwrap_err().to_string();
    let all = error.split('`').skip(3).step_by(2).map(|kind| format!("{kind:?}")).collect();
    assert_eq!(kinds, all);
    let caller = Caller::new();
    caller.server.set_limits(|limits| limits.budget = 100).unwrap();
    for fault in faults {
        caller.server.clear_faults();
        caller.server.set_fault(fault.clone());
        let cut = ["hang", "reset"].iter().any(|kind| json!(fault)["kind"].to_string().contains(kind));
        if !cut {
            let _ = caller.try_response();
            assert!(caller.last().fault.is_some(), "{fault:?}");
        }
    }
}

#[test]
fn every_recorded_answer_is_named_with_its_class_and_exit_code() {
    let caller = Caller::new();
    let mut named = 0;
    for row in table("class") {
        for name in row[2].split(", ").map(code) {
            let fault: Fault = format!("wire:{name}").parse().unwrap();
            caller.server.clear_faults();
            caller.server.set_fault(fault);
            let answer = caller.http.post(caller.url("/oauth/v2/token")).send().unwrap();
            let (status, body) = (answer.status().as_u16(), answer.text().unwrap());
            let found = wire_cases().iter().find(|case| {
                (case.status, case.body(), &case.class, case.exit.to_string())
                    == (status, body.clone(), &row[0], row[1].clone())
            });
            assert!(found.is_some(), "{name}: {status} {body}");
            named += 1;
        }
    }
    assert_eq!(named, wire_cases().len());
}

#[test]
fn a_security_filter_answers_at_any_endpoint() {
    let caller = Caller::new();
    let token = caller.token();
    let fault = "userinfo:wire:ip-not-allowed-json".parse::<Fault>().unwrap();
    assert_eq!(fault.endpoint, Endpoint::UserInfo);
    caller.server.set_fault(fault);
    let (status, body) = caller.get("/oauth/user/info", &token);
    assert_eq!((status, body["cause"].as_str()), (200, Some("ip_not_allowed")));
}
