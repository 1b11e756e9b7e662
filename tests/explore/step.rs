//! Single callers, step by step: cases that random schedules rarely reach or cannot check from outside.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;
use zoho_cred::error::{Code, Error};
use zoho_cred::model::{
    Budget, CacheRecord, ClockReading, CredentialId, FailureKind, Ledger, MinTtl, Secrets, Timestamp,
    TokenSet,
};
use zoho_cred::problem::Problem;
use zoho_cred::refresh::{self, Ports, RefreshError, Rejected, TokenRequest, TokenResponse, WaitEvent};
use zoho_cred::secret::Secret;
use zoho_cred::secrets::{CredentialError, CredentialSource, Prepare};
use zoho_cred::store::{Holder, Locked, Reserved, Store};
use zoho_cred::system::{Clock, Http, HttpAnswer, HttpFailure, HttpRequest, Method, Signals};

/// The result of a request, and how long it takes in ms.
type Reply = (i64, Result<HttpAnswer, HttpFailure>);
/// An action of another process.
type Deed = Box<dyn Fn(&Bench)>;

/// The environment of one caller. Time passes only while it waits.
#[derive(Default)]
struct Bench {
    now_ms: Cell<i64>,
    cache: RefCell<CacheRecord>,
    ledger: RefCell<Ledger>,
    login: RefCell<String>,
    /// Until when another process holds the lock, and what it does when, usually just before it releases the lock.
    held_until_ms: Cell<i64>,
    deed: RefCell<Option<(i64, Deed)>>,
    /// How long the disk takes to write an entry ahead, in ms.
    write_ms: Cell<i64>,
    lock_fails: Cell<bool>,
    /// The shared store is too slow for a reservation.
    reservation_fails: Cell<bool>,
    /// The next read of the cache without the lock fails, as without a file descriptor.
    cache_unreadable: Cell<bool>,
    commit_fails: Cell<bool>,
    lease_lost: Cell<u32>,
    known_at_start: Cell<bool>,
    replies: RefCell<VecDeque<Reply>>,
    /// When requests were sent, with their timeouts, in ms.
    sent: RefCell<Vec<(i64, u128)>>,
    asked_about: RefCell<Vec<String>>,
    secrets_read: Cell<u32>,
    secrets_missing: Cell<bool>,
    written_ahead: Cell<u32>,
    early_noted: Cell<u32>,
    waits: RefCell<Vec<(i64, WaitEvent)>>,
    budget: Cell<Budget>,
}

const PLAIN: TokenRequest = TokenRequest {
    min_ttl: MinTtl::Default,
    timeout: Duration::from_secs(30),
    wait: Duration::ZERO,
    refresh: false,
    offline: false,
};

const REFRESH: TokenRequest = TokenRequest { refresh: true, ..PLAIN };

fn within(timeout_ms: u64) -> TokenRequest {
    TokenRequest { timeout: Duration::from_millis(timeout_ms), ..PLAIN }
}

fn answer(status: u16, body: &str) -> Reply {
    (0, Ok(HttpAnswer { status, retry_after: None, date: None, body: body.as_bytes().to_vec() }))
}

