//! Checks of Redis for `doctor`. They change nothing.

use crate::error::Error;
use crate::store::redis::RedisRemote;
use crate::store::shared::remote::{Eviction, Health, Refusal, key_id};
use std::time::Duration;

pub(super) fn inspect(remote: &mut RedisRemote) -> Result<Health, Error> {
    let clock = std::rc::Rc::clone(&remote.settings().clock);
    let before = clock.monotonic();
    let (seconds, micros): (i64, i64) = remote.ask(&redis::cmd("TIME"))?;
    let took = clock.monotonic().saturating_sub(before);
    let here_ms = clock.now().wall_ms - (took.as_millis() / 2) as i64;
    let left_ms: i64 = remote.ask(redis::cmd("PTTL").arg(remote.lease_key()))?;
    let sealed: Vec<u8> =
        remote.ask(redis::cmd("HGET").arg(remote.token_key()).arg("sealed")).unwrap_or_default();
    let memory = info(remote, "memory");
    let eviction = match fact(&memory, "maxmemory_policy") {
        Some("noeviction") => Eviction::Never,
        Some(policy) => Eviction::Policy(policy.to_owned()),
        None => Eviction::Unknown,
    };
    Ok(Health {
        latency: took,
        clock_offset_ms: seconds.saturating_mul(1000).saturating_add(micros / 1000) - here_ms,
        lease: u64::try_from(left_ms).ok().map(Duration::from_millis),
        refusal: refusal(&memory, &info(remote, "replication")),
        eviction,
        key_id: key_id(&sealed).map(<[u8]>::to_vec),
    })
}

/// A section of `INFO`. Empty if Redis does not permit it. Managed services may hide `CONFIG` but not `INFO`.
fn info(remote: &mut RedisRemote, section: &str) -> String {
    remote.ask(redis::cmd("INFO").arg(section)).unwrap_or_default()
}

fn fact<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn refusal(memory: &str, replication: &str) -> Option<Refusal> {
    let bytes = |name| fact(memory, name).and_then(|bytes| bytes.parse::<u64>().ok());
    let is_replica =
        fact(replication, "role") == Some("slave") && fact(replication, "slave_read_only") == Some("1");
    match (is_replica, bytes("used_memory"), bytes("maxmemory")) {
        (true, ..) => Some(Refusal::Replica),
        (false, Some(used), Some(most))
            if most > 0 && used > most && fact(memory, "maxmemory_policy") == Some("noeviction") =>
        {
            Some(Refusal::Full)
        }
        _ => None,
    }
}
