//! Checks before a token request, in the order of contract section 3, step 4.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::{Failure, FailureKind, Grant, Ledger, Profile, Timestamp};
use crate::oauth::client_rejected;
use crate::problem::Problem;
use crate::refresh::error::RefreshError;
use crate::refresh::ports::{Mode, Refresh};
use crate::store::Locked;
use std::time::Duration;

/// No request starts with less time left than this.
pub(crate) const LEAST_TIME: Duration = Duration::from_secs(1);

/// The checks of one refresh.
pub(crate) struct Preflight<'a, 'p> {
    pub(crate) call: &'a Refresh<'a, 'p>,
    /// Whether the token was dropped by a reject.
    pub(crate) rejected: bool,
}

impl Preflight<'_, '_> {
    /// Checks cooldown, reject limit, recent failures ahead of expiry, budget, certificate authorities and deadline. Needs
    /// no secret.
    pub(crate) fn check(&self, ledger: &Ledger) -> Result<(), RefreshError> {
        let (ports, request) = (self.call.ports, self.call.request);
        let now = ports.clock.timestamp();
        if let Some(retry_after) = ledger.cool_down_left(&now) {
            return Err(RefreshError::CoolingDown { retry_after });
        }
        if self.rejected
            && !request.refresh
            && let Some(retry_after) = ledger.reject_wait(&now, ports.profile.budget.window)
        {
            return Err(RefreshError::TooManyRejects { retry_after });
        }
        if self.call.mode == Mode::Ahead && !ledger.early_allowed(&now) {
            let problem = tr!("an early attempt failed a moment ago");
            return Err(Error::unavailable(&problem).into());
        }
        self.within_budget(ledger, &now)?;
        ports.http.ready()?;
        if self.call.time_left() < LEAST_TIME {
            return Err(Problem::NoTime.error(&ports.profile.accounts_url.host(), None).into());
        }
        Ok(())
    }

    /// Automatic refreshes keep one request in reserve for `--refresh`; those ahead of expiry use at most half.
    fn within_budget(&self, ledger: &Ledger, now: &Timestamp) -> Result<(), RefreshError> {
        let budget = &self.call.ports.profile.budget;
        let allowed = match (self.call.mode, self.call.request.refresh) {
            (Mode::Ahead, _) => budget.tokens.div_ceil(2),
            (Mode::Required, true) => budget.tokens,
            (Mode::Required, false) => budget.automatic(),
        };
        let in_use = ledger.budget_use(now, budget);
        if in_use.used < allowed {
            return Ok(());
        }
        Err(RefreshError::OutOfBudget { in_use, wait: ledger.next_slot(now, budget, allowed) })
    }

    /// Whether a remembered failure could be the answer although `allowed` already forbids a request. That depends on the
    /// client secret, so it has to be read first.
    pub(crate) fn failure_may_stand(
        &self,
        ledger: &Ledger,
        now: &Timestamp,
        allowed: &Result<(), RefreshError>,
    ) -> bool {
        let stands = |failure: &Failure| ledger.remembered(now, &failure.secret_fp).is_some();
        !self.call.request.refresh
            && self.call.mode == Mode::Required
            && !matches!(allowed, Err(RefreshError::CoolingDown { .. }))
            && ledger.failure.as_ref().is_some_and(stands)
    }

    /// Records a failure ahead of expiry that came before a request, so that nobody tries ahead again soon.
    pub(crate) fn record_early_failure(&self, locked: &mut dyn Locked, ledger: &mut Ledger) {
        ledger.early_failed = Some(self.call.ports.clock.timestamp());
        if let Err(error) = locked.record(ledger) {
            log::debug!("the early failure was not recorded: {}", error.message());
        }
    }
}

/// The failure that another caller met after this one had read `failures`, the ledger's counter.
pub(crate) fn shared_failure(ledger: &Ledger, failures: u64) -> Option<&Failure> {
    ledger.failure.as_ref().filter(|_| ledger.failures != failures)
}

/// Whether a failure concerns every caller of its ledger. Client credentials of other organizations and scopes share a
/// ledger, and Zoho may accept them where it refused these.
pub(crate) fn concerns_all(failure: &Failure, profile: &Profile) -> bool {
    matches!(failure.kind, FailureKind::Transient | FailureKind::Throttled)
        || profile.grant == Grant::RefreshToken
}

/// The error for a failure in the ledger.
pub(crate) fn remembered(
    profile: &Profile,
    ledger: &Ledger,
    failure: &Failure,
    now: &Timestamp,
) -> RefreshError {
    let left = ledger.remembered(now, &failure.secret_fp).map(|(_, left)| left);
    match failure.kind {
        FailureKind::Transient => failure.problem().error(&profile.accounts_url.host(), left).into(),
        FailureKind::Throttled => RefreshError::CoolingDown {
            retry_after: ledger.cool_down_left(now).unwrap_or(Duration::from_secs(1)),
        },
        FailureKind::Refused => RefreshError::Refused {
            profile: profile.name.to_string(),
            error: failure.error.clone(),
            retry_after: left.unwrap_or_default(),
        },
        FailureKind::Misconfigured => rejected(profile, &failure.error).into(),
    }
}

/// The error for a client that Zoho rejects.
pub(crate) fn rejected(profile: &Profile, error: &str) -> Error {
    client_rejected(profile.name.as_str(), error, profile.accounts_url.as_str())
}
