//! A look at the shared store that changes nothing in it, for `doctor`.

use crate::error::Error;
use crate::model::CredentialId;
use crate::store::redis::remote::Remote;
use crate::store::redis::settings::Shared;
use std::time::Duration;

/// How the shared store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    /// From a question to its answer.
    pub(crate) latency: Duration,
    /// How far Redis's clock is ahead of this machine's, in ms.
    pub(crate) clock_offset_ms: i64,
    /// How long the lease lasts yet that some machine has on the credential.
    pub(crate) lease: Option<Duration>,
    /// What Redis does when its memory is full; `None` where it does not tell us.
    pub(crate) eviction: Option<String>,
    /// Why it takes no writes, where it tells so: without them nobody can refresh.
    pub(crate) refusal: Option<Refusal>,
    /// Whether the token there is sealed with none of this machine's keys.
    pub(crate) foreign: bool,
}

/// Why a store that answers takes no writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It copies another one.
    Replica,
    /// It has no memory left, and evicts nothing.
    Full,
}

impl Shared {
    /// Asks the store how it is. [`Error::Unavailable`] where it does not answer, [`Error::Setting`] where it does not let
    /// us in or there is no key.
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

/// A section of what a server tells of itself; empty where it does not. One that many share may hide its configuration and
/// still tell this.
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
