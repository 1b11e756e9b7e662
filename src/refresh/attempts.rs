//! Sends token requests under the lock: write the ledger entry, send, commit the answer (steps 4 to 6).

use crate::model::{Ledger, Timestamp};
use crate::oauth::token;
use crate::problem::Problem;
use crate::refresh::apply_response::{Cause, FailedAttempt, Outcome, UnderLock};
use crate::refresh::error::RefreshError;
use crate::refresh::ports::{Mode, TokenResponse};
use crate::refresh::preflight::{self, LEAST_TIME, record};
use crate::refresh::replacement::take_over;
use crate::store::{Locked, Reserved};
use crate::system::HttpRequest;
use std::time::Duration;

/// The limit of a whole request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts in the first round after a success. Later rounds have one.
const FIRST_ROUND: u32 = 3;
/// The pause before the first retry. The pause before the second is twice as long.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// The most of a caller's time that is reserved for the work after an answer.
const LONGEST_AFTERMATH: Duration = Duration::from_millis(500);
/// A request is sent at most this long after its ledger entry was dated, in ms. It is less than the margin by which
/// entries outlive the window, and more than the 3 s that writing to a shared store may take.
const OLDEST_ENTRY_MS: i64 = 3_500;
/// The most that an entry is dated ahead, in ms.
const LONGEST_AHEAD_MS: i64 = 10_000;

impl UnderLock<'_, '_> {
    /// Makes up to three attempts in the first round after a success, otherwise one.
    pub(crate) fn attempts(
        &self,
        locked: &mut dyn Locked,
        mut ledger: Ledger,
    ) -> Result<TokenResponse, RefreshError> {
        let (call, clock) = (self.call, self.call.ports.clock);
        let attempts = if call.mode != Mode::Ahead && ledger.is_first_round() { FIRST_ROUND } else { 1 };
        let mut earlier: Option<FailedAttempt> = None;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let failed = match self.attempt(locked, &mut ledger) {
                Ok(Outcome::Granted { response, .. }) => return Ok(response),
                Ok(Outcome::Final(error)) => return Err(error),
                Ok(Outcome::Transient(failed)) => failed,
                Err(error) => {
                    let is_failure = error != RefreshError::LeaseLost && !error.is_interrupted();
                    if call.mode == Mode::Ahead && is_failure {
                        preflight::record_early_failure(call, locked, &mut ledger);
                    }
                    return Err(error);
                }
            };
            let failed = match earlier.take() {
                // The earlier attempt had more time, so its failure says more.
                Some(earlier) if failed.cause == Cause::Time => earlier,
                _ => failed,
            };
            let pause = RETRY_PAUSE * attempt;
            let may_retry = attempt < attempts
                && matches!(failed.cause, Cause::Server | Cause::Time)
                && call.time_left() >= pause + LEAST_TIME
                && preflight::check(call, &ledger, self.cache.rejected).is_ok();
            if !may_retry {
                return Err(self.apply_failure(locked, ledger, failed, &clock.timestamp()).into());
            }
            earlier = Some(failed);
            clock.sleep(pause);
        }
    }

    /// Makes one request. Signals are held back until its answer is committed.
    fn attempt(&self, locked: &mut dyn Locked, ledger: &mut Ledger) -> Result<Outcome, RefreshError> {
        let (ports, profile) = (self.call.ports, self.call.ports.profile);
        let Some(sent) = self.reserve(locked, ledger)? else {
            return Ok(Outcome::Transient(FailedAttempt { problem: Problem::NoTime, cause: Cause::Time }));
        };
        let form = token::mint(profile, &self.secrets.client_secret, self.secrets.refresh_token.as_ref());
        let url = profile.accounts_url.join(token::PATH);
        let timeout = REQUEST_TIMEOUT.min(time_for_request(self.call.time_left()));
        let request = HttpRequest::post(url.clone(), &form, timeout);
        let answer = ports.http.send(&request);
        ports.signals.hold();
        match &answer {
            Ok(answer) => log::info!("POST {url} was answered with {}", answer.status),
            Err(failure) => log::info!("POST {url} was not answered: {}", failure.problem.code()),
        }
        let now = ports.clock.timestamp();
        let mut outcome = match answer {
            Ok(answer) => self.apply_response(locked, ledger, &answer, &sent, &now),
            Err(failure) => {
                let cause = if failure.own {
                    Cause::Surroundings
                } else if request.was_short(&failure, REQUEST_TIMEOUT) {
                    Cause::Time
                } else {
                    Cause::Server
                };
                self.apply_no_answer(locked, ledger, failure, &now, cause)
            }
        };
        if let Outcome::Granted { response, refresh_token: Some(token) } = &mut outcome {
            ports.credential.bound(self.call.time_left());
            let warning = take_over(ports, self.secrets, token, &response.record, ledger);
            response.warning = response.warning.take().or(warning);
            // The machine may have slept meanwhile.
            if response.record.valid_token(ports.clock.now()).is_none() {
                outcome =
                    Outcome::Transient(FailedAttempt { problem: Problem::TokenExpired, cause: Cause::Time });
            }
        }
        ports.signals.release()?;
        Ok(outcome)
    }

    /// Writes the ledger entry, and returns when the request may be sent. `None` if there is no time left for it.
    ///
    /// An entry that took long to write, on a slow disk or a machine that slept, would expire too early. It is written
    /// again, dated ahead by the time that the last write took. If the next one is faster, the entry of a process that is
    /// killed before its answer counts that much too long.
    fn reserve(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
    ) -> Result<Option<Timestamp>, RefreshError> {
        let (call, clock) = (self.call, self.call.ports.clock);
        let mut last_write_ms = 0;
        loop {
            let begun = clock.timestamp();
            let reserved = begun.clone().later(last_write_ms);
            ledger.reserve(&reserved, &call.ports.profile.budget);
            let written = locked.write_ahead(ledger, &self.cache);
            if written != Ok(Reserved::Yes) {
                ledger.withdraw();
                written?;
                return Err(RefreshError::LeaseLost);
            }
            let now = clock.timestamp();
            let time_is_left = call.time_left() >= LEAST_TIME;
            if time_is_left && reserved.age_ms(&now) <= OLDEST_ENTRY_MS {
                return Ok(Some(now));
            }
            last_write_ms = begun.age_ms(&now).min(LONGEST_AHEAD_MS);
            ledger.withdraw();
            if !time_is_left {
                record(locked, ledger);
                return Ok(None);
            }
        }
    }
}

/// The part of `left` that a request may take. The rest is for committing its answer and for callers that wait for it.
fn time_for_request(left: Duration) -> Duration {
    left - (left / 10).min(LONGEST_AFTERMATH)
}