fn granted(token: &str) -> Reply {
    answer(200, &format!(r#"{{"access_token":"{token}","expires_in":3600}}"#))
}

fn silence(after_ms: i64) -> Reply {
    (
        after_ms,
        Err(HttpFailure { sent: true, timed_out: true, own: false, problem: Problem::ResponseTimeout }),
    )
}

impl Bench {
    fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Bench {
            login: RefCell::new("1000.r".into()),
            held_until_ms: Cell::new(-1),
            replies: RefCell::new(replies.into_iter().collect()),
            ..Bench::default()
        }
    }

    /// With a cached one-hour token that has this much left.
    fn with_token(self, token: &str, left_s: i64) -> Self {
        self.cache.borrow_mut().token = Some(self.token(token, left_s));
        self
    }

    fn held_until(self, ms: i64, deed: impl Fn(&Bench) + 'static) -> Self {
        self.held_until_ms.set(ms);
        self.deed.replace(Some((ms, Box::new(deed))));
        self
    }

    /// Runs the actions of the other process that are due.
    fn happen(&self) {
        if let Some((_, deed)) = self.deed.borrow_mut().take_if(|(at_ms, _)| *at_ms <= self.now_ms.get()) {
            deed(self);
        }
    }

    fn token(&self, token: &str, left_s: i64) -> TokenSet {
        let now = Clock::now(self);
        TokenSet {
            access_token: Secret::new(token),
            obtained_at_ms: now.wall_ms + (left_s - 3600) * 1000,
            expires_at_ms: now.wall_ms + left_s * 1000,
            clock_offset_ms: now.wall_ms - now.boot_ms,
        }
    }

    fn note(&self, with: impl FnOnce(&mut Ledger, &Timestamp)) {
        with(&mut self.ledger.borrow_mut(), &self.timestamp());
    }

    fn ports<T>(&self, story: impl FnOnce(&Ports<'_>) -> T) -> T {
        let profile = crate::schedule::profile(self.budget.get());
        story(&Ports {
            clock: self,
            http: self,
            signals: &Signals::default(),
            profile: &profile,
            credential: self,
            open: &|_| Ok(Box::new(Disk(self)) as Box<dyn Store + '_>),
            waiting: &|wait| self.waits.borrow_mut().push((self.now_ms.get(), wait)),
        })
    }

    fn get(&self, ask: TokenRequest) -> Result<TokenResponse, RefreshError> {
        self.ports(|ports| refresh::get_token(ports, &ask))
    }

    #[track_caller]
    fn gets(&self, ask: TokenRequest, wanted: &str) -> TokenResponse {
        let obtained = self.get(ask).unwrap();
        assert_eq!(obtained.record.token.as_ref().unwrap().access_token.expose(), wanted);
        obtained
    }

    fn rejects(&self, token: &str) -> Result<Rejected, Error> {
        self.ports(|ports| refresh::reject(ports, &Secret::new(token), Duration::from_secs(2)))
    }

    fn requests(&self) -> usize {
        self.sent.borrow().len()
    }
}

impl Clock for Bench {
    fn now(&self) -> ClockReading {
        ClockReading {
            wall_ms: 1_800_000_000_000 + self.now_ms.get(),
            boot_ms: 50_000_000 + self.now_ms.get(),
        }
    }

    fn boot_id(&self) -> String {
        "boot".into()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.now_ms.get() as u64)
    }

    fn sleep(&self, duration: Duration) {
        self.now_ms.set(self.now_ms.get() + duration.as_millis() as i64);
        self.happen();
    }
}

impl Http for Bench {
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure> {
        match request.method {
            Method::Get => {
                let header = request.authorization.as_ref().map(|value| value.expose().to_owned());
                self.asked_about.borrow_mut().extend(header);
            }
            Method::Post => self.sent.borrow_mut().push((self.now_ms.get(), request.timeout.as_millis())),
        }
        let (took_ms, reply) = self.replies.borrow_mut().pop_front().expect("a request more than was meant");
        self.now_ms.set(self.now_ms.get() + took_ms);
        reply
    }
}

impl CredentialSource for Bench {
    fn id(&self) -> Result<CredentialId, CredentialError> {
        let login = self.login.borrow();
        Ok(CredentialId::known(&login, &login))
    }

    fn secrets(&self) -> Result<Secrets, CredentialError> {
        self.secrets_read.set(self.secrets_read.get() + 1);
        if self.secrets_missing.get() {
            return Err(CredentialError::NeverLoggedIn { profile: "crm".into() });
        }
        let refresh_token = Some(Secret::new(self.login.borrow().clone()));
        Ok(Secrets { client_secret: Secret::new("s"), refresh_token })
    }

    fn id_from_secrets(&self, _: &Secrets) -> Result<CredentialId, CredentialError> {
        self.id()
    }

    fn replace(&self, _: &Secrets, token: &Secret, prepare: &Prepare<'_>) -> Result<(), Error> {
        let id = CredentialId::known(token.expose(), token.expose());
        prepare(&id)?;
        token.expose().clone_into(&mut self.login.borrow_mut());
        Ok(())
    }
}

/// The state of the only credential.
struct Disk<'b>(&'b Bench);

fn broken(action: &'static str) -> Error {
    Error::new(Code::Store, format!("could not {action} file"), "free some space")
        .with_cause("the disk is full")
}

impl Store for Disk<'_> {
    fn cache(&self) -> Result<CacheRecord, Error> {
        if self.0.cache_unreadable.take() {
            return Err(broken("read"));
        }
        Ok(self.0.cache.borrow().clone())
    }

    fn ledger(&self, _: &Timestamp, _: &Budget) -> Ledger {
        self.0.ledger.borrow().clone()
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        if self.0.lock_fails.get() {
            return Err(broken("lock"));
        }
        self.0.happen();
        if self.0.now_ms.get() < self.0.held_until_ms.get() {
            return Ok(None);
        }
        Ok(Some(Box::new(Disk(self.0))))
    }

    fn early_failed(&self, _: &Timestamp, _: &Budget) {
        self.0.early_noted.set(self.0.early_noted.get() + 1);
    }

    fn known_at_start(&self, _: &TokenSet) -> bool {
        self.0.known_at_start.get()
    }

    fn pause(&self, _: u32) -> Duration {
        Duration::from_millis(100)
    }

    fn holder(&self) -> Option<Holder> {
        Some(Holder { pid: 7, since_ms: 0 })
    }
}

