//! The machine sleeps during a refresh. Each test reproduces a bug that tests/explore found.

use crate::harness::{Test, files_below};
use crate::in_process::{HookedClock, ManualClock, run, run_on, system};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use zoho_cred::problem::Problem;
use zoho_cred::system::{Http, HttpAnswer, HttpFailure, HttpRequest, Https, OpenHttp, System};

const HOUR: Duration = Duration::from_secs(3600);

/// A network whose machine sleeps before a request is sent and after it is answered.
struct Sleepy {
    inner: Https,
    clock: Rc<ManualClock>,
    before: Duration,
    after: Duration,
    loses: bool,
}

impl Http for Sleepy {
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure> {
        self.clock.advance(self.before);
        let answer = self.inner.send(request);
        self.clock.advance(self.after);
        let lost = HttpFailure { sent: true, timed_out: true, own: false, problem: Problem::ResponseTimeout };
        if self.loses { Err(lost) } else { answer }
    }
}

/// A system on this clock, whose machine sleeps this long before a request is sent and after it is answered.
fn sleepy(clock: &Rc<ManualClock>, before: Duration, after: Duration, loses: bool) -> System {
    let inner = Rc::clone(clock);
    let http: OpenHttp = Box::new(move |roots| {
        let clock = Rc::clone(&inner);
        Box::new(Sleepy { inner: Https::new(roots), clock, before, after, loses })
    });
    System { http, ..system(clock) }
}

#[test]
fn an_answer_read_after_a_sleep_is_not_printed() {
    let (test, clock) = (Test::new(), ManualClock::new());
    run_on(&test, sleepy(&clock, Duration::ZERO, HOUR * 2, false), "get").failed(69, "unavailable");
    assert!(!run(&test, &clock, "get").ok().is_empty());
}

#[test]
fn a_token_that_expired_during_an_early_attempt_is_not_printed() {
    let (test, clock) = (Test::new(), ManualClock::new());
    let token = run(&test, &clock, "get");
    clock.advance(HOUR - Duration::from_secs(200));
    let outcome = run_on(&test, sleepy(&clock, HOUR, Duration::ZERO, true), "get");
    outcome.failed(69, "unavailable").hides(&[token.ok()]);
}

#[test]
fn a_request_that_was_sent_after_a_sleep_counts_from_then() {
    let (test, clock) = (Test::new(), ManualClock::new());
    run_on(&test, sleepy(&clock, HOUR, Duration::ZERO, true), "get");
    assert_eq!(test.sandbox.token_requests(), 1);
    let status = run(&test, &clock, "status -o json").json();
    assert_eq!(status["budget"]["used"], 1, "{status}");
}

#[test]
fn the_eleventh_request_after_a_sleep_is_not_sent() {
    let (test, clock) = (Test::new(), ManualClock::new());
    run_on(&test, sleepy(&clock, HOUR * 2, Duration::ZERO, false), "get");
    for _ in 0..9 {
        run(&test, &clock, "get --refresh").ok();
    }
    run(&test, &clock, "get --refresh").exits(75);
    let counts = test.sandbox.counts();
    assert_eq!((counts.token_requests, counts.throttled), (10, 0));
}

#[test]
fn a_machine_that_sleeps_between_commit_and_output_prints_no_dead_token() {
    let mut test = Test::new();
    test.sandbox.set_limits(|limits| limits.budget = 1_000).unwrap();
    for at in 0.. {
        let state = test.dir.path().join(format!("state{at}"));
        test.set("ZOHO_CRED_STATE_DIR", state.to_str().unwrap());
        // The machine sleeps for two hours when its clock is read for the nth time, counted from zero.
        let (inner, looks) = (ManualClock::new(), Rc::new(Cell::new(0)));
        let (sleeper, counter) = (Rc::clone(&inner), Rc::clone(&looks));
        let on_read = move || {
            if counter.replace(counter.get() + 1) == at {
                sleeper.advance(HOUR * 2);
            }
        };
        let clock = Rc::new(HookedClock { inner, on_read: Box::new(on_read), on_sleep: Box::new(|_| {}) });
        let outcome = run(&test, &clock, "get -o json");
        if outcome.code == 0 {
            assert!(outcome.json()["expires_in"].as_i64().unwrap() > 0, "{at}: {outcome:?}");
        } else {
            outcome.failed(69, "unavailable");
        }
        if looks.get() <= at {
            assert!(at > 10, "the clock was looked at {at} times only");
            return;
        }
    }
}

/// The disk takes five seconds for every write of a ledger.
#[test]
fn a_disk_that_takes_seconds_for_a_write_does_not_use_up_the_call() {
    let (test, inner) = (Test::new(), ManualClock::new());
    let (ledgers, seen, slow) = (test.state().join("ledgers"), RefCell::default(), Rc::clone(&inner));
    let on_read = move || {
        let now: Vec<_> = files_below(&ledgers).iter().filter_map(|path| std::fs::read(path).ok()).collect();
        if *seen.borrow() != now {
            slow.advance(Duration::from_secs(5));
            *seen.borrow_mut() = now;
        }
    };
    let clock = Rc::new(HookedClock { inner, on_read: Box::new(on_read), on_sleep: Box::new(|_| {}) });
    assert!(!run(&test, &clock, "get").ok().is_empty());
    assert_eq!(test.sandbox.token_requests(), 1);
}
