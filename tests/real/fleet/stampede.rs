//! Any number of machines causes one request to Zoho, and never exceeds its limit.

use super::world::RedisStore;
use crate::harness::{Running, http_status, one_token};
use std::time::Duration;
use zoho_cred::sandbox::{Endpoint, Fault};

#[test]
fn sixteen_machines_of_cold_callers_cost_one_request() {
    let Some(fleet) = RedisStore::new() else { return };
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(3)).unwrap();
    let args = ["get", "--timeout", "120s"];
    let running: Vec<_> = (0..50).flat_map(|_| 0..16).map(|machine| fleet.start(machine, &args)).collect();
    let outcomes: Vec<_> = running.into_iter().map(Running::wait).collect();
    let slowest = outcomes.iter().map(|outcome| outcome.took).max().unwrap();
    let calls = fleet.redis.calls("eval");
    eprintln!("MEASURED: {calls} calls at Redis in {slowest:?} by 16 machines x 50 callers");
    one_token(&outcomes);
    assert!(outcomes.iter().all(|outcome| outcome.stderr.is_empty()));
    assert_eq!(fleet.requests(), 1);
    // One caller per machine polls, at most every 100 ms. Each other caller may add one read when it starts.
    assert!(calls as f64 <= 16.0 * 10.0 * slowest.as_secs_f64() + 800.0, "{calls} calls");
}

#[test]
fn more_machines_than_redis_admits_are_served_one_after_the_other() {
    let Some(fleet) = RedisStore::with(&["--maxclients", "10"]) else { return };
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(2)).unwrap();
    let running: Vec<_> = (0..30).map(|machine| fleet.start(machine, &["get", "--timeout", "60s"])).collect();
    one_token(&running.into_iter().map(Running::wait).collect::<Vec<_>>());
    eprintln!("MEASURED: {} connections were turned away", fleet.redis.stat("rejected_connections"));
    assert_eq!(fleet.requests(), 1);
}

#[test]
fn two_hundred_forced_refreshes_never_pass_the_budget() {
    let Some(fleet) = RedisStore::new() else { return };
    let args = ["get", "--refresh", "--timeout", "120s"];
    let running: Vec<_> = (0..200).map(|call| fleet.start(call % 16, &args)).collect();
    let outcomes: Vec<_> = running.into_iter().map(Running::wait).collect();
    assert!(outcomes.iter().all(|outcome| matches!(outcome.code, 0 | 75)), "{outcomes:?}");
    let counts = fleet.test.sandbox.counts();
    assert!(counts.token_requests <= 10 && counts.throttled == 0, "{counts:?}");
}

#[test]
fn forced_refreshes_one_after_the_other_are_counted_over_machines() {
    let Some(fleet) = RedisStore::new() else { return };
    let outcomes: Vec<_> = (0..16).map(|machine| fleet.run(machine, &["get", "--refresh"])).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.code == 0).count(), 10);
    for outcome in &outcomes[10..] {
        outcome.failed(75, "rate_limited");
    }
    assert_eq!(fleet.requests(), 10);
}

#[test]
fn a_throttle_is_known_by_all() {
    let Some(fleet) = RedisStore::new() else { return };
    let kind = http_status(429);
    fleet.test.sandbox.set_fault(Fault::new(Endpoint::Token, kind));
    fleet.get(0).failed(75, "rate_limited");
    fleet.test.sandbox.clear_faults();
    for machine in 1..16 {
        fleet.run(machine, &["get", "--refresh"]).failed(75, "rate_limited");
    }
    assert_eq!(fleet.requests(), 1);
}