impl Locked for Disk<'_> {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        Ok(self.0.cache.borrow().clone())
    }

    fn ledger(&mut self, _: &Timestamp, _: &Budget) -> Result<Ledger, Error> {
        Ok(self.0.ledger.borrow().clone())
    }

    fn write_ahead(&mut self, ledger: &Ledger, _: &CacheRecord) -> Result<Reserved, Error> {
        self.0.written_ahead.set(self.0.written_ahead.get() + 1);
        self.0.now_ms.set(self.0.now_ms.get() + self.0.write_ms.get());
        if self.0.reservation_fails.get() {
            return Err(Error::new(Code::Unavailable, "the answer came too late", "try again"));
        }
        if let Some(left) = self.0.lease_lost.get().checked_sub(1) {
            self.0.lease_lost.set(left);
            return Ok(Reserved::Lost);
        }
        self.0.ledger.replace(ledger.clone());
        Ok(Reserved::Yes)
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        if self.0.commit_fails.get() {
            return Err(broken("write"));
        }
        self.0.cache.replace(cache.clone());
        Ok(())
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        self.0.ledger.replace(ledger.clone());
        Ok(())
    }
}

/// The error of a call to which the accounts server gave no usable answer.
fn unanswered(result: Result<TokenResponse, RefreshError>) -> Option<Error> {
    result.err().map(Error::from).filter(|error| error.code() == Code::Unavailable)
}

/// Whether the call ended because process 7 held the lock.
fn is_busy<T, E: Into<Error>>(result: Result<T, E>) -> bool {
    let error = result.err().map(Into::into);
    error.is_some_and(|error| {
        error.code() == Code::Busy && error.cause().is_some_and(|cause| cause.contains("process 7"))
    })
}

#[test]
fn retries_are_a_quarter_and_half_a_second_apart() {
    let bench = Bench::new([answer(503, ""), answer(503, ""), granted("1000.new")]);
    bench.gets(PLAIN, "1000.new");
    assert_eq!(*bench.sent.borrow(), [(0, 10_000), (250, 10_000), (750, 10_000)]);
    let bench = Bench::new([answer(503, ""), answer(503, ""), answer(503, "")]);
    let retry_after = unanswered(bench.get(PLAIN)).unwrap().retry_after();
    assert_eq!(retry_after, Some(Duration::from_secs(2)));
    assert_eq!(bench.ledger.borrow().failure.as_ref().unwrap().rounds, 1);
}

#[test]
fn a_retry_wants_its_pause_and_a_second_more() {
    for (timeout_ms, requests) in [(1_249, 1), (1_250, 2)] {
        let bench = Bench::new([answer(503, ""), answer(503, "")]);
        assert!(unanswered(bench.get(within(timeout_ms))).is_some());
        assert_eq!(bench.requests(), requests, "{timeout_ms}");
    }
}

