//! Port to a remote store: one small record per credential, changed by compare-and-set, and the engine's clock.
//!
//! Every operation may be repeated after a lost reply: the second time it changes nothing and returns the same.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::sanitize::sanitize;
use std::time::Duration;

pub const LEASE_MS: i64 = 15_000;

/// The record at one moment. `rev` and `json` are the ledger's, `generation` is the token's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub got: bool,
    /// The engine's time, in ms since 1970.
    pub engine_ms: i64,
    pub generation: u64,
    /// The sealed token. Empty if there is none.
    pub sealed: Vec<u8>,
    /// HMAC of the token that was last rejected.
    pub revoked_mac: String,
    pub rev: String,
    pub json: String,
}

/// A change of the ledger from version `rev` to version `next`.
#[derive(Clone, Copy, Debug)]
pub struct LedgerChange<'a> {
    pub rev: &'a str,
    /// The random version that the change makes.
    pub next: &'a str,
    pub json: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    pub generation: u64,
    pub sealed: &'a [u8],
    /// Its HMACs under all keys, the current key first.
    pub macs: &'a [String],
    /// When it was requested, by the engine's clock.
    pub asked_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    Yes,
    /// The lock or the lease was lost, or another machine wrote the ledger.
    Lost,
}

/// The record of one credential. `within` limits each operation, repeated attempts included. `Code::Unavailable` means
/// that time may help, `Code::Config` that the settings of the store must change.
pub trait Remote {
    /// Reads the record. `None` if the token is sealed with a key that is not in `ids`. With an `owner`, the lease is taken
    /// unless it is somebody else's; an earlier attempt of the same process (see `owner_process`) is not.
    fn look(
        &mut self,
        owner: Option<&str>,
        ids: &[Vec<u8>],
        within: Duration,
    ) -> Result<Option<Reply>, Error>;
    /// Writes the ledger ahead of a request and renews the lease.
    fn reserve(&mut self, owner: &str, change: LedgerChange<'_>, within: Duration)
    -> Result<Reserved, Error>;
    /// Writes the ledger unless another machine did, and returns the current version and content.
    fn record(&mut self, change: LedgerChange<'_>, within: Duration) -> Result<(String, String), Error>;
    /// Stores a token. False, without a change, if there is a newer one, or if this one was rejected.
    fn commit(&mut self, token: NewToken<'_>, within: Duration) -> Result<bool, Error>;
    /// Deletes the token with one of the HMACs `macs`, and leaves a tombstone that bars it from coming back.
    fn drop_token(&mut self, macs: &[String], within: Duration) -> Result<(), Error>;
    /// Deletes a sealed value that cannot be opened, if it is unchanged.
    fn set_aside(&mut self, sealed: &[u8], within: Duration) -> Result<(), Error>;
    fn release(&mut self, owner: &str, within: Duration) -> Result<(), Error>;
    /// Checks the engine, for `doctor`. Changes nothing.
    fn inspect(&mut self) -> Result<Health, Error>;
    /// Whether the last operation reached the engine.
    fn is_connected(&self) -> bool;
    fn longest_pause(&self) -> Duration;
}

/// The part of a lease's owner that names the process. The rest counts its attempts, so that a late message of an earlier
/// attempt does not release the lease of a later one.
pub(crate) fn owner_process(owner: &str) -> &str {
    owner.get(..OWNER_PROCESS).unwrap_or(owner)
}

/// The length of the part of an owner that names the process, which [`crate::system::random::word`] makes.
const OWNER_PROCESS: usize = 32;

/// What `doctor` reports of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub(crate) latency: Duration,
    /// How far the engine's clock is ahead of this machine's, in ms.
    pub(crate) clock_offset_ms: i64,
    /// Why this machine refuses to refresh by these clocks. Set by [`crate::store::inspect`].
    pub(crate) clock_refusal: Option<Error>,
    /// Remaining time of the lease that a machine has on the credential.
    pub(crate) lease: Option<Duration>,
    pub(crate) eviction: Eviction,
    /// Why the engine accepts no writes. Without them nobody can refresh.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) key_id: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Eviction {
    Never,
    Policy(String),
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Replica,
    /// Its memory is full, and it evicts nothing.
    Full,
}

/// The key id in the header of a sealed value (see [`super::seal`]). `None` if it has none.
pub(crate) fn key_id(sealed: &[u8]) -> Option<&[u8]> {
    (sealed.len() > 5 && sealed[0] == 1).then(|| &sealed[1..5])
}

/// The most that is shown of an engine's words, in characters.
const LONGEST: usize = 200;

/// The error of an engine, with its own words. `Code::Config` if the settings must change, as `remedy` says, else
/// `Code::Unavailable`.
pub(crate) fn engine_error(place: &str, words: &str, remedy: Option<String>) -> Error {
    let words: String = words.chars().take(LONGEST).collect();
    let words = sanitize(&words);
    match remedy {
        Some(hint) => {
            Error::new(Code::Config, tr!("the shared store at {place} refuses: {words}", place, words), hint)
        }
        None => {
            Error::unavailable(&tr!("the shared store at {place} did not serve: {what}", place, what = words))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: words whose 200th byte was inside a character were shown in full.
    #[test]
    fn an_engines_words_are_shortened_between_any_characters() {
        let error = engine_error("redis://host", &format!("x{}", "é".repeat(9_000)), None);
        assert!(error.message().chars().count() < 300, "{error:?}");
    }
}
