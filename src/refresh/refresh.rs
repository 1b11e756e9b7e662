//! The one refresh for all callers: lock, look again, check, reserve, ask, commit.
//!
//! This is the protocol of contract section 3, and the reason for this program. Every line that looks redundant
//! stands for a fault that other helpers have: see docs/architecture.md.

use crate::error::{Code, Error};
use crate::i18n::{humanize, tr};
use crate::model::Timestamp;
use crate::model::{CacheRecord, Freshness};
use crate::model::{CredentialId, secret_fingerprint};
use crate::model::{Failure, FailureKind, Ledger};
use crate::model::{Grant, Profile};
use crate::refresh::attempts::{Attempts, remembered};
use crate::refresh::error::RefreshError;
use crate::refresh::get_token::{TokenRequest, TokenResponse};
use crate::refresh::preflight::Preflight;
use crate::secrets::CredentialSource;
use crate::store::{Holder, Locked, Store};
use crate::system::{Clock, Deadline, Http, Signals};
use std::time::Duration;

/// How often the credential may turn out to be another one before the call gives up.
const CREDENTIAL_CHANGES: u32 = 5;
/// How often the lock or lease may be lost before a request is sent.
const LOSSES: u32 = 100;

/// Opens the shared state of a credential.
pub(crate) type OpenStore<'a> = dyn Fn(&CredentialId) -> Result<Box<dyn Store + 'a>, Error> + 'a;

/// All that the protocol touches.
pub struct Ports<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// The accounts server.
    pub http: &'a dyn Http,
    /// Signals, which wait while an answer is being committed.
    pub signals: &'a Signals,
    /// The profile, and the credential that mints its tokens.
    pub profile: &'a Profile,
    /// Where that credential comes from.
    pub credential: &'a dyn CredentialSource,
    /// Opens the shared state of a credential.
    pub open: &'a OpenStore<'a>,
    /// Told once when a wait for the lock has lasted a second, or one for budget begins, and then when it is over.
    pub waiting: &'a dyn Fn(WaitEvent),
}

/// What a caller is told of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEvent {
    /// For the lock; who holds it, where that is known.
    For(Option<Holder>),
    /// For so long until there is budget again.
    ForBudget(Duration),
    /// It is over.
    Over,
}

/// Whether an attempt is made while the old token is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Early {
    /// The caller has a good token already.
    Yes,
    /// The caller has none.
    No,
}

impl Early {
    /// For the one early attempt, all in all.
    pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);
}

