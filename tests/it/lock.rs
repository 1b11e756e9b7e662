//! The process that holds the lock dies or is stopped.

use crate::harness::{Test, files_below, until};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind};

fn hang_once(test: &Test) {
    test.sandbox.set_fault(Fault::new(Endpoint::Token, FaultKind::Hang).times(1));
}

#[test]
fn a_killed_holder_is_replaced_at_once() {
    let test = Test::new();
    hang_once(&test);
    let holder = test.start_request("get");
    let waiting = test.call("get").start();
    holder.kill();
    let outcome = waiting.wait();
    outcome.ok();
    outcome.within(Duration::from_secs(5));
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_stopped_holder_makes_others_busy_and_then_finishes() {
    let test = Test::new();
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(2)).unwrap();
    let mut holder = test.start_request("get");
    holder.signal("STOP");
    for outcome in test.run_many(5, "get --timeout 2s") {
        outcome.failed_with(75, "busy", &format!("process {}", holder.pid()));
    }
    let lock = test.json("status")["lock"].take();
    assert_eq!((&lock["held"], &lock["pid"]), (&true.into(), &holder.pid().into()));
    assert!(holder.is_running());
    holder.signal("CONT");
    holder.wait().ok();
    assert_eq!(test.sandbox.token_requests(), 1);
    test.get().ok();
}

/// Cleanup tools delete lock files even while they are held.
#[test]
fn lock_files_that_are_deleted_while_held_cost_no_request_beyond_the_budget() {
    let test = Test::new();
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_millis(150)).unwrap();
    let (locks, stop) = (test.state().join("locks"), Arc::new(AtomicBool::new(false)));
    let cleaner = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let mut deleted = 0;
            while !stop.load(Ordering::Relaxed) {
                let files = files_below(&locks);
                deleted += files.iter().filter(|file| std::fs::remove_file(file).is_ok()).count();
                std::thread::sleep(Duration::from_millis(15));
            }
            deleted
        }
    });
    let outcomes: Vec<_> = (0..4).flat_map(|_| test.run_many(12, "get --refresh")).collect();
    stop.store(true, Ordering::Relaxed);
    assert!(cleaner.join().unwrap() > 0);
    let counts = test.sandbox.counts();
    assert!((1..=10).contains(&counts.token_requests) && counts.throttled == 0, "{counts:?}");
    assert!(outcomes.iter().all(|outcome| [0, 75].contains(&outcome.code)), "{outcomes:?}");
}

/// A thousand waiting callers use little CPU: they check whether the cache changed, without reading it.
#[test]
#[cfg(target_os = "linux")]
fn a_waiting_caller_reads_no_file_and_looks_ever_less_often() {
    let test = Test::new();
    hang_once(&test);
    let holder = test.start_request("get");
    let waiting = test.call("get --timeout 60s").start();
    let counted = |file: &str, key: &str| -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", waiting.pid())).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim().parse().unwrap()
    };
    let naps = || counted("status", "voluntary_ctxt_switches:");
    let reads = || counted("io", "syscr:");
    until("thirty looks", || naps() > 30);
    let (napped, read, begun) = (naps(), reads(), Instant::now());
    until("twenty more", || naps() >= napped + 20);
    assert_eq!(reads(), read);
    assert!(begun.elapsed() > Duration::from_millis(1_800), "{:?}", begun.elapsed());
    holder.kill();
    waiting.wait().ok();
}

#[test]
fn a_caller_with_a_valid_token_does_not_wait_for_a_stopped_holder() {
    let test = Test::new();
    let token = test.token();
    test.age_token(3560);
    hang_once(&test);
    let holder = test.start_request("get");
    holder.signal("STOP");
    assert_eq!(test.run("get --timeout 2s").warned("another process held the lock"), token);
    holder.kill();
}
