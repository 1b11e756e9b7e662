//! The one refresh for all callers: lock, look again, check, reserve, ask, commit.
//!
//! This is the protocol of contract section 3, and the reason for this program. Every line that looks redundant
//! stands for a fault that other helpers have: see docs/architecture.md.

use super::ledger::{Failure, FailureKind, Ledger};
use super::moment::Moment;
use super::obtain::{Ask, Obtained};
use super::token_set::{CacheRecord, Freshness};
use crate::config::Profile;
use crate::credential::{CredentialId, Secrets, Source, secret_fingerprint};
use crate::error::Error;
use crate::oauth::token::{TokenForm, url};
use crate::oauth::{Answer, classify};
use crate::store::{Holder, Locked, Store};
use crate::system::{Clock, Deadline, Http, HttpAnswer, HttpFailure, HttpRequest, Method, Signals};
use std::time::Duration;

/// A whole request takes at most this long.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// No request is begun with less than this left.
const LEAST_TIME: Duration = Duration::from_secs(1);
/// Attempts in the first round after a success; later rounds have one.
const FIRST_ROUND: u32 = 3;
/// Pause before the first retry; the second one's is twice as long.
const RETRY_PAUSE: Duration = Duration::from_millis(250);
/// How long nobody asks after a throttle that names no time.
const COOL_DOWN: Duration = Duration::from_secs(600);
/// How often the credential may turn out to be another one before the call gives up.
const CREDENTIAL_CHANGES: u32 = 5;
/// What is believed of a `Retry-After`, in seconds.
const COOL_DOWN_BOUNDS: (u64, u64) = (30, 900);

/// Opens the shared state of a credential.
pub type OpenStore<'a> = dyn Fn(&CredentialId) -> Result<Box<dyn Store>, Error> + 'a;

/// All that the protocol touches.
pub struct Ports<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// The accounts server.
    pub http: &'a dyn Http,
    /// Signals, which wait while an answer is being committed.
    pub signals: &'a Signals,
    /// The credential.
    pub source: &'a Source<'a>,
    /// Opens the shared state of a credential.
    pub open: &'a OpenStore<'a>,
    /// Told once when a wait for the lock has lasted a second.
    pub waiting: &'a dyn Fn(Option<Holder>),
}

/// Whether an attempt is made while the old token is still good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Early {
    /// The caller has a good token already.
    Yes,
    /// The caller has none.
    No,
}

impl Early {
    /// For the one early attempt, all in all.
    pub const TIMEOUT: Duration = Duration::from_secs(5);
}

/// A new token, or one that somebody else got while this caller waited. `seen` is what the cache held when the call
/// began. Errors are this caller's to judge; nothing stored is ever replaced by one.
pub fn renew(
    ports: &Ports<'_>,
    ask: &Ask,
    deadline: &Deadline,
    seen: &CacheRecord,
    early: Early,
) -> Result<Obtained, Error> {
    let mut found = None;
    for _ in 0..CREDENTIAL_CHANGES {
        let id = match &found {
            Some(id) => CredentialId::clone(id),
            None => ports.source.id()?,
        };
        let store = (ports.open)(&id)?;
        let failures = store.ledger().failures;
        let mut locked = match wait_for_lock(ports, ask, deadline, seen, early, &*store)? {
            Waited::Locked(locked) => locked,
            Waited::Served(record) => return Ok(Obtained { record, warning: None }),
        };
        if found.is_none() && ports.source.id()? != id {
            continue;
        }
        let cache = locked.cache()?;
        if serves(ports, ask, seen, &cache, early) {
            return Ok(Obtained { record: cache, warning: None });
        }
        let profile = ports.source.profile;
        let now = Moment::now(ports.clock);
        let ledger = locked.ledger(&now, &profile.budget)?;
        if ledger.failures != failures
            && let Some(failure) = &ledger.failure
        {
            return Err(shared(profile, &ledger, failure, &now));
        }
        let gate = Gate { ports, ask, deadline, early, rejected: cache.rejected };
        gate.may_ask(&ledger)?;
        let secrets = ports.source.secrets()?;
        let actual = ports.source.id_from_secrets(&secrets)?;
        if actual != id {
            found = Some(actual);
            continue;
        }
        let secret_fp = secret_fingerprint(profile, &secrets.client_secret);
        return Round { gate, profile, secrets: &secrets, secret_fp, cache }.run(&mut *locked, ledger);
    }
    Err(Error::Store {
        action: "settle on",
        what: format!("the credential of '{}'", ports.source.profile.name),
        problem: "it was another one every time it was read".into(),
    })
}

