//! One refresh: take the lock, read everything again, check, send one request, commit its answer (steps 3 to 7).

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{CacheRecord, CredentialId, Freshness, Profile, secret_fingerprint};
use crate::refresh::apply_response::UnderLock;
use crate::refresh::error::RefreshError;
use crate::refresh::lock_wait::{LockOutcome, LockScope, LockWait};
use crate::refresh::ports::{Mode, Refresh, TokenResponse};
use crate::refresh::preflight::{self, remembered, shared_failure};
use crate::store::{Locked, Store};
use std::time::Duration;

/// How often the credential may change between two reads before the call fails.
const CREDENTIAL_CHANGES: u32 = 5;
/// How often the lock or lease may be lost before a request is sent.
const LEASE_LOSSES: u32 = 100;

/// How long a caller with a valid token retries a shared store that it cannot reach.
const SHORT_OUTAGE: Duration = Duration::from_secs(3);

/// How one pass under the lock ended.
enum Pass {
    Done(TokenResponse),
    /// The lock is that of another credential. `None` if the new one is not known yet.
    CredentialChanged(Option<CredentialId>),
}

/// Returns a new token, or one that another caller got while this one waited. An error replaces nothing that is stored.
pub(crate) fn refresh(call: &Refresh<'_, '_>) -> Result<TokenResponse, RefreshError> {
    let (mut changes, mut losses) = (0, 0);
    let mut known: Option<CredentialId> = None;
    while changes < CREDENTIAL_CHANGES {
        let id = known.clone().map_or_else(|| call.ports.credential.id(), Ok)?;
        match pass(call, &id, known.is_some()) {
            Ok(Pass::Done(response)) => return Ok(response),
            Ok(Pass::CredentialChanged(now)) => (changes, known) = (changes + 1, now),
            // Another process or machine went on meanwhile. What it did is read before anything is sent.
            Err(RefreshError::LeaseLost) if losses < LEASE_LOSSES && !call.time_left().is_zero() => {
                (losses, known) = (losses + 1, Some(id));
            }
            Err(error) => return Err(error),
        }
    }
    Err(credential_keeps_changing(call.ports.profile).into())
}

/// Takes the lock of `id` and refreshes under it. `is_from_secrets` says that `id` was computed from the secrets, so that
/// it need not be looked up again.
fn pass(call: &Refresh<'_, '_>, id: &CredentialId, is_from_secrets: bool) -> Result<Pass, RefreshError> {
    let (ports, profile) = (call.ports, call.ports.profile);
    let store = (ports.open)(id)?;
    let now = ports.clock.timestamp();
    let before = store.ledger(&now, &profile.budget);
    if call.mode == Mode::Ahead {
        // What this machine knows may forbid the attempt already. Then no lock is taken and no shared store is asked.
        preflight::check(call, &before, call.seen.rejected)?;
    }

    // 3. Wait for the lock. With it, read credential, cache and ledger again.
    let mut locked = match wait_for_lock(call, &*store, before.failures)? {
        LockOutcome::Locked(locked) => locked,
        LockOutcome::Served(record) => return Ok(Pass::Done(record.into())),
    };
    if !is_from_secrets && ports.credential.id()? != *id {
        return Ok(Pass::CredentialChanged(None));
    }
    let cache = locked.cache()?;
    if serves(call, &*store, &cache) {
        return Ok(Pass::Done(cache.into()));
    }
    refresh_locked(call, id, &mut *locked, cache, before.failures)
}