/// A new token, or one that somebody else got while this caller waited. `seen` is what the cache held when the call
/// began. Errors are this caller's to judge; nothing stored is ever replaced by one.
pub fn refresh(
    ports: &Ports<'_>,
    ask: &TokenRequest,
    deadline: &Deadline,
    seen: &CacheRecord,
    early: Early,
) -> Result<TokenResponse, RefreshError> {
    let mut found = None;
    let (mut changes, mut losses) = (0, 0);
    while changes < CREDENTIAL_CHANGES {
        changes += 1;
        let id = match &found {
            Some(id) => CredentialId::clone(id),
            None => ports.credential.id()?,
        };
        let store = (ports.open)(&id)?;
        let now = ports.clock.timestamp();
        let before = store.ledger(&now, &ports.profile.budget);
        if early == Early::Yes && !before.early_allowed(&now) {
            return Ok(TokenResponse { record: seen.clone(), warning: None });
        }
        let failures = before.failures;
        let mut locked = match wait_for_lock(ports, ask, deadline, seen, early, &*store, failures) {
            Ok(LockOutcome::Locked(locked)) => locked,
            Ok(LockOutcome::Served(record)) => return Ok(TokenResponse { record, warning: None }),
            Err(error) => {
                if early == Early::Yes {
                    store.early_failed(&ports.clock.timestamp(), &ports.profile.budget);
                }
                return Err(error);
            }
        };
        if found.is_none() && ports.credential.id()? != id {
            continue;
        }
        let cache = locked.cache()?;
        let known_at_start =
            ask.refresh && cache.token.as_ref().is_some_and(|token| store.known_at_start(token));
        if !known_at_start && serves(ports, ask, seen, &cache, early) {
            return Ok(TokenResponse { record: cache, warning: None });
        }
        let profile = ports.profile;
        let now = ports.clock.timestamp();
        let mut ledger = locked.ledger(&now, &profile.budget)?;
        let used = ledger.used(&now, &profile.budget);
        log::debug!("the lock is taken; {used} of {} token requests are used", profile.budget.tokens);
        let shared = shared_failure(&ledger, failures);
        if let Some(failure) = shared.filter(|failure| concerns_all(failure, profile)) {
            return Err(remembered(profile, &ledger, failure, &now));
        }
        let preflight = Preflight { ports, ask, deadline, early, rejected: cache.rejected };
        let allowed = preflight.may_ask(&ledger);
        if !failure_comes_first(ask, early, &ledger, &now, &allowed) {
            allowed.clone()?;
        }
        ports.credential.bound(deadline.remaining(ports.clock));
        let secrets = match ports.credential.secrets() {
            Ok(secrets) => secrets,
            Err(error) => {
                let error = RefreshError::from(error);
                if early == Early::Yes && !error.is_interrupted() {
                    note_early_failure(ports, &mut *locked, &mut ledger);
                }
                return Err(error);
            }
        };
        let actual = ports.credential.id_from_secrets(&secrets)?;
        if actual != id {
            found = Some(actual);
            continue;
        }
        let secret_fp = secret_fingerprint(profile, &secrets.client_secret);
        let shared = shared_failure(&ledger, failures).filter(|failure| failure.secret_fp == secret_fp);
        let standing = ledger.remembered(&now, &secret_fp).filter(|_| !ask.refresh);
        if let Some(failure) = shared.or(standing.map(|(failure, _)| failure)) {
            return Err(remembered(profile, &ledger, failure, &now));
        }
        allowed?;
        match (Attempts { preflight, profile, secrets: &secrets, secret_fp, cache }).run(&mut *locked, ledger)
        {
            // Another process or machine may have gone on meanwhile: what it did is looked at before anything is asked.
            Err(RefreshError::LeaseLost) if losses < LOSSES && !deadline.remaining(ports.clock).is_zero() => {
                (changes, losses, found) = (changes - 1, losses + 1, Some(id));
            }
            outcome => return outcome,
        }
    }
    Err(unsettled(ports.profile).into())
}

fn unsettled(profile: &Profile) -> Error {
    let what = tr!("the credential of '{profile}'", profile = profile.name);
    let hint = tr!("check the folder's permissions and free space, or set ZOHO_CRED_STATE_DIR");
    Error::new(Code::Store, tr!("could not settle on {what}", what), hint)
        .with_cause(tr!("it was another one every time it was read"))
}

/// The failure that somebody else met after this caller had read `failures`.
fn shared_failure(ledger: &Ledger, failures: u64) -> Option<&Failure> {
    ledger.failure.as_ref().filter(|_| ledger.failures != failures)
}

/// Whether a failure is one for every caller of its ledger. Profiles with client credentials share a ledger with those
/// of other organizations and scopes, which may well be accepted where these are not.
fn concerns_all(failure: &Failure, profile: &Profile) -> bool {
    matches!(failure.kind, FailureKind::Transient | FailureKind::Throttled)
        || profile.grant == Grant::RefreshToken
}

/// Whether a remembered failure may be what this caller is told, although a budget is used up too. Only the secret
/// tells whether it is, so that one is read first.
fn failure_comes_first(
    ask: &TokenRequest,
    early: Early,
    ledger: &Ledger,
    now: &Timestamp,
    allowed: &Result<(), RefreshError>,
) -> bool {
    let stands = |failure: &Failure| ledger.remembered(now, &failure.secret_fp).is_some();
    !ask.refresh
        && early == Early::No
        && !matches!(allowed, Err(RefreshError::CoolingDown { .. }))
        && ledger.failure.as_ref().is_some_and(stands)
}