enum Waited<'s> {
    Locked(Box<dyn Locked + 's>),
    Served(CacheRecord),
}

/// Waits for the lock and watches the cache meanwhile: a fresh token there ends the wait without the lock.
fn wait_for_lock<'s>(
    ports: &Ports<'_>,
    ask: &Ask,
    deadline: &Deadline,
    seen: &CacheRecord,
    early: Early,
    store: &'s dyn Store,
) -> Result<Waited<'s>, Error> {
    let begun = ports.clock.monotonic();
    let mut told = false;
    for attempt in 0.. {
        if let Some(locked) = store.try_lock()? {
            return Ok(Waited::Locked(locked));
        }
        let cache = store.cache();
        if early == Early::Yes {
            return Ok(Waited::Served(if cache.token.is_some() { cache } else { seen.clone() }));
        }
        if serves(ports, ask, seen, &cache, early) {
            return Ok(Waited::Served(cache));
        }
        let waited = ports.clock.monotonic().saturating_sub(begun);
        let left = deadline.remaining(ports.clock);
        if left.is_zero() {
            return Err(busy(waited, store));
        }
        if waited >= Duration::from_secs(1) && !told {
            told = true;
            (ports.waiting)(store.holder());
        }
        ports.clock.sleep(store.pause(attempt).min(left));
    }
    Err(busy(ask.timeout, store))
}

fn busy(waited: Duration, store: &dyn Store) -> Error {
    Error::Busy { waited, holder: store.holder().map(|holder| holder.pid).filter(|pid| *pid != 0) }
}

/// Whether `cache` is what the caller came for: under `--refresh` a token that was not there when the call began,
/// in the early window one that is past it, else one that is fresh.
fn serves(ports: &Ports<'_>, ask: &Ask, seen: &CacheRecord, cache: &CacheRecord, early: Early) -> bool {
    let freshness = cache.freshness(ports.clock.now(), ask.min_ttl);
    match (ask.refresh, early) {
        (true, _) => freshness != Freshness::Stale && cache.token != seen.token,
        (false, Early::Yes) => freshness == Freshness::Fresh,
        (false, Early::No) => freshness != Freshness::Stale,
    }
}

/// The error of a failure that somebody else met, or that is remembered.
fn shared(profile: &Profile, ledger: &Ledger, failure: &Failure, now: &Moment) -> Error {
    let left = ledger.remembered(now, &failure.secret_fp).map(|(_, left)| left);
    match failure.kind {
        FailureKind::Transient => Error::Unavailable { problem: failure.message.clone(), retry_after: left },
        FailureKind::Throttled => {
            Error::CoolingDown { retry_after: ledger.cool_down_left(now).unwrap_or(Duration::from_secs(1)) }
        }
        FailureKind::Refused => Error::Refused {
            profile: profile.name.to_string(),
            error: failure.error.clone(),
            retry_after: left.unwrap_or_default(),
        },
        FailureKind::Misconfigured => rejected(profile, &failure.error),
    }
}

fn rejected(profile: &Profile, error: &str) -> Error {
    Error::ClientRejected {
        profile: profile.name.to_string(),
        error: error.to_owned(),
        accounts_url: profile.accounts_url.to_string(),
    }
}

/// What may forbid a request whoever makes it.
struct Gate<'a> {
    ports: &'a Ports<'a>,
    ask: &'a Ask,
    deadline: &'a Deadline,
    early: Early,
    /// Whether a reject made this refresh necessary.
    rejected: bool,
}

