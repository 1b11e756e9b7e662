//! What `INFO` says about the state of Redis, for `doctor`.

use crate::store::shared::remote::{Eviction, Refusal};

/// What `INFO` says about evicting keys. `memory` is its section of that name.
pub(super) fn eviction(memory: &str) -> Eviction {
    match fact(memory, "maxmemory_policy") {
        Some("noeviction") => Eviction::Never,
        Some(policy) => Eviction::Policy(policy.to_owned()),
        None => Eviction::Unknown,
    }
}

fn fact<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Why Redis would take no writes.
pub(super) fn refusal(memory: &str, replication: &str) -> Option<Refusal> {
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
