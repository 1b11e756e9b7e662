//! A round of attempts: reserve, ask, commit. The caller holds the lock and has read everything under it.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::CacheRecord;
use crate::model::Profile;
use crate::model::Secrets;
use crate::model::Timestamp;
use crate::model::{Failure, FailureKind, Ledger};
use crate::oauth::token::{TokenForm, url};
use crate::oauth::{Answer, classify, client_rejected};
use crate::problem::Problem;
use crate::refresh::cooldown::cool_down;
use crate::refresh::error::RefreshError;
use crate::refresh::get_token::TokenResponse;
use crate::refresh::preflight::{LEAST_TIME, Preflight};
use crate::refresh::refresh::{Early, note_early_failure};
use crate::store::Locked;
use crate::system::{HttpAnswer, HttpFailure, HttpRequest, Method};
use std::time::Duration;

/// A whole request takes at most this long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Attempts in the first round after a success; later rounds have one.
const FIRST_ROUND: u32 = 3;
/// Pause before the first retry; the second one's is twice as long.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// The most that is kept back of a caller's time for what follows an answer.
const LONGEST_AFTERMATH: Duration = Duration::from_millis(500);
/// An entry that was written longer ago does not stand for a request that is sent now, in ms. It is far less than
/// the margin by which entries outlive the window, and more than the 3 s that a shared store may take for it.
const OLDEST_ENTRY_MS: i64 = 3_500;
/// No entry is dated further ahead than this, in ms.
const LONGEST_EXPECTED_MS: i64 = 10_000;

/// One round of attempts, with the lock held and everything read under it.
pub(crate) struct Attempts<'a, 'p> {
    /// What may forbid a request.
    pub(crate) preflight: Preflight<'a, 'p>,
    /// The profile.
    pub(crate) profile: &'a Profile,
    /// What mints its tokens.
    pub(crate) secrets: &'a Secrets,
    /// Fingerprint of the client secret.
    pub(crate) secret_fp: String,
    /// The cache as it was read under the lock.
    pub(crate) cache: CacheRecord,
}

/// What became of one attempt.
enum Outcome {
    Granted(TokenResponse),
    /// Nothing will help this caller now.
    Final(RefreshError),
    /// Another attempt may help.
    Transient(Miss),
}

/// An attempt without a usable answer.
struct Miss {
    problem: Problem,
    blame: Blame,
}

/// Whom a failed attempt concerns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blame {
    /// Everybody; another attempt may help.
    Server,
    /// Everybody; another attempt would be answered the same.
    Answer,
    /// Only this caller, which had little time.
    Time,
    /// Only this caller: its certificate authorities, proxy or descriptors. Another attempt would fail the same.
    Surroundings,
}

impl Attempts<'_, '_> {
    /// Up to three attempts in the first round since a success, one in later rounds and early ones.
    pub(crate) fn run(
        &self,
        locked: &mut dyn Locked,
        mut ledger: Ledger,
    ) -> Result<TokenResponse, RefreshError> {
        let clock = self.preflight.ports.clock;
        let attempts = match (self.preflight.early, ledger.is_first_round()) {
            (Early::No, true) => FIRST_ROUND,
            _ => 1,
        };
        let mut attempt = 0;
        let mut earlier: Option<Miss> = None;
        let miss = loop {
            let miss = match self.attempt(locked, &mut ledger) {
                Ok(Outcome::Granted(obtained)) => return Ok(obtained),
                Ok(Outcome::Final(error)) => return Err(error),
                Ok(Outcome::Transient(miss)) => miss,
                Err(error) => {
                    let is_store = matches!(&error, RefreshError::Failed(it) if it.code() == Code::Store);
                    if self.preflight.early == Early::Yes && is_store {
                        note_early_failure(self.preflight.ports, locked, &mut ledger);
                    }
                    return Err(error);
                }
            };
            let miss = match earlier.take() {
                // The earlier attempt had more time, so its failure says more.
                Some(earlier) if miss.blame == Blame::Time => earlier,
                _ => miss,
            };
            let pause = RETRY_PAUSE * 2u32.pow(attempt);
            attempt += 1;
            let time_is_left = self.preflight.deadline.remaining(clock) >= pause + LEAST_TIME;
            let helps = matches!(miss.blame, Blame::Server | Blame::Time);
            if attempt == attempts || !helps || !time_is_left || self.preflight.may_ask(&ledger).is_err() {
                break miss;
            }
            earlier = Some(miss);
            clock.sleep(pause);
        };
        Err(self.note_failure(locked, ledger, miss).into())
    }