impl Gate<'_> {
    /// Cool-down, rejects, early failures, budget and time. It needs no secret, so it is asked before one is read.
    fn may_ask(&self, ledger: &Ledger) -> Result<(), Error> {
        let now = Moment::now(self.ports.clock);
        let window = self.ports.source.profile.budget.window;
        if let Some(retry_after) = ledger.cool_down_left(&now) {
            return Err(Error::CoolingDown { retry_after });
        }
        if self.rejected
            && !self.ask.refresh
            && let Some(retry_after) = ledger.reject_wait(&now, window)
        {
            return Err(Error::TooManyRejects { retry_after });
        }
        if self.early == Early::Yes && !ledger.early_allowed(&now) {
            return Err(unavailable("an early attempt failed a moment ago"));
        }
        self.within_budget(ledger, &now)?;
        match self.deadline.remaining(self.ports.clock) < LEAST_TIME {
            true => Err(unavailable("there was no time left for a request within --timeout")),
            false => Ok(()),
        }
    }

    /// Automatic refreshes leave one request for `--refresh`; early ones leave half.
    fn within_budget(&self, ledger: &Ledger, now: &Moment) -> Result<(), Error> {
        let budget = &self.ports.source.profile.budget;
        let allowed = match (self.early, self.ask.refresh) {
            (Early::Yes, _) => budget.tokens.div_ceil(2),
            (Early::No, true) => budget.tokens,
            (Early::No, false) if budget.tokens >= 3 => budget.tokens - 1,
            (Early::No, false) => budget.tokens,
        };
        let used = ledger.used(now, budget);
        if used < allowed {
            return Ok(());
        }
        Err(Error::OutOfBudget {
            used,
            limit: budget.tokens,
            retry_after: ledger.next_slot(now, budget, allowed),
        })
    }
}

fn unavailable(problem: &str) -> Error {
    Error::Unavailable { problem: problem.to_owned(), retry_after: None }
}

/// One round of attempts, with the lock held and everything read under it.
struct Round<'a> {
    gate: Gate<'a>,
    profile: &'a Profile,
    secrets: &'a Secrets,
    secret_fp: String,
    cache: CacheRecord,
}

/// What became of one attempt.
enum Outcome {
    Granted(Obtained),
    /// Nothing will help this caller now.
    Final(Error),
    /// Another attempt may help.
    Transient(Miss),
}

/// An attempt without a usable answer. `ours` says that only this caller's lack of time ended it.
struct Miss {
    problem: String,
    ours: bool,
}

