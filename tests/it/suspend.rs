//! The machine sleeps during a refresh. Each test reproduces a bug that tests/explore found.

use crate::harness::{Test, files_below};
use crate::in_process::{HookedClock, ManualClock, run, run_over};
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
        match self.loses {
            true => Err(HttpFailure {
                sent: true,
                timed_out: true,
                own: false,
                problem: Problem::ResponseTimeout,
            }),
            false => answer,
        }
    }
}

fn sleepy(clock: &Rc<ManualClock>, before: Duration, after: Duration, loses: bool) -> OpenHttp {
    let clock = Rc::clone(clock);
    Box::new(move |roots| {
        Ok(Box::new(Sleepy { inner: Https::new(roots)?, clock: Rc::clone(&clock), before, after, loses }))
    })
}

#[test]
fn an_answer_read_after_a_sleep_is_not_printed() {
    let (test, clock) = (Test::new(), ManualClock::new());
    let (code, out, err) = run_over(&test, &clock, sleepy(&clock, Duration::ZERO, HOUR * 2, false), &["get"]);
    assert_eq!((code, out.as_str()), (69, ""), "{err}");
    let (code, out, err) = run(&test, &clock, &["get"]);
    assert_eq!((code, out.is_empty()), (0, false), "{err}");
}

#[test]
fn a_token_that_expired_during_an_early_attempt_is_not_printed() {
    let (test, clock) = (Test::new(), ManualClock::new());
    let (_, token, _) = run(&test, &clock, &["get"]);
    clock.advance(HOUR - Duration::from_secs(200));
    let (code, out, err) = run_over(&test, &clock, sleepy(&clock, HOUR, Duration::ZERO, true), &["get"]);
    assert_eq!((code, out.as_str()), (69, ""), "{err}");
    assert!(!err.contains(token.trim_end()));
}

#[test]
fn a_request_that_was_sent_after_a_sleep_counts_from_then() {
    let (test, clock) = (Test::new(), ManualClock::new());
    run_over(&test, &clock, sleepy(&clock, HOUR, Duration::ZERO, true), &["get"]);
    assert_eq!(test.sandbox.token_requests(), 1);
    let (_, status, _) = run(&test, &clock, &["status", "-o", "json"]);
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["budget"]["used"], 1, "{status}");
}

#[test]
fn the_eleventh_request_after_a_sleep_is_not_sent() {
    let (test, clock) = (Test::new(), ManualClock::new());
    run_over(&test, &clock, sleepy(&clock, HOUR * 2, Duration::ZERO, false), &["get"]);
    for _ in 0..9 {
        assert_eq!(run(&test, &clock, &["get", "--refresh"]).0, 0);
    }
    assert_eq!(run(&test, &clock, &["get", "--refresh"]).0, 75);
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
        let (code, out, err) = run_over(&test, &clock, System::real().http, &["get", "-o", "json"]);
        if code == 0 {
            let printed: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert!(printed["expires_in"].as_i64().unwrap() > 0, "{at}: {out}");
        }
        assert!(code == 0 || (code == 69 && out.is_empty()), "{at}: {code} {err}");
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
    let (code, token, err) = run_over(&test, &clock, System::real().http, &["get"]);
    assert_eq!((code, token.is_empty()), (0, false), "{err}");
    assert_eq!(test.sandbox.token_requests(), 1);
}
