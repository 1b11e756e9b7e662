//! A machine that dies, is stopped, or loses Redis while it holds the lease.

use super::world::RedisStore;
use crate::harness::until;
use std::time::Duration;

/// Starts a machine and returns during its request, while it holds the lease.
fn holding(fleet: &RedisStore, seconds: u64) -> crate::harness::Running {
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(seconds)).unwrap();
    let holder = fleet.start(0, &["get"]);
    until("the request to arrive", || fleet.requests() == 1);
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::ZERO).unwrap();
    holder
}

#[test]
fn a_killed_holder_costs_the_lease_and_one_request() {
    let Some(fleet) = RedisStore::new() else { return };
    let holder = holding(&fleet, 8);
    holder.signal("KILL");
    fleet.run(1, &["get", "--timeout", "60s"]).ok();
    assert_eq!(fleet.requests(), 2);
    holder.wait();
}

#[test]
fn a_stopped_holder_never_replaces_a_newer_token() {
    let Some(fleet) = RedisStore::new() else { return };
    let holder = holding(&fleet, 8);
    holder.signal("STOP");
    let newer = fleet.run(1, &["get", "--timeout", "40s"]).ok().to_owned();
    holder.signal("CONT");
    holder.wait().ok();
    assert_eq!(fleet.get(2).ok(), newer);
    assert_eq!(fleet.requests(), 2);
}

#[test]
fn a_holder_that_loses_redis_keeps_its_token() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let holder = holding(&fleet, 3);
    fleet.redis.kill();
    let token = holder.wait().warned("could not be shared yet").to_owned();
    assert_eq!(fleet.get(0).ok(), token);
    fleet.redis.start_again();
    assert_eq!(fleet.get(0).ok(), token);
    assert_eq!(fleet.get(1).ok(), token, "machine 0 pushed it after printing it");
    assert_eq!(fleet.requests(), 1);
}