impl Round<'_> {
    /// Up to three attempts in the first round since a success, one in later rounds and early ones.
    fn run(&self, locked: &mut dyn Locked, mut ledger: Ledger) -> Result<Obtained, Error> {
        let clock = self.gate.ports.clock;
        let now = Moment::now(clock);
        if !self.gate.ask.refresh
            && let Some((failure, _)) = ledger.remembered(&now, &self.secret_fp)
        {
            return Err(shared(self.profile, &ledger, failure, &now));
        }
        let attempts = match (self.gate.early, ledger.is_first_round()) {
            (Early::No, true) => FIRST_ROUND,
            _ => 1,
        };
        let mut attempt = 0;
        let miss = loop {
            let miss = match self.attempt(locked, &mut ledger)? {
                Outcome::Granted(obtained) => return Ok(obtained),
                Outcome::Final(error) => return Err(error),
                Outcome::Transient(miss) => miss,
            };
            let pause = RETRY_PAUSE * 2u32.pow(attempt);
            attempt += 1;
            let time_is_left = self.gate.deadline.remaining(clock) >= pause + LEAST_TIME;
            if attempt == attempts || !time_is_left || self.gate.may_ask(&ledger).is_err() {
                break Miss { ours: miss.ours && attempt == 1, ..miss };
            }
            clock.sleep(pause);
        };
        Err(self.note_failure(locked, ledger, miss))
    }

    /// A round failed: the ledger remembers it for everybody, unless it failed for this caller's lack of time only.
    fn note_failure(&self, locked: &mut dyn Locked, mut ledger: Ledger, miss: Miss) -> Error {
        let now = Moment::now(self.gate.ports.clock);
        match (self.gate.early, miss.ours) {
            (Early::Yes, _) => ledger.early_failed = Some(now.clone()),
            (Early::No, true) => return Error::Unavailable { problem: miss.problem, retry_after: None },
            (Early::No, false) => {
                let problem = miss.problem.clone();
                ledger.failed(FailureKind::Transient, "unavailable", problem, &self.secret_fp, &now);
            }
        }
        record(locked, &ledger);
        let retry_after = ledger.remembered(&now, &self.secret_fp).map(|(_, left)| left);
        Error::Unavailable { problem: miss.problem, retry_after }
    }

    /// One request: written ahead, sent, and its answer committed before any signal is let through.
    fn attempt(&self, locked: &mut dyn Locked, ledger: &mut Ledger) -> Result<Outcome, Error> {
        let ports = self.gate.ports;
        ledger.reserve(&Moment::now(ports.clock), &self.profile.budget);
        locked.write_ahead(ledger, &self.cache)?;
        let asked = Moment::now(ports.clock);
        let form =
            TokenForm::mint(self.profile, &self.secrets.client_secret, self.secrets.refresh_token.as_ref());
        let timeout = REQUEST_TIMEOUT.min(self.gate.deadline.remaining(ports.clock));
        let answer = ports.http.send(&HttpRequest {
            method: Method::Post,
            url: url(&self.profile.accounts_url),
            form: form.fields(),
            authorization: None,
            timeout,
        });
        ports.signals.hold();
        let outcome = match answer {
            Ok(answer) => self.settle(locked, ledger, &answer, &asked),
            Err(failure) => unanswered(locked, ledger, failure, timeout < REQUEST_TIMEOUT),
        };
        ports.signals.release()?;
        Ok(outcome)
    }

    /// An answer: what it means goes into cache and ledger.
    fn settle(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        answer: &HttpAnswer,
        asked: &Moment,
    ) -> Outcome {
        let now = Moment::now(self.gate.ports.clock);
        let class = classify(answer.status, &answer.body, self.profile.accounts_url.is_loopback());
        let granted = matches!(class, Answer::Granted(_));
        ledger.answered(&now, granted);
        if self.gate.early == Early::Yes && !granted {
            ledger.early_failed = Some(now.clone());
        }
        let outcome = self.judge(locked, ledger, class, cool_down(answer), asked, &now);
        record(locked, ledger);
        outcome
    }

    fn judge(
        &self,
        locked: &mut dyn Locked,
        ledger: &mut Ledger,
        class: Answer,
        cool_down: Duration,
        asked: &Moment,
        now: &Moment,
    ) -> Outcome {
        let mut fail = |kind, error: &str, message: &str| {
            ledger.failed(kind, error, message.to_owned(), &self.secret_fp, now);
        };
        match class {
            Answer::Granted(granted) => {
                ledger.succeeded();
                let record = self.cache.renewed(&granted, asked.reading());
                let warning = locked.commit(&record).err().map(|error| unsaved(&error));
                Outcome::Granted(Obtained { record, warning })
            }
            Answer::Throttled => {
                fail(FailureKind::Throttled, "throttled", "Zoho throttled this refresh token");
                ledger.cool_down(asked, cool_down, now);
                let retry_after = ledger.cool_down_left(now).unwrap_or(cool_down);
                Outcome::Final(Error::CoolingDown { retry_after })
            }
            Answer::Refused(refusal) => {
                fail(FailureKind::Refused, &refusal.error, "Zoho no longer accepts the refresh token");
                let retry_after =
                    ledger.remembered(now, &self.secret_fp).map(|(_, left)| left).unwrap_or_default();
                let profile = self.profile.name.to_string();
                Outcome::Final(Error::Refused { profile, error: refusal.error, retry_after })
            }
            Answer::Misconfigured(rejection) => {
                fail(FailureKind::Misconfigured, &rejection.error, "Zoho rejected the client");
                Outcome::Final(rejected(self.profile, &rejection.error))
            }
            Answer::Transient(problem) => Outcome::Transient(Miss { problem, ours: false }),
        }
    }
}

/// No answer: the request counts as long as a byte of it may have arrived.
fn unanswered(locked: &mut dyn Locked, ledger: &mut Ledger, failure: HttpFailure, short: bool) -> Outcome {
    if !failure.sent {
        ledger.withdraw();
        record(locked, ledger);
    }
    Outcome::Transient(Miss { problem: failure.problem, ours: short && failure.timed_out })
}

/// Ten minutes from the attempt, or what the answer asks for within reason.
fn cool_down(answer: &HttpAnswer) -> Duration {
    let asked_for = answer.retry_after.as_deref().and_then(|text| text.trim().parse::<u64>().ok());
    asked_for.map_or(COOL_DOWN, |s| Duration::from_secs(s.clamp(COOL_DOWN_BOUNDS.0, COOL_DOWN_BOUNDS.1)))
}

fn unsaved(error: &Error) -> String {
    let cause = error.cause().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("the token could not be kept for the next caller: {}{cause}", error.message())
}

/// Writes the ledger after an answer. Its entry is on disk already, so that a failure here costs budget, not truth.
fn record(locked: &mut dyn Locked, ledger: &Ledger) {
    if let Err(error) = locked.record(ledger) {
        log::warn!("the ledger was not updated: {}", error.message());
    }
}