    /// A round failed: the ledger remembers it for everybody, unless it concerns this caller only.
    fn note_failure(&self, locked: &mut dyn Locked, mut ledger: Ledger, miss: Miss) -> Error {
        let now = self.preflight.ports.clock.timestamp();
        let host = self.profile.accounts_url.host();
        match (self.preflight.early, miss.blame) {
            (_, Blame::Surroundings) | (Early::No, Blame::Time) => {
                return miss.problem.error(&host, None);
            }
            (Early::Yes, _) => ledger.early_failed = Some(now.clone()),
            (Early::No, Blame::Server | Blame::Answer) => {
                ledger.failed(FailureKind::Transient, &miss.problem.code(), &self.secret_fp, &now);
            }
        }
        record(locked, &ledger);
        let retry_after = ledger.remembered(&now, &self.secret_fp).map(|(_, left)| left);
        miss.problem.error(&host, retry_after)
    }

    /// One request: written ahead, sent, and its answer committed before any signal is let through.
    fn attempt(&self, locked: &mut dyn Locked, ledger: &mut Ledger) -> Result<Outcome, RefreshError> {
        let ports = self.preflight.ports;
        let Some(asked) = self.reserve(locked, ledger)? else {
            return Ok(Outcome::Transient(Miss { problem: Problem::NoTime, blame: Blame::Time }));
        };
        let form =
            TokenForm::mint(self.profile, &self.secrets.client_secret, self.secrets.refresh_token.as_ref());
        let timeout = REQUEST_TIMEOUT.min(time_for(self.preflight.deadline.remaining(ports.clock)));
        let url = url(&self.profile.accounts_url);
        let request = HttpRequest {
            method: Method::Post,
            url: url.clone(),
            form: form.fields(),
            authorization: None,
            timeout,
        };
        let answer = ports.http.send(&request);
        ports.signals.hold();
        let became = answer.as_ref().map(|answer| answer.status).map_err(|failure| failure.problem.clone());
        let outcome = match answer {
            Ok(answer) => self.handle_answer(locked, ledger, &answer, &asked),
            Err(failure) => {
                let blame = match failure.own {
                    true => Blame::Surroundings,
                    false if request.was_short(&failure, REQUEST_TIMEOUT) => Blame::Time,
                    false => Blame::Server,
                };
                unanswered(locked, ledger, failure, &ports.clock.timestamp(), blame)
            }
        };
        ports.signals.release()?;
        match became {
            Ok(status) => log::info!("POST {url} was answered with {status}"),
            Err(problem) => log::info!("POST {url} was not answered: {}", problem.code()),
        }
        Ok(outcome)
    }

    /// Writes the request ahead and returns the moment at which it may be sent, `None` where no time is left for it.
    /// An entry that was written long ago, by a disk that hung or a machine that slept, would stop counting too
    /// early, so it is written anew, and dated as late as the first writing lets expect: a slow disk costs one more
    /// write, not all the caller's time.
    fn reserve(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
    ) -> Result<Option<Timestamp>, RefreshError> {
        let clock = self.preflight.ports.clock;
        let mut expected_ms = 0;
        loop {
            let reserved = clock.timestamp().later(expected_ms);
            ledger.reserve(&reserved, &self.profile.budget);
            if let Err(error) = locked.write_ahead(ledger, &self.cache) {
                ledger.withdraw();
                return Err(error.into());
            }
            let now = clock.timestamp();
            let time_is_left = self.preflight.deadline.remaining(clock) >= LEAST_TIME;
            if time_is_left && reserved.age_ms(&now) <= OLDEST_ENTRY_MS {
                return Ok(Some(now));
            }
            expected_ms = (expected_ms + reserved.age_ms(&now)).min(LONGEST_EXPECTED_MS);
            ledger.withdraw();
            if !time_is_left {
                record(locked, ledger);
                return Ok(None);
            }
        }
    }

