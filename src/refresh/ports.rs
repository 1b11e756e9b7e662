//! What a call of the refresh protocol asks for, what it uses, and what it returns.

use crate::error::Error;
use crate::model::{CacheRecord, CredentialId, MinTtl, Profile};
use crate::secrets::CredentialSource;
use crate::store::{Holder, Store};
use crate::system::{Clock, Deadline, Http, Signals};
use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct TokenRequest {
    /// The lifetime that the token must have left.
    pub min_ttl: MinTtl,
    pub timeout: Duration,
    /// How much of `timeout` may be spent waiting for budget.
    pub wait: Duration,
    /// Whether a new token is wanted even if the cached one is fresh.
    pub refresh: bool,
    /// Whether only the cache may be used.
    pub offline: bool,
}

impl TokenRequest {
    /// A request that does not wait for budget, and may use the cache and the network.
    pub(crate) const fn new(min_ttl: MinTtl, timeout: Duration) -> Self {
        TokenRequest { min_ttl, timeout, wait: Duration::ZERO, refresh: false, offline: false }
    }
}

/// A valid token. `record` always holds one.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    pub record: CacheRecord,
    pub warning: Option<String>,
}

impl From<CacheRecord> for TokenResponse {
    fn from(record: CacheRecord) -> Self {
        TokenResponse { record, warning: None }
    }
}

pub(crate) type OpenStore<'a> = dyn Fn(&CredentialId) -> Result<Box<dyn Store + 'a>, Error> + 'a;

/// Everything outside that the protocol uses.
pub struct Ports<'a> {
    pub clock: &'a dyn Clock,
    pub http: &'a dyn Http,
    /// Signals, which are held back while an answer is committed.
    pub signals: &'a Signals,
    pub profile: &'a Profile,
    pub credential: &'a dyn CredentialSource,
    pub open: &'a OpenStore<'a>,
    /// Called when a wait becomes noticeable, and again when it is over.
    pub waiting: &'a dyn Fn(WaitEvent),
}

/// A wait that a person should know about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEvent {
    /// The lock is held by another process, if known by which.
    For(Option<Holder>),
    ForStore,
    /// The budget is used up for this long.
    ForBudget(Duration),
    Over,
}

/// Why a refresh is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The cached token is no longer fresh.
    Required,
    /// The caller wants a new token (`--refresh`).
    Forced,
    /// The cached token is fresh, but in its last minutes.
    Ahead,
}

/// One refresh: made once and passed on by reference.
pub(crate) struct Refresh<'a, 'p> {
    pub(crate) ports: &'a Ports<'p>,
    pub(crate) request: &'a TokenRequest,
    pub(crate) deadline: Deadline,
    /// What the cache held when the call began.
    pub(crate) seen: &'a CacheRecord,
    pub(crate) mode: Mode,
}

impl Refresh<'_, '_> {
    pub(crate) fn time_left(&self) -> Duration {
        self.deadline.remaining(self.ports.clock)
    }
}