#[test]
fn a_retry_wants_budget() {
    let bench = Bench::new([answer(503, ""), answer(503, "")]);
    bench.budget.set(Budget { tokens: 2, window: Duration::from_secs(600) });
    assert!(unanswered(bench.get(PLAIN)).is_some());
    assert_eq!(bench.requests(), 2);
}

#[test]
fn a_second_is_enough_for_a_request_and_less_is_not() {
    let bench = Bench::new([granted("1000.new")]);
    bench.gets(within(1_000), "1000.new");
    let bench = Bench::new([]);
    let error = unanswered(bench.get(within(999))).unwrap();
    assert!(error.message().contains("--timeout") && error.retry_after().is_none(), "{error:?}");
    assert_eq!((bench.secrets_read.get(), bench.written_ahead.get()), (0, 0), "it is known before");
}

#[test]
fn a_slow_disk_costs_the_time_that_a_request_needs() {
    let bench = Bench::new([]);
    bench.write_ms.set(3_000);
    assert_eq!(unanswered(bench.get(within(3_999))).unwrap().retry_after(), None);
    assert!(bench.ledger.borrow().requests.is_empty() && bench.ledger.borrow().failure.is_none());
    let bench = Bench::new([granted("1000.new")]);
    bench.write_ms.set(3_000);
    bench.gets(within(4_000), "1000.new");
}

#[test]
fn an_entry_older_than_three_and_a_half_seconds_is_written_anew() {
    for (write_ms, writes, entry_s) in [(3_500, 1, 0), (3_501, 2, 7)] {
        let bench = Bench::new([granted("1000.new")]);
        bench.write_ms.set(write_ms);
        bench.gets(PLAIN, "1000.new");
        assert_eq!((bench.written_ahead.get(), bench.ledger.borrow().requests.len()), (writes, 1));
        let sent_ms = bench.ledger.borrow().requests[0].sent.wall_ms - 1_800_000_000_000;
        assert_eq!(sent_ms / 1000, entry_s);
    }
}

#[test]
fn a_callers_own_short_time_out_is_nobody_elses_failure() {
    let failure = |ask, reply| {
        let bench = Bench::new([reply]);
        assert!(unanswered(bench.get(ask)).is_some());
        bench.ledger.take().failure.is_some()
    };
    assert!(!failure(within(5_000), silence(5_000)));
    assert!(!failure(within(10_000), silence(9_500)));
    assert!(failure(within(10_500), silence(10_000)), "that was a whole request");
    let refused = || {
        (
            5_000,
            Err(HttpFailure {
                sent: false,
                timed_out: false,
                own: false,
                problem: Problem::ConnectionRefused,
            }),
        )
    };
    assert!(failure(within(5_500), refused()), "no lack of time ended it");
    let bench = Bench::new([(4_000, answer(503, "").1), silence(1_750)]);
    assert!(unanswered(bench.get(within(6_000))).is_some());
    assert!(bench.ledger.borrow().failure.is_some(), "the first attempt was not ended by the time-out");
}

