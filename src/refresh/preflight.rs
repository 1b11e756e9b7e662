//! Checks before a token request, in the order of contract section 3, step 4.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::{Failure, FailureKind, Grant, Ledger, Profile, Timestamp};
use crate::oauth::client_rejected;
use crate::problem::Problem;
use crate::refresh::error::{RefreshError, refused};
use crate::refresh::ports::{Mode, Refresh};
use crate::store::Locked;
use std::time::Duration;

/// No request starts with less time left than this.
pub(crate) const LEAST_TIME: Duration = Duration::from_secs(1);

/// Checks cooldown, reject limit, recent failures ahead of expiry, budget, certificate authorities, proxy and deadline. Needs no
/// secret. `rejected` says whether a reject dropped the token.
pub(crate) fn check(call: &Refresh<'_, '_>, ledger: &Ledger, rejected: bool) -> Result<(), RefreshError> {
    let (ports, now) = (call.ports, call.ports.clock.timestamp());
    if let Some(retry_after) = ledger.cool_down_left(&now) {
        return Err(RefreshError::CoolingDown { retry_after });
    }
    if rejected
        && call.mode != Mode::Forced
        && let Some(retry_after) = ledger.reject_wait(&now, ports.profile.budget.window)
    {
        return Err(RefreshError::TooManyRejects { retry_after });
    }
    if call.mode == Mode::Ahead && !ledger.early_allowed(&now) {
        return Err(Error::unavailable(&tr!("an early attempt failed a moment ago")).into());
    }
    within_budget(call, ledger, &now)?;
    ports.http.ready(ports.profile.accounts_url.as_str())?;
    if call.time_left() < LEAST_TIME {
        return Err(Problem::NoTime.error(ports.profile.accounts_url.host(), None).into());
    }
    Ok(())
}

/// Automatic refreshes keep one request in reserve for `--refresh`; those ahead of expiry use at most half.
fn within_budget(call: &Refresh<'_, '_>, ledger: &Ledger, now: &Timestamp) -> Result<(), RefreshError> {
    let budget = &call.ports.profile.budget;
    let allowed = match call.mode {
        Mode::Ahead => budget.tokens.div_ceil(2),
        Mode::Required => budget.automatic(),
        Mode::Forced => budget.tokens,
    };
    let in_use = ledger.budget_use(now, budget);
    if in_use.used < allowed {
        return Ok(());
    }
    Err(RefreshError::OutOfBudget { in_use, wait: ledger.next_slot(now, budget, allowed) })
}

/// Whether a remembered failure may have to be reported instead of an error of [`check`]. Whether it applies depends on the
/// client secret, which has to be read first.
pub(crate) fn failure_may_apply(call: &Refresh<'_, '_>, ledger: &Ledger, now: &Timestamp) -> bool {
    let may_apply = |failure: &Failure| ledger.remembered(now, &failure.secret_fp).is_some();
    call.mode == Mode::Required
        && ledger.cool_down_left(now).is_none()
        && ledger.failure.as_ref().is_some_and(may_apply)
}

/// Records a failure ahead of expiry that came before a request, so that nobody tries ahead again soon.
pub(crate) fn record_early_failure(call: &Refresh<'_, '_>, locked: &mut dyn Locked, ledger: &mut Ledger) {
    ledger.early_failed = Some(call.ports.clock.timestamp());
    record(locked, ledger);
}

/// Writes the ledger. The entry of a request is on disk already, so a failure here only costs budget.
pub(crate) fn record(locked: &mut dyn Locked, ledger: &Ledger) {
    if let Err(error) = locked.record(ledger) {
        log::warn!("the ledger was not updated: {}", error.message());
    }
}

/// The failure of another caller after this one read `failures`, the ledger's counter, if it applies to this caller too.
///
/// Client credentials of several organizations and scopes share a ledger, and Zoho may refuse one and accept another.
/// Their refusals apply only to callers with the same `secret_fp`. `None` means that it is not known yet.
pub(crate) fn shared_failure<'l>(
    ledger: &'l Ledger,
    failures: u64,
    profile: &Profile,
    secret_fp: Option<&str>,
) -> Option<&'l Failure> {
    let failure = ledger.failure.as_ref().filter(|_| ledger.failures != failures)?;
    let applies_to_all = matches!(failure.kind, FailureKind::Transient | FailureKind::Throttled)
        || profile.grant == Grant::RefreshToken;
    (applies_to_all || secret_fp == Some(&failure.secret_fp)).then_some(failure)
}

pub(crate) fn remembered(
    profile: &Profile,
    ledger: &Ledger,
    failure: &Failure,
    now: &Timestamp,
) -> RefreshError {
    let left = ledger.remembered(now, &failure.secret_fp).map(|(_, left)| left);
    match failure.kind {
        FailureKind::Transient => failure.problem().error(profile.accounts_url.host(), left).into(),
        FailureKind::Throttled => RefreshError::CoolingDown {
            retry_after: ledger.cool_down_left(now).unwrap_or(Duration::from_secs(1)),
        },
        FailureKind::Refused => refused(profile, &failure.error, left.unwrap_or_default()),
        FailureKind::Misconfigured => client_rejected(profile, &failure.error).into(),
    }
}
