//! `doctor` checks the shared store without changing it, and prints no key.

use super::world::RedisStore;
use crate::harness::until;
use std::time::Duration;

/// The status of the check of the shared store, and its message and fix in one string.
fn finding(fleet: &RedisStore, machine: usize) -> (String, String) {
    let (requests, keys) = (fleet.requests(), fleet.redis.keys().len());
    let outcome = fleet.run(machine, &["doctor", "-o", "json"]);
    assert_eq!((fleet.requests(), fleet.redis.keys().len()), (requests, keys));
    assert!(!outcome.stdout.contains(&fleet.key), "{outcome:?}");
    outcome.finding("shared store")
}

#[test]
fn a_store_that_keeps_what_it_is_given() {
    let Some(fleet) = RedisStore::new() else { return };
    let (status, said) = finding(&fleet, 0);
    assert!(
        status == "ok" && said.contains("answers in") && said.contains("+0.") | said.contains("-0."),
        "{said}"
    );
    let _: String = fleet.redis.ask(&[b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lru"]);
    let (status, said) = finding(&fleet, 0);
    assert!(status == "failed" && said.contains("allkeys-lru") && said.contains("noeviction"), "{said}");
}

#[test]
fn a_lease_is_reported() {
    let Some(fleet) = RedisStore::new() else { return };
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(3)).unwrap();
    let holder = fleet.start(0, &["get"]);
    until("the request to arrive", || fleet.requests() == 1);
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::ZERO).unwrap();
    let (status, said) = finding(&fleet, 1);
    assert!(status == "ok" && said.contains("a machine is refreshing"), "{said}");
    let told = fleet.run(1, &["status"]);
    assert!(
        told.stdout.contains("answers in") && told.stdout.contains("a machine is refreshing"),
        "{told:?}"
    );
    assert!(!told.stdout.contains(&fleet.key), "{told:?}");
    holder.wait().ok();
}

/// Regression: reports counted the requests of their own machine only, but errors those of all machines.
#[test]
fn the_budget_is_that_of_all_machines_in_every_report_and_error() {
    let Some(fleet) = RedisStore::new() else { return };
    for used in 1..=10 {
        fleet.run(used % 2, &["get", "--refresh"]).ok();
        let left = 10 - used;
        for machine in 0..2 {
            let json = |args: &[&str]| -> serde_json::Value {
                let outcome = fleet.run(machine, args);
                let text = if outcome.stdout.is_empty() { &outcome.stderr } else { &outcome.stdout };
                serde_json::from_str(text).unwrap_or_else(|_| panic!("{outcome:?}"))
            };
            let budget = json(&["status", "-o", "json"])["budget"].take();
            assert_eq!((&budget["used"], &budget["left"]), (&used.into(), &left.into()), "{budget}");
            let words = format!("{left} of 10 left");
            let text = fleet.run(machine, &["status"]).stdout;
            assert!(text.contains(&words), "{text}");
            let found = fleet.run(machine, &["doctor", "-o", "json"]).finding("budget").1;
            assert!(found.starts_with(&words), "{found}");
            if left == 0 {
                let error = json(&["get", "--refresh", "--error-format", "json"])["error"].take();
                let said = error["message"].as_str().unwrap();
                assert!(said.contains(&format!("{used} of Zoho's 10")), "{said}");
            }
        }
    }
    assert_eq!(fleet.requests(), 10);
}

#[test]
fn a_token_under_another_key_is_found() {
    let Some(mut fleet) = RedisStore::new() else { return };
    fleet.get(0).ok();
    fleet.key = fleet.test.run("keygen").ok().to_owned();
    let (status, said) = finding(&fleet, 1);
    assert!(status == "failed" && said.contains("encrypted with another key"), "{said}");
}

#[test]
fn a_store_that_answers_and_takes_no_writes_is_found() {
    let Some(fleet) = RedisStore::new() else { return };
    let set = |name: &str, value: &str| {
        let _: String = fleet.redis.ask(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]);
    };
    set("maxmemory", "100kb");
    let (status, said) = finding(&fleet, 0);
    assert!(status == "failed" && said.contains("memory is full"), "{said}");
    fleet.run(0, &["get", "--timeout", "2s"]).failed(69, "unavailable");
    set("maxmemory", "0");
    let _: String = fleet.redis.ask(&[b"REPLICAOF", b"127.0.0.1", b"1"]);
    let (status, said) = finding(&fleet, 0);
    assert!(status == "failed" && said.contains("replica"), "{said}");
    fleet.run(0, &["get", "--timeout", "2s"]).failed(69, "unavailable");
}