/// Refreshes under the lock. `failures` is the ledger's count of failures before the call waited for the lock.
fn refresh_locked(
    call: &Refresh<'_, '_>,
    id: &CredentialId,
    locked: &mut dyn Locked,
    cache: CacheRecord,
    failures: u64,
) -> Result<Pass, RefreshError> {
    let (ports, profile) = (call.ports, call.ports.profile);
    let now = ports.clock.timestamp();
    let mut ledger = locked.ledger(&now, &profile.budget)?;
    let used = ledger.used(&now, &profile.budget);
    log::debug!("the lock is taken; {used} of {} token requests are used", profile.budget.tokens);

    // 3. A failure of the holder while this call waited is also a failure of this call.
    if let Some(failure) = shared_failure(&ledger, failures, profile, None) {
        return Err(remembered(profile, &ledger, failure, &now));
    }

    // 4. Check cooldown, remembered failures and budget. The secrets are read only if a request may follow, or to find out
    // whether a remembered failure still applies.
    let allowed = preflight::check(call, &ledger, cache.rejected);
    if !preflight::failure_may_apply(call, &ledger, &now) {
        allowed.clone()?;
    }
    ports.credential.bound(call.time_left());
    let secrets = ports.credential.secrets().map_err(|error| {
        let error = RefreshError::from(error);
        if call.mode == Mode::Ahead && !error.is_interrupted() {
            preflight::record_early_failure(call, locked, &mut ledger);
        }
        error
    })?;
    let actual = ports.credential.id_from_secrets(&secrets)?;
    if actual != *id {
        return Ok(Pass::CredentialChanged(Some(actual)));
    }
    let secret_fp = secret_fingerprint(profile, &secrets.client_secret);
    let shared = shared_failure(&ledger, failures, profile, Some(&secret_fp));
    let remembered_failure = ledger.remembered(&now, &secret_fp).filter(|_| call.mode != Mode::Forced);
    if let Some(failure) = shared.or(remembered_failure.map(|(failure, _)| failure)) {
        return Err(remembered(profile, &ledger, failure, &now));
    }
    allowed?;

    // 5 to 7. Send the request and commit its answer.
    UnderLock { call, secrets: &secrets, secret_fp, cache }.attempts(locked, ledger).map(Pass::Done)
}

/// Waits for the lock, and looks into the cache after every try. A call ahead of expiry tries once.
fn wait_for_lock<'s>(
    call: &Refresh<'_, '_>,
    store: &'s dyn Store,
    failures: u64,
) -> Result<LockOutcome<'s, CacheRecord>, RefreshError> {
    let (ports, profile) = (call.ports, call.ports.profile);
    let wait = LockWait {
        clock: ports.clock,
        store,
        scope: LockScope::AllMachines,
        deadline: &call.deadline,
        outage: outage(call),
        notify: ports.waiting,
    };
    let outcome = wait.run(|| {
        let cache = store.cache().unwrap_or_default();
        if call.mode == Mode::Ahead {
            return Ok(Some(if cache.token.is_some() { cache } else { call.seen.clone() }));
        }
        if serves(call, store, &cache) {
            return Ok(Some(cache));
        }
        if call.time_left().is_zero() {
            // The holder may have failed already and not yet released the lock.
            let now = ports.clock.timestamp();
            let ledger = store.ledger(&now, &profile.budget);
            if let Some(failure) = shared_failure(&ledger, failures, profile, None) {
                return Err(remembered(profile, &ledger, failure, &now));
            }
        }
        Ok(None)
    });
    if outcome.is_err() && call.mode == Mode::Ahead {
        store.early_failed(&ports.clock.timestamp(), &profile.budget);
    }
    outcome
}

/// How long a call retries a shared store that it cannot reach. Short if there is a valid token to serve.
fn outage(call: &Refresh<'_, '_>) -> Duration {
    let has_token = call.seen.valid_token(call.ports.clock.now()).is_some();
    match call.mode {
        Mode::Ahead => Duration::ZERO,
        Mode::Required if has_token => SHORT_OUTAGE,
        Mode::Required | Mode::Forced => Duration::MAX,
    }
}

/// Whether `cache` holds the token that the call needs. Under `--refresh`, that is one that no machine had when the call
/// began; ahead of expiry, one that is not in its last minutes; otherwise, a fresh one.
fn serves(call: &Refresh<'_, '_>, store: &dyn Store, cache: &CacheRecord) -> bool {
    let freshness = cache.freshness(call.ports.clock.now(), call.request.min_ttl);
    match call.mode {
        Mode::Ahead => freshness == Freshness::Fresh,
        Mode::Required => freshness != Freshness::Stale,
        Mode::Forced => {
            let known = cache.token.as_ref().is_some_and(|token| store.known_at_start(token));
            freshness != Freshness::Stale && !known && cache.token != call.seen.token
        }
    }
}

fn credential_keeps_changing(profile: &Profile) -> Error {
    let what = tr!("the credential of '{profile}'", profile = profile.name);
    let hint = tr!("check the folder's permissions and free space, or set ZOHO_CRED_STATE_DIR");
    Error::new(Code::Store, tr!("could not settle on {what}", what), hint)
        .with_cause(tr!("it was another one every time it was read"))
}