    /// An answer: what it means goes into cache and ledger.
    fn handle_answer(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        answer: &HttpAnswer,
        asked: &Timestamp,
    ) -> Outcome {
        let now = self.preflight.ports.clock.timestamp();
        let class = match classify(answer.status, &answer.body, self.profile.accounts_url.is_loopback()) {
            class if class.error().is_some_and(|error| self.secrets.appears_in(error)) => {
                Answer::Transient(Problem::Status(answer.status))
            }
            class => class,
        };
        let granted = matches!(class, Answer::Granted(_));
        ledger.answered(&now, granted);
        if self.preflight.early == Early::Yes && !granted {
            ledger.early_failed = Some(now.clone());
        }
        let outcome = self.apply_response(locked, ledger, class, cool_down(answer, &now), asked, &now);
        record(locked, ledger);
        outcome
    }

    fn apply_response(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        class: Answer,
        cool_down: Duration,
        asked: &Timestamp,
        now: &Timestamp,
    ) -> Outcome {
        let mut fail = |kind, error: &str| ledger.failed(kind, error, &self.secret_fp, now);
        match class {
            Answer::Granted(granted) => {
                ledger.succeeded();
                let record = self.cache.renewed(&granted, asked.reading());
                if record.valid_token(now.reading()).is_none() {
                    return Outcome::Transient(Miss { problem: Problem::TokenExpired, blame: Blame::Time });
                }
                let warning = locked.commit(&record).err().map(|error| unsaved(&error));
                Outcome::Granted(TokenResponse { record, warning })
            }
            Answer::Throttled => {
                fail(FailureKind::Throttled, "throttled");
                ledger.cool_down(asked, cool_down, now);
                let retry_after = ledger.cool_down_left(now).unwrap_or(cool_down);
                Outcome::Final(RefreshError::CoolingDown { retry_after })
            }
            Answer::Refused(refusal) => {
                fail(FailureKind::Refused, &refusal.error);
                let retry_after =
                    ledger.remembered(now, &self.secret_fp).map(|(_, left)| left).unwrap_or_default();
                let profile = self.profile.name.to_string();
                Outcome::Final(RefreshError::Refused { profile, error: refusal.error, retry_after })
            }
            Answer::Misconfigured(rejection) => {
                fail(FailureKind::Misconfigured, &rejection.error);
                Outcome::Final(rejected(self.profile, &rejection.error).into())
            }
            Answer::Unknown(rejection) => {
                Outcome::Transient(Miss { problem: Problem::Error(rejection.error), blame: Blame::Answer })
            }
            Answer::Transient(problem) => Outcome::Transient(Miss { problem, blame: Blame::Server }),
        }
    }
}

/// The error of a failure that somebody else met, or that is remembered.
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

fn rejected(profile: &Profile, error: &str) -> Error {
    client_rejected(profile.name.as_str(), error, profile.accounts_url.as_str())
}

/// No answer: the request counts as long as a byte of it may have arrived. When it was sent is only known to be
/// before now, as the machine may have slept meanwhile.
fn unanswered(
    locked: &mut dyn Locked,
    ledger: &mut Ledger,
    failure: HttpFailure,
    now: &Timestamp,
    blame: Blame,
) -> Outcome {
    match failure.sent {
        true => ledger.unanswered(now),
        false => ledger.withdraw(),
    }
    record(locked, ledger);
    Outcome::Transient(Miss { problem: failure.problem, blame })
}

/// What a request may take where so much is `left`: what comes of it has to be written down and told within
/// `--timeout`, also to callers that began to wait at the same moment.
fn time_for(left: Duration) -> Duration {
    left - (left / 10).min(LONGEST_AFTERMATH)
}

fn unsaved(error: &Error) -> String {
    tr!("the token could not be kept for the next caller: {why}", why = error.in_one_line())
}

/// Writes the ledger after an answer. Its entry is on disk already, so that a failure here costs budget, not truth.
fn record(locked: &mut dyn Locked, ledger: &Ledger) {
    if let Err(error) = locked.record(ledger) {
        log::warn!("the ledger was not updated: {}", error.message());
    }
}
