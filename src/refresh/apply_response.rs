//! Puts the answer to a token request, or its absence, into cache and ledger.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{CacheRecord, FailureKind, Ledger, Profile, Secrets, Timestamp};
use crate::oauth::{Answer, classify};
use crate::problem::Problem;
use crate::refresh::cooldown::cool_down;
use crate::refresh::error::RefreshError;
use crate::refresh::ports::{Mode, TokenResponse};
use crate::refresh::preflight::rejected;
use crate::secret::Secret;
use crate::store::Locked;
use crate::system::{HttpAnswer, HttpFailure};
use std::time::Duration;

/// What a request is made with, all of it read under the lock.
pub(crate) struct ReadUnderLock<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) secrets: &'a Secrets,
    /// The fingerprint of the client secret.
    pub(crate) secret_fp: String,
    pub(crate) cache: CacheRecord,
    pub(crate) mode: Mode,
}

/// The result of one attempt.
pub(crate) enum Outcome {
    Granted {
        response: TokenResponse,
        /// The refresh token that replaces the one that was sent.
        refresh_token: Option<Secret>,
    },
    /// Another attempt cannot help this caller now.
    Final(RefreshError),
    /// Another attempt may help.
    Transient(Miss),
}

/// An attempt without a usable answer.
pub(crate) struct Miss {
    pub(crate) problem: Problem,
    pub(crate) cause: MissCause,
}

/// Whom a failed attempt concerns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissCause {
    /// All callers; another attempt may help.
    Server,
    /// All callers; another attempt would get the same answer.
    Answer,
    /// This caller only, which had little time.
    Time,
    /// This caller only: its certificate authorities, proxy or descriptors. Another attempt would fail the same way.
    Surroundings,
}

impl ReadUnderLock<'_> {
    /// Applies `answer` to a request that was sent at `sent`. `now` is when the answer came.
    pub(crate) fn apply_response(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        answer: &HttpAnswer,
        sent: &Timestamp,
        now: &Timestamp,
    ) -> Outcome {
        let class = match classify(answer.status, &answer.body, self.profile.accounts_url.is_loopback()) {
            class if class.error().is_some_and(|error| self.secrets.appears_in(error)) => {
                Answer::Transient(Problem::Status(answer.status))
            }
            class => class,
        };
        let granted = matches!(class, Answer::Granted(_));
        ledger.answered(now, granted);
        if self.mode == Mode::Ahead && !granted {
            ledger.early_failed = Some(now.clone());
        }
        let outcome = self.apply_class(locked, ledger, class, cool_down(answer, now), sent, now);
        record(locked, ledger);
        outcome
    }

    fn apply_class(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        class: Answer,
        cool_down: Duration,
        sent: &Timestamp,
        now: &Timestamp,
    ) -> Outcome {
        let mut fail = |kind, error: &str| ledger.failed(kind, error, &self.secret_fp, now);
        match class {
            Answer::Granted(granted) => {
                ledger.succeeded();
                let record = self.cache.renewed(&granted, sent.reading());
                if record.valid_token(now.reading()).is_none() {
                    return Outcome::Transient(Miss {
                        problem: Problem::TokenExpired,
                        cause: MissCause::Time,
                    });
                }
                let warning = locked.commit(&record).err().map(|error| not_saved(&error));
                let response = TokenResponse { record, warning };
                Outcome::Granted { response, refresh_token: granted.refresh_token }
            }
            Answer::Throttled => {
                fail(FailureKind::Throttled, "throttled");
                ledger.cool_down(sent, cool_down, now);
                let retry_after = ledger.cool_down_left(now).unwrap_or(cool_down);
                Outcome::Final(RefreshError::CoolingDown { retry_after })
            }
            Answer::Refused(error) => {
                fail(FailureKind::Refused, &error);
                let retry_after =
                    ledger.remembered(now, &self.secret_fp).map(|(_, left)| left).unwrap_or_default();
                let profile = self.profile.name.to_string();
                Outcome::Final(RefreshError::Refused { profile, error, retry_after })
            }
            Answer::Misconfigured(error) => {
                fail(FailureKind::Misconfigured, &error);
                Outcome::Final(rejected(self.profile, &error).into())
            }
            Answer::Unknown(error) => {
                Outcome::Transient(Miss { problem: Problem::Error(error), cause: MissCause::Answer })
            }
            Answer::Transient(problem) => Outcome::Transient(Miss { problem, cause: MissCause::Server }),
        }
    }

    /// Applies a request without an answer. It counts if a byte of it may have been sent. When it was sent is only known
    /// to be before `now`, because the machine may have slept.
    pub(crate) fn apply_no_answer(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        failure: HttpFailure,
        now: &Timestamp,
        cause: MissCause,
    ) -> Outcome {
        if failure.sent {
            ledger.unanswered(now);
        } else {
            ledger.withdraw();
        }
        record(locked, ledger);
        Outcome::Transient(Miss { problem: failure.problem, cause })
    }

    /// Ends a round without a token. The ledger remembers the failure, unless it concerns this caller only.
    pub(crate) fn apply_failure(
        &self,
        locked: &mut dyn Locked,
        mut ledger: Ledger,
        miss: Miss,
        now: &Timestamp,
    ) -> Error {
        let host = self.profile.accounts_url.host();
        match (self.mode, miss.cause) {
            (_, MissCause::Surroundings) | (Mode::Required, MissCause::Time) => {
                return miss.problem.error(&host, None);
            }
            (Mode::Ahead, _) => ledger.early_failed = Some(now.clone()),
            (Mode::Required, MissCause::Server | MissCause::Answer) => {
                ledger.failed(FailureKind::Transient, &miss.problem.code(), &self.secret_fp, now);
            }
        }
        record(locked, &ledger);
        let retry_after = ledger.remembered(now, &self.secret_fp).map(|(_, left)| left);
        miss.problem.error(&host, retry_after)
    }
}

/// Writes the ledger after an answer. The entry of the request is on disk already, so a failure here only costs budget.
pub(crate) fn record(locked: &mut dyn Locked, ledger: &Ledger) {
    if let Err(error) = locked.record(ledger) {
        log::warn!("the ledger was not updated: {}", error.message());
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
