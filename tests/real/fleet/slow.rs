//! A Redis that is slow, or stops answering without closing the connection, as in a network partition.

use super::way::{SILENT, Way};
use super::world::RedisStore;
use crate::harness::until;
use std::time::Duration;

fn fleet() -> Option<(RedisStore, Way)> {
    let mut fleet = RedisStore::new()?;
    let way = Way::to(fleet.redis.port);
    fleet.url = format!("redis://127.0.0.1:{}/0", way.port);
    Some((fleet, way))
}

#[test]
fn redis_takes_two_seconds_a_command() {
    let Some((fleet, way)) = fleet() else { return };
    fleet.get(0).ok();
    fleet.age(0, 3560);
    let requests = fleet.requests();
    way.delay(2_000);
    // Slow, but the reservation fits into the lease, so there is one guarded refresh for both machines.
    let token = fleet.get(0).ok().to_owned();
    assert_eq!(fleet.get(1).ok(), token);
    assert_eq!(fleet.requests(), requests + 1);
    way.delay(3_500);
    fleet.age(0, 3560);
    fleet.run(0, &["get"]).warned("could not get a new token");
    fleet.run(2, &["get", "--timeout", "4s"]).failed(69, "unavailable");
    assert_eq!(fleet.requests(), requests + 1);
}

#[test]
fn redis_falls_silent_before_the_reservation() {
    let Some((fleet, way)) = fleet() else { return };
    fleet.get(0).ok();
    way.delay(SILENT);
    fleet.run(1, &["get", "--refresh", "--timeout", "4s"]).failed(69, "unavailable");
    assert_eq!(fleet.requests(), 1);
}

/// Redis is unreachable but Zoho is not: the token is printed, stored locally, and shared later.
#[test]
fn redis_falls_silent_while_zoho_answers() {
    let Some((fleet, way)) = fleet() else { return };
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(1)).unwrap();
    let holder = fleet.start(0, &["get", "--timeout", "8s"]);
    until("the request to arrive", || fleet.requests() == 1);
    way.delay(SILENT);
    let token = holder.wait().warned("could not be shared yet").to_owned();
    way.delay(0);
    assert_eq!(fleet.get(0).ok(), token, "from the cache, and pushed after that");
    assert_eq!(fleet.get(1).ok(), token);
    assert_eq!(fleet.requests(), 1);
}

/// The call ends after `--timeout`, however slow Redis is.
#[test]
fn a_silent_redis_keeps_to_the_callers_timeout() {
    let Some((fleet, way)) = fleet() else { return };
    way.delay(SILENT);
    fleet.run(0, &["get", "--timeout", "1s"]).failed(69, "unavailable");
}

/// Only the machine with the lease loses its connection to Redis.
#[test]
fn a_holder_that_is_cut_off_alone_costs_the_others_the_lease_and_one_request() {
    let Some((mut fleet, way)) = fleet() else { return };
    fleet.test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(2)).unwrap();
    let holder = fleet.start(0, &["get"]);
    until("the request to arrive", || fleet.requests() == 1);
    way.delay(SILENT);
    fleet.url = format!("redis://127.0.0.1:{}/0", fleet.redis.port);
    let theirs = fleet.run(1, &["get", "--timeout", "60s"]).ok().to_owned();
    let ours = holder.wait().warned("could not be shared yet").to_owned();
    assert!(ours != theirs && fleet.requests() == 2);
    // Reconnected, the machine adopts the newer token at its next refresh without a request.
    fleet.age(0, 3560);
    assert_eq!(fleet.get(0).ok(), theirs);
    assert_eq!(fleet.requests(), 2);
}

/// If Redis does not answer during the whole refresh-ahead window, only one caller waits for a timeout.
#[test]
fn a_silent_redis_slows_one_early_call_a_minute() {
    let Some((fleet, way)) = fleet() else { return };
    let token = fleet.get(0).ok().to_owned();
    way.delay(SILENT);
    fleet.age(0, 3320);
    assert_eq!(fleet.get(0).ok(), token);
    let connections = fleet.redis.connections();
    for _ in 0..5 {
        assert_eq!(fleet.get(0).ok(), token);
    }
    // The query for the count uses one connection.
    assert_eq!(fleet.redis.connections(), connections + 1);
    assert_eq!(fleet.requests(), 1);
}