#[test]
fn a_remembered_failure_is_not_asked_again_but_by_a_refresh() {
    let bench = Bench::new([granted("1000.new")]);
    bench.note(|ledger, now| ledger.failed(FailureKind::Transient, "connection_refused", "fp", now));
    let error = unanswered(bench.get(PLAIN)).unwrap();
    assert!(error.message().contains("the connection was refused"), "{error:?}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
    assert_eq!(bench.requests(), 0);
    bench.gets(REFRESH, "1000.new");
    assert!(bench.ledger.borrow().failure.is_none());
}

#[test]
fn a_failure_of_the_callers_own_surroundings_is_nobody_elses() {
    let own =
        || HttpFailure { sent: false, timed_out: false, own: true, problem: Problem::UntrustedCertificate };
    let bench = Bench::new([(0, Err(own())), granted("1000.new")]);
    assert_eq!(unanswered(bench.get(PLAIN)).unwrap().retry_after(), None);
    let failures = {
        let ledger = bench.ledger.borrow();
        assert!(ledger.requests.is_empty() && ledger.failure.is_none());
        ledger.failures
    };
    assert_eq!((failures, bench.requests()), (0, 1), "nobody waits for it, and it is not tried again");
    bench.gets(PLAIN, "1000.new");
}

#[test]
fn later_rounds_are_one_attempt() {
    let bench = Bench::new([answer(503, "")]);
    bench.note(|ledger, now| ledger.failed(FailureKind::Transient, "x", "fp", now));
    bench.sleep(Duration::from_secs(2));
    assert!(unanswered(bench.get(PLAIN)).is_some());
    assert_eq!(bench.requests(), 1);
}

#[test]
fn a_holders_failure_is_that_of_all_who_waited() {
    let failed = |bench: &Bench| bench.note(|l, now| l.failed(FailureKind::Refused, "no", "fp", now));
    let bench = Bench::new([]).held_until(500, failed);
    assert!(matches!(bench.get(PLAIN), Err(RefreshError::Refused { .. })));
    let bench = Bench::new([granted("1000.new")]).held_until(500, |_| {});
    bench.note(|l, now| l.failed(FailureKind::Refused, "no", "another secret", now));
    bench.gets(PLAIN, "1000.new");
    let bench = Bench::new([granted("1000.new")]).held_until(500, |bench| {
        bench.note(|ledger, _| ledger.failures += 1);
    });
    bench.gets(PLAIN, "1000.new");
}

#[test]
fn whoever_waits_leaves_with_a_fresh_token_without_the_lock() {
    let served = |bench: &Bench| bench.cache.borrow_mut().token = Some(bench.token("1000.theirs", 3600));
    for ask in [PLAIN, REFRESH] {
        let bench = Bench::new([]).held_until(500, served);
        bench.held_until_ms.set(700_000);
        bench.gets(ask, "1000.theirs");
        assert_eq!(bench.now_ms.get(), 500);
    }
    let bench = Bench::new([]).held_until(700_000, |_| {}).with_token("1000.old", 5);
    assert!(is_busy(bench.get(within(400))));
    assert_eq!(bench.now_ms.get(), 400);
}

#[test]
fn a_refresh_is_served_by_a_token_that_came_meanwhile() {
    let served = |bench: &Bench| bench.cache.borrow_mut().token = Some(bench.token("1000.theirs", 3600));
    let bench = Bench::new([]).with_token("1000.old", 3000).held_until(500, served);
    bench.gets(REFRESH, "1000.theirs");
    let bench = Bench::new([granted("1000.new")]).with_token("1000.old", 3000).held_until(500, |_| {});
    bench.gets(REFRESH, "1000.new");
    let stale = |bench: &Bench| bench.cache.borrow_mut().token = Some(bench.token("1000.theirs", 20));
    let bench = Bench::new([granted("1000.new")]).with_token("1000.old", 3000).held_until(500, stale);
    bench.gets(REFRESH, "1000.new");
    let bench = Bench::new([granted("1000.new")]).with_token("1000.old", 3000).held_until(500, served);
    bench.known_at_start.set(true);
    bench.gets(REFRESH, "1000.new");
    let bench = Bench::new([]).held_until(500, served);
    bench.known_at_start.set(true);
    bench.gets(PLAIN, "1000.theirs");
}

/// Without a descriptor the cache cannot be read. The old token must not count as a new one later.
#[test]
fn a_cache_that_cannot_be_read_once_is_not_empty() {
    let bench = Bench::new([]).with_token("1000.old", 3000);
    bench.cache_unreadable.set(true);
    assert!(bench.get(REFRESH).is_err_and(|error| Error::from(error) == broken("read")));
    let bench = Bench::new([]).with_token("1000.old", 3000);
    bench.cache_unreadable.set(true);
    bench.gets(PLAIN, "1000.old");
    bench.cache_unreadable.set(true);
    assert!(bench.rejects("1000.old").is_err_and(|error| error == broken("read")));
}

#[test]
fn a_wait_is_reported_once_after_a_second_and_when_it_is_over() {
    let bench = Bench::new([granted("1000.new")]).held_until(2_000, |_| {});
    bench.gets(PLAIN, "1000.new");
    let holder = Some(Holder { pid: 7, since_ms: 0 });
    assert_eq!(*bench.waits.borrow(), [(1_000, WaitEvent::For(holder)), (2_000, WaitEvent::Over)]);
    let bench = Bench::new([granted("1000.new")]).held_until(900, |_| {});
    bench.gets(PLAIN, "1000.new");
    assert!(bench.waits.borrow().is_empty());
}

#[test]
fn an_early_attempt_is_made_once_and_not_waited_for() {
    let bench = Bench::new([granted("1000.new")]).with_token("1000.old", 200);
    bench.gets(PLAIN, "1000.new");
    assert_eq!(*bench.sent.borrow(), [(0, 4_500)]);
    let bench = Bench::new([answer(503, ""), granted("1000.new")]).with_token("1000.old", 200);
    assert!(bench.gets(PLAIN, "1000.old").warning.is_none());
    assert!(bench.ledger.borrow().early_failed.is_some() && bench.ledger.borrow().failure.is_none());
    bench.sleep(Duration::from_secs(59));
    bench.gets(PLAIN, "1000.old");
    assert_eq!(bench.requests(), 1);
    bench.sleep(Duration::from_secs(2));
    bench.gets(PLAIN, "1000.new");
    let bench = Bench::new([]).with_token("1000.old", 200).held_until(100, |_| {});
    assert!(bench.gets(PLAIN, "1000.old").warning.is_none());
    assert_eq!(bench.now_ms.get(), 0);
}

#[test]
fn an_early_attempt_is_not_made_after_one_that_has_just_failed() {
    let failed = |bench: &Bench| bench.note(|ledger, now| ledger.early_failed = Some(now.clone()));
    let bench = Bench::new([]).with_token("1000.old", 200).held_until(0, failed);
    bench.gets(PLAIN, "1000.old");
    assert_eq!(bench.requests(), 0);
    let bench = Bench::new([granted("1000.new")]);
    failed(&bench);
    bench.gets(PLAIN, "1000.new");
}

/// Regression: every call in the last minutes of a token tried again and waited for a slow shared store.
#[test]
fn a_reservation_that_fails_ahead_of_expiry_bars_the_next() {
    let bench = Bench::new([]).with_token("1000.old", 200);
    bench.reservation_fails.set(true);
    for _ in 0..3 {
        assert!(bench.gets(PLAIN, "1000.old").warning.is_none());
    }
    assert_eq!(bench.written_ahead.get(), 1);
}

/// Regression: every call in the last minutes of a token took the lock, and the lease of a shared store, to find a cooldown
/// or half of the budget used up.
#[test]
fn an_early_attempt_takes_no_lock_if_the_ledger_on_disk_forbids_it() {
    let throttled =
        |ledger: &mut Ledger, now: &Timestamp| ledger.cool_down(now, Duration::from_secs(600), now);
    let spent = |ledger: &mut Ledger, now: &Timestamp| {
        (0..5).for_each(|_| ledger.reserve(now, &Budget::default()));
    };
    for forbid in [throttled as fn(&mut Ledger, &Timestamp), spent] {
        let bench = Bench::new([]).with_token("1000.old", 200);
        bench.note(forbid);
        bench.lock_fails.set(true);
        bench.gets(PLAIN, "1000.old");
        assert_eq!(bench.early_noted.get(), 0);
    }
}

#[test]
fn an_early_attempt_is_served_by_what_came_meanwhile() {
    let served = |bench: &Bench| bench.cache.borrow_mut().token = Some(bench.token("1000.theirs", 3600));
    let bench = Bench::new([]).with_token("1000.old", 200).held_until(0, served);
    bench.gets(PLAIN, "1000.theirs");
}

#[test]
fn a_final_answer_to_an_early_attempt_bars_the_next() {
    let throttle = || answer(429, "");
    let bench = Bench::new([throttle()]).with_token("1000.old", 200);
    bench.gets(PLAIN, "1000.old");
    assert!(bench.ledger.borrow().early_failed.is_some());
    let bench = Bench::new([throttle()]);
    assert!(matches!(bench.get(PLAIN), Err(RefreshError::CoolingDown { .. })));
    assert!(bench.ledger.borrow().early_failed.is_none());
    let bench = Bench::new([granted("1000.new")]).with_token("1000.old", 200);
    bench.gets(PLAIN, "1000.new");
    assert!(bench.ledger.borrow().early_failed.is_none());
}

/// Regression: the time that the server took to answer was subtracted from its `Retry-After`.
#[test]
fn a_retry_after_counts_from_the_answer_and_the_usual_cooldown_from_the_request() {
    for (retry_after, left_s) in [(Some("60"), 60), (None, 591)] {
        let (_, throttle) = answer(429, "");
        let throttle = throttle.map(|it| HttpAnswer { retry_after: retry_after.map(Into::into), ..it });
        let bench = Bench::new([(9_000, throttle)]);
        let Err(RefreshError::CoolingDown { retry_after: left }) = bench.get(PLAIN) else { panic!() };
        assert_eq!(left, Duration::from_secs(left_s), "{retry_after:?}");
    }
}

#[test]
fn a_lock_that_cannot_be_had_is_noted_by_early_attempts_only() {
    let bench = Bench::new([]).with_token("1000.old", 200);
    bench.lock_fails.set(true);
    assert!(bench.gets(PLAIN, "1000.old").warning.is_none());
    assert_eq!(bench.early_noted.get(), 1);
    let bench = Bench::new([]);
    bench.lock_fails.set(true);
    assert!(bench.get(PLAIN).is_err_and(|error| Error::from(error) == broken("lock")));
    assert_eq!(bench.early_noted.get(), 0);
}

#[test]
fn a_valid_token_is_printed_with_a_warning_when_no_new_one_can_be_obtained() {
    let down = || [answer(503, ""), answer(503, ""), answer(503, "")];
    let bench = Bench::new(down()).with_token("1000.old", 30);
    assert!(bench.gets(PLAIN, "1000.old").warning.unwrap().contains("503"));
    let explicit = |s| TokenRequest { min_ttl: MinTtl::Explicit(Duration::from_secs(s)), ..PLAIN };
    let bench = Bench::new(down()).with_token("1000.old", 30);
    assert!(unanswered(bench.get(explicit(40))).is_some());
    let bench = Bench::new(down()).with_token("1000.old", 30);
    assert!(unanswered(bench.get(REFRESH)).is_some());
    let bench = Bench::new([answer(200, r#"{"error":"invalid_code"}"#)]).with_token("1000.old", 30);
    assert!(matches!(bench.get(PLAIN), Err(RefreshError::Refused { .. })));
}

/// Regression: without its secrets, a caller did not get the valid token that was cached.
#[test]
fn a_valid_token_is_printed_even_if_the_secrets_are_gone() {
    let bench = Bench::new([]).with_token("1000.old", 30);
    bench.secrets_missing.set(true);
    assert!(bench.gets(PLAIN, "1000.old").warning.is_some());
    bench.sleep(Duration::from_secs(30));
    assert!(bench.get(PLAIN).is_err_and(|error| Error::from(error).code() == Code::LoginRequired));
}

#[test]
fn offline_hands_out_what_lives_and_says_so() {
    let offline = TokenRequest { offline: true, ..PLAIN };
    let bench = Bench::new([]).with_token("1000.old", 30);
    assert!(bench.gets(offline, "1000.old").warning.is_some());
    let bench = Bench::new([]).with_token("1000.old", 200);
    assert!(bench.gets(offline, "1000.old").warning.is_none());
    let bench = Bench::new([]).with_token("1000.old", 9);
    assert!(matches!(bench.get(offline), Err(RefreshError::Offline)));
    let bench = Bench::new([]).with_token("1000.old", 3000);
    assert!(matches!(bench.get(TokenRequest { refresh: true, ..offline }), Err(RefreshError::Offline)));
}

#[test]
fn budget_is_waited_for_as_long_as_was_asked_for() {
    let wait = |s| TokenRequest { wait: Duration::from_secs(s), timeout: Duration::from_secs(700), ..PLAIN };
    let cooling = || {
        let bench = Bench::new([granted("1000.new")]);
        bench.note(|ledger, now| ledger.cool_down(now, Duration::from_secs(60), now));
        bench
    };
    let bench = cooling();
    bench.gets(wait(60), "1000.new");
    assert_eq!(bench.sent.borrow()[0].0, 60_000);
    let bench = cooling();
    assert!(matches!(bench.get(wait(59)), Err(RefreshError::CoolingDown { .. })));
    assert_eq!((bench.now_ms.get(), bench.requests()), (0, 0));
}

#[test]
fn a_refresh_that_a_reject_made_necessary_waits_for_its_share() {
    let rejected = || {
        let bench = Bench::new([granted("1000.new")]);
        bench.cache.borrow_mut().rejected = true;
        bench.note(|ledger, now| (0..4).for_each(|_| ledger.rejected(now, Duration::from_secs(600))));
        bench
    };
    assert!(matches!(rejected().get(PLAIN), Err(RefreshError::TooManyRejects { .. })));
    rejected().gets(REFRESH, "1000.new");
    let bench = rejected();
    bench.cache.borrow_mut().rejected = false;
    bench.gets(PLAIN, "1000.new");
}

#[test]
fn a_login_meanwhile_is_followed() {
    let login = |bench: &Bench| *bench.login.borrow_mut() = "1000.other".into();
    let bench = Bench::new([granted("1000.new")]).held_until(500, login);
    bench.gets(PLAIN, "1000.new");
    assert_eq!((bench.requests(), bench.secrets_read.get()), (1, 1), "the lock first, then the secret");
}

#[test]
fn a_lost_lease_is_taken_again_while_there_is_time() {
    let bench = Bench::new([granted("1000.new")]);
    bench.lease_lost.set(1);
    bench.gets(PLAIN, "1000.new");
    assert_eq!(bench.written_ahead.get(), 2);
    let bench = Bench::new([]);
    bench.lease_lost.set(1);
    bench.write_ms.set(30_000);
    assert!(matches!(bench.get(PLAIN), Err(RefreshError::LeaseLost)));
    let bench = Bench::new([]);
    bench.lease_lost.set(u32::MAX);
    assert!(matches!(bench.get(PLAIN), Err(RefreshError::LeaseLost)));
}

#[test]
fn a_token_that_cannot_be_kept_is_handed_out_with_the_reason() {
    let bench = Bench::new([granted("1000.new")]);
    bench.commit_fails.set(true);
    let warning = bench.gets(PLAIN, "1000.new").warning.unwrap();
    assert!(warning.contains("could not be kept") && warning.contains("the disk is full"), "{warning}");
}

#[test]
fn the_first_reject_drops_the_token_and_the_second_is_verified() {
    let bench = Bench::new([answer(401, r#"{"cause":"INVALID_OAUTHTOKEN"}"#)]).with_token("1000.old", 3000);
    assert_eq!(bench.rejects("1000.other").unwrap(), Rejected::NotCached);
    assert_eq!(bench.rejects("1000.old").unwrap(), Rejected::Dropped);
    assert!(bench.asked_about.borrow().is_empty());
    assert!(bench.cache.borrow().token.is_none() && bench.cache.borrow().rejected);
    let bench = bench.with_token("1000.next", 3000);
    bench.cache.borrow_mut().rejected = false;
    assert_eq!(bench.rejects("1000.next").unwrap(), Rejected::Dropped);
    assert_eq!(*bench.asked_about.borrow(), ["Zoho-oauthtoken 1000.next"]);
    assert!(bench.cache.borrow().token.is_none() && bench.cache.borrow().rejected);
    assert_eq!(bench.ledger.borrow().rejects.len(), 2);
}

#[test]
fn a_reject_waits_for_the_lock_and_looks_again() {
    let bench = Bench::new([]).with_token("1000.old", 3000).held_until(1_900, |bench| {
        bench.cache.borrow_mut().token = Some(bench.token("1000.theirs", 3600));
    });
    assert_eq!(bench.rejects("1000.old").unwrap(), Rejected::NotCached);
    assert_eq!(bench.now_ms.get(), 1_900);
    let bench = Bench::new([]).with_token("1000.old", 3000).held_until(9_000, |_| {});
    assert!(is_busy(bench.rejects("1000.old")));
    assert_eq!(bench.now_ms.get(), 2_000);
}
