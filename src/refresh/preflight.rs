//! What forbids a request, in the order of contract section 3, step 4.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::Ledger;
use crate::model::Timestamp;
use crate::problem::Problem;
use crate::refresh::error::RefreshError;
use crate::refresh::get_token::TokenRequest;
use crate::refresh::refresh::{Early, Ports};
use crate::system::Deadline;
use std::time::Duration;

/// No request is begun with less than this left.
pub(crate) const LEAST_TIME: Duration = Duration::from_secs(1);

/// What may forbid a request whoever makes it.
pub(crate) struct Preflight<'a, 'p> {
    /// All that the protocol touches.
    pub(crate) ports: &'a Ports<'p>,
    /// What the caller wants.
    pub(crate) ask: &'a TokenRequest,
    /// When the call must have ended.
    pub(crate) deadline: &'a Deadline,
    /// Whether the caller has a good token already.
    pub(crate) early: Early,
    /// Whether a reject made this refresh necessary.
    pub(crate) rejected: bool,
}

impl Preflight<'_, '_> {
    /// Cool-down, rejects, early failures, budget and time. It needs no secret, so it is asked before one is read.
    pub(crate) fn may_ask(&self, ledger: &Ledger) -> Result<(), RefreshError> {
        let now = self.ports.clock.timestamp();
        let window = self.ports.profile.budget.window;
        if let Some(retry_after) = ledger.cool_down_left(&now) {
            return Err(RefreshError::CoolingDown { retry_after });
        }
        if self.rejected
            && !self.ask.refresh
            && let Some(retry_after) = ledger.reject_wait(&now, window)
        {
            return Err(RefreshError::TooManyRejects { retry_after });
        }
        if self.early == Early::Yes && !ledger.early_allowed(&now) {
            let problem = tr!("an early attempt failed a moment ago");
            return Err(Error::unavailable(&problem).into());
        }
        self.within_budget(ledger, &now)?;
        self.ports.http.ready()?;
        if self.deadline.remaining(self.ports.clock) < LEAST_TIME {
            let host = self.ports.profile.accounts_url.host();
            return Err(Problem::NoTime.error(&host, None).into());
        }
        Ok(())
    }

    /// Automatic refreshes leave one request for `--refresh`; early ones leave half.
    fn within_budget(&self, ledger: &Ledger, now: &Timestamp) -> Result<(), RefreshError> {
        let budget = &self.ports.profile.budget;
        let allowed = match (self.early, self.ask.refresh) {
            (Early::Yes, _) => budget.tokens.div_ceil(2),
            (Early::No, true) => budget.tokens,
            (Early::No, false) => budget.automatic(),
        };
        let used = ledger.used(now, budget);
        if used < allowed {
            return Ok(());
        }
        Err(RefreshError::OutOfBudget {
            used,
            limit: budget.tokens,
            retry_after: ledger.next_slot(now, budget, allowed),
        })
    }
}