/// Remembers that an early attempt did not get as far as a request, so that nobody waits for the same again soon.
pub(crate) fn note_early_failure(ports: &Ports<'_>, locked: &mut dyn Locked, ledger: &mut Ledger) {
    ledger.early_failed = Some(ports.clock.timestamp());
    if let Err(error) = locked.record(ledger) {
        log::debug!("the early failure was not noted: {}", error.message());
    }
}

enum LockOutcome<'s> {
    Locked(Box<dyn Locked + 's>),
    Served(CacheRecord),
}

/// What was told of a wait; that it is over is told too, however it ends.
struct WaitNotifier<'a, 'p> {
    ports: &'a Ports<'p>,
    once: bool,
}

impl WaitNotifier<'_, '_> {
    fn of(&mut self, store: &dyn Store) {
        if !std::mem::replace(&mut self.once, true) {
            (self.ports.waiting)(WaitEvent::For(store.holder()));
        }
    }
}

impl Drop for WaitNotifier<'_, '_> {
    fn drop(&mut self) {
        if self.once {
            (self.ports.waiting)(WaitEvent::Over);
        }
    }
}

/// Waits for the lock and watches the cache meanwhile: a fresh token there ends the wait without the lock.
fn wait_for_lock<'s>(
    ports: &Ports<'_>,
    ask: &TokenRequest,
    deadline: &Deadline,
    seen: &CacheRecord,
    early: Early,
    store: &'s dyn Store,
    failures: u64,
) -> Result<LockOutcome<'s>, RefreshError> {
    let begun = ports.clock.monotonic();
    let mut told = WaitNotifier { ports, once: false };
    for attempt in 0.. {
        store.bound(deadline.remaining(ports.clock));
        if let Some(locked) = store.try_lock()? {
            return Ok(LockOutcome::Locked(locked));
        }
        let cache = store.cache().unwrap_or_default();
        if early == Early::Yes {
            return Ok(LockOutcome::Served(if cache.token.is_some() { cache } else { seen.clone() }));
        }
        let known_at_start =
            ask.refresh && cache.token.as_ref().is_some_and(|token| store.known_at_start(token));
        if !known_at_start && serves(ports, ask, seen, &cache, early) {
            return Ok(LockOutcome::Served(cache));
        }
        let waited = ports.clock.monotonic().saturating_sub(begun);
        let left = deadline.remaining(ports.clock);
        if left.is_zero() {
            // The holder may be about to let go after a failure that was this caller's too.
            let now = ports.clock.timestamp();
            let ledger = store.ledger(&now, &ports.profile.budget);
            let failure = shared_failure(&ledger, failures).filter(|it| concerns_all(it, ports.profile));
            return Err(match failure {
                Some(failure) => remembered(ports.profile, &ledger, failure, &now),
                None => busy(waited, store).into(),
            });
        }
        if waited >= Duration::from_secs(1) {
            told.of(store);
        }
        ports.clock.sleep(store.pause(attempt).min(left));
    }
    Err(busy(ask.timeout, store).into())
}

/// The error of a wait for the lock that was in vain.
pub(crate) fn busy(waited: Duration, store: &dyn Store) -> Error {
    let error = Error::new(
        Code::Busy,
        tr!("another process held the lock for {time}", time = humanize(waited)),
        tr!("try again, or give a longer --timeout"),
    )
    .with_retry_after(Duration::from_secs(1));
    match store.holder().and_then(Holder::pid) {
        Some(pid) => error.with_cause(tr!("process {pid} is refreshing the token", pid)),
        None => error,
    }
}

/// Whether `cache` is what the caller came for: under `--refresh` a token that was not there when the call began,
/// in the early window one that is past it, else one that is fresh.
fn serves(
    ports: &Ports<'_>,
    ask: &TokenRequest,
    seen: &CacheRecord,
    cache: &CacheRecord,
    early: Early,
) -> bool {
    let freshness = cache.freshness(ports.clock.now(), ask.min_ttl);
    match (ask.refresh, early) {
        (true, _) => freshness != Freshness::Stale && cache.token != seen.token,
        (false, Early::Yes) => freshness == Freshness::Fresh,
        (false, Early::No) => freshness != Freshness::Stale,
    }
}
