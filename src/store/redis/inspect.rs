//! Checks of the shared store for `doctor`. They change nothing.

use crate::error::Error;
use crate::model::CredentialId;
use crate::store::redis::remote::Remote;
use crate::store::redis::settings::RedisSettings;
use std::time::Duration;

/// The result of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    /// Round-trip time.
    pub(crate) latency: Duration,
    /// How far Redis's clock is ahead of this machine's, in ms.
    pub(crate) clock_offset_ms: i64,
    /// Remaining time of the lease that a machine has on the credential.
    pub(crate) lease: Option<Duration>,
    /// Redis's `maxmemory-policy`. `None` if Redis does not report it.
    pub(crate) eviction: Option<String>,
    /// Why Redis accepts no writes. Without them nobody can refresh.
    pub(crate) refusal: Option<Refusal>,
    /// Whether the token is sealed with a key that this machine does not have.
    pub(crate) foreign: bool,
}

/// Why a reachable Redis accepts no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is a read-only replica.
    Replica,
    /// Its memory is full, and it evicts nothing.
    Full,
}

impl RedisSettings {
    /// `Code::Unavailable` if Redis does not respond. `Code::Config` if it denies access or there is no key.
    pub(crate) fn inspect(&self, credential: &CredentialId) -> Result<Health, Error> {
        let keys = self.keys.as_ref().map_err(Error::clone)?;
        let mut remote = Remote::connect(self, credential, Duration::MAX)?;
        let (redis_ms, took) = {
            let before = self.clock.monotonic();
            let (seconds, micros): (i64, i64) = remote.ask(&redis::cmd("TIME"))?;
            (seconds * 1000 + micros / 1000, self.clock.monotonic().saturating_sub(before))
        };
        let here_ms = self.clock.now().wall_ms - (took.as_millis() / 2) as i64;
        let left_ms: i64 = remote.ask(redis::cmd("PTTL").arg(remote.lease_key()))?;
        let header: Vec<u8> =
            remote.ask(redis::cmd("HGET").arg(remote.token_key()).arg("sealed")).unwrap_or_default();
        let memory = info(&mut remote, "memory");
        Ok(Health {
            latency: took,
            clock_offset_ms: redis_ms - here_ms,
            lease: u64::try_from(left_ms).ok().map(Duration::from_millis),
            refusal: refusal(&memory, &info(&mut remote, "replication")),
            eviction: fact(&memory, "maxmemory_policy").map(str::to_owned),
            foreign: header.len() > 5 && header[0] == 1 && !keys.ids().iter().any(|id| id == &header[1..5]),
        })
    }
}

/// A section of `INFO`. Empty if Redis does not permit it. Managed services may hide `CONFIG` but not `INFO`.
fn info(remote: &mut Remote, section: &str) -> String {
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
