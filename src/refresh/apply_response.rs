//! Puts the answer to a token request, or its absence, into cache and ledger.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{CacheRecord, FailureKind, Granted, Ledger, Secrets, Timestamp};
use crate::oauth::{Answer, classify, client_rejected};
use crate::problem::Problem;
use crate::refresh::cooldown::cool_down;
use crate::refresh::error::{RefreshError, refused};
use crate::refresh::ports::{Mode, Refresh, TokenResponse};
use crate::refresh::preflight::record;
use crate::secret::Secret;
use crate::store::Locked;
use crate::system::{HttpAnswer, HttpFailure};

/// What was read under the lock, and what a request is made with.
pub(crate) struct UnderLock<'a, 'p> {
    pub(crate) call: &'a Refresh<'a, 'p>,
    pub(crate) secrets: &'a Secrets,
    pub(crate) secret_fp: String,
    pub(crate) cache: CacheRecord,
}

pub(crate) enum Outcome {
    Granted {
        response: TokenResponse,
        /// The refresh token that replaces the one that was sent.
        refresh_token: Option<Secret>,
    },
    /// Another attempt cannot help this caller now.
    Final(RefreshError),
    /// Another attempt may help.
    Transient(FailedAttempt),
}

/// An attempt without a usable answer.
pub(crate) struct FailedAttempt {
    pub(crate) problem: Problem,
    pub(crate) cause: Cause,
}

/// Why an attempt failed, and which callers are affected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// All callers; another attempt may help.
    Server,
    /// All callers; another attempt would get the same answer.
    Answer,
    /// This caller only, which had little time.
    Time,
    /// This caller only: its certificate authorities, proxy or descriptors. Another attempt would fail the same way.
    Surroundings,
}

impl UnderLock<'_, '_> {
    /// Applies `answer` to a request that was sent at `sent`. `now` is when the answer came.
    pub(crate) fn apply_response(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        answer: &HttpAnswer,
        sent: &Timestamp,
        now: &Timestamp,
    ) -> Outcome {
        let class = self.classify(answer);
        let granted = matches!(class, Answer::Granted(_));
        ledger.answered(now, granted);
        if self.call.mode == Mode::Ahead && !granted {
            ledger.early_failed = Some(now.clone());
        }
        let mut fail = |kind, error: &str| ledger.failed(kind, error, &self.secret_fp, now);
        let outcome = match class {
            Answer::Granted(granted) => self.commit(locked, ledger, granted, sent, now),
            Answer::Throttled => {
                fail(FailureKind::Throttled, "throttled");
                let (since, length) = cool_down(answer, sent, now);
                ledger.cool_down(&since, length, now);
                let retry_after = ledger.cool_down_left(now).unwrap_or(length);
                Outcome::Final(RefreshError::CoolingDown { retry_after })
            }
            Answer::Refused(error) => {
                fail(FailureKind::Refused, &error);
                let left = ledger.remembered(now, &self.secret_fp).map(|(_, left)| left);
                Outcome::Final(refused(self.call.ports.profile, &error, left.unwrap_or_default()))
            }
            Answer::Misconfigured(error) => {
                fail(FailureKind::Misconfigured, &error);
                Outcome::Final(client_rejected(self.call.ports.profile, &error).into())
            }
            Answer::Unknown(error) => {
                Outcome::Transient(FailedAttempt { problem: Problem::Error(error), cause: Cause::Answer })
            }
            Answer::Transient(problem) => Outcome::Transient(FailedAttempt { problem, cause: Cause::Server }),
        };
        record(locked, ledger);
        outcome
    }

    /// Classifies `answer`. Drops an error word that contains a secret, because it would be stored and shown.
    fn classify(&self, answer: &HttpAnswer) -> Answer {
        let is_loopback = self.call.ports.profile.accounts_url.is_loopback();
        let class = classify(answer.status, &answer.body, is_loopback);
        if class.error().is_some_and(|error| self.secrets.appears_in(error)) {
            return Answer::Transient(Problem::Status(answer.status));
        }
        class
    }

    /// Commits a token to the cache. If that fails, the caller gets it with a warning.
    fn commit(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        granted: Granted,
        sent: &Timestamp,
        now: &Timestamp,
    ) -> Outcome {
        ledger.succeeded();
        let record = self.cache.renewed(&granted, sent.reading());
        if record.valid_token(now.reading()).is_none() {
            return Outcome::Transient(FailedAttempt { problem: Problem::TokenExpired, cause: Cause::Time });
        }
        let warning = locked.commit(&record).err().map(|error| not_saved(&error));
        let response = TokenResponse { record, warning };
        Outcome::Granted { response, refresh_token: granted.refresh_token }
    }

    /// Applies a request without an answer. It counts if a byte of it may have been sent, and then from `now` on: the
    /// machine may have slept before it was sent.
    pub(crate) fn apply_no_answer(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        failure: HttpFailure,
        now: &Timestamp,
        cause: Cause,
    ) -> Outcome {
        if failure.sent {
            ledger.unanswered(now);
        } else {
            ledger.withdraw();
        }
        record(locked, ledger);
        Outcome::Transient(FailedAttempt { problem: failure.problem, cause })
    }

    /// Ends a round without a token. The ledger remembers the failure, unless it concerns this caller only.
    pub(crate) fn apply_failure(
        &self,
        locked: &mut dyn Locked,
        mut ledger: Ledger,
        failed: FailedAttempt,
        now: &Timestamp,
    ) -> Error {
        let host = self.call.ports.profile.accounts_url.host();
        match (self.call.mode, failed.cause) {
            (_, Cause::Surroundings) | (Mode::Required | Mode::Forced, Cause::Time) => {
                return failed.problem.error(host, None);
            }
            (Mode::Ahead, _) => ledger.early_failed = Some(now.clone()),
            (Mode::Required | Mode::Forced, Cause::Server | Cause::Answer) => {
                ledger.failed(FailureKind::Transient, &failed.problem.code(), &self.secret_fp, now);
            }
        }
        record(locked, &ledger);
        let retry_after = ledger.remembered(now, &self.secret_fp).map(|(_, left)| left);
        failed.problem.error(host, retry_after)
    }
}

fn not_saved(error: &Error) -> String {
    let why = error.in_one_line();
    match error.code() {
        // It is on this machine, and the next call shares it.
        Code::Unavailable => tr!("the token could not be shared yet: {why}", why),
        _ => tr!("the token could not be kept for the next caller: {why}", why),
    }
}
