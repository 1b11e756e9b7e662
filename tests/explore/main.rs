//! The refresh protocol under a scheduler of our own: virtual processes, virtual time, and a seed for every schedule.
//!
//! `cargo test --test explore` explores as many schedules as CI wants; `EXPLORE_SCHEDULES=1000000` as many as that,
//! from `EXPLORE_FROM` on; `EXPLORE_ALL=1` does not stop at the first fault. `EXPLORE_SEED=7` replays one and prints every port call of it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::print_stdout, reason = "figures and traces are what a run is for")]

mod disk;
mod errands;
mod lease;
mod network;
mod plan;
mod process;
mod rng;
mod schedule;
mod server;
mod step;
mod world;

use process::Mutant;
use schedule::Report;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Tally, Violation};

/// Schedules of one test run, unless `EXPLORE_SCHEDULES` says otherwise.
const SCHEDULES: u64 = 100_000;
/// A mutant must be found within this many.
const PATIENCE: u64 = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs schedules `from..from + count` on all processors until `stop` says so of a report.
fn explore(
    from: u64,
    count: u64,
    mutant: Mutant,
    stop: impl Fn(&Report) -> bool + Sync,
) -> (Tally, Vec<Report>) {
    let next = AtomicU64::new(from);
    let end = from + count;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let (mut tally, mut found, mut stacks) = (Tally::default(), Vec::new(), Vec::new());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return (tally, found);
            }
            let report = schedule::run(seed, mutant, false, &mut stacks);
            tally.add(&report.tally);
            if !report.violations.is_empty() {
                if stop(&report) {
                    next.store(end, Ordering::Relaxed);
                }
                found.push(report);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = (Tally::default(), Vec::new());
        for thread in threads {
            let (tally, found) = thread.join().unwrap();
            all.0.add(&tally);
            all.1.extend(found);
        }
        all
    })
}

#[test]
fn no_schedule_breaks_a_promise() {
    if let Some(seed) = number("EXPLORE_SEED") {
        let report = schedule::run(seed, Mutant::None, true, &mut Vec::new());
        println!("{}", report.trace.join("\n"));
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
        return;
    }
    let count = number("EXPLORE_SCHEDULES").unwrap_or(SCHEDULES);
    let all = number("EXPLORE_ALL").is_some();
    let (tally, mut found) = explore(number("EXPLORE_FROM").unwrap_or(1), count, Mutant::None, |_| !all);
    println!("{tally:#?}");
    found.sort_by_key(|report| report.seed);
    found.iter().skip(1).for_each(|report| println!("{}: {:?}", report.seed, report.violations));
    if let Some(report) = found.first() {
        panic!("replay with EXPLORE_SEED={}: {:?}", report.seed, report.violations);
    }
    assert_eq!(tally.schedules, count);
    assert!(tally.tokens > count && tally.errors > count && tally.requests > count, "{tally:?}");
}

/// The exploration finds this kind of fault in the mutant, and says so with a seed that shows it again.
fn bites(mutant: Mutant, kind: Violation) {
    let is_it = |report: &Report| report.violations.contains_key(&kind);
    let (tally, found) = explore(1, PATIENCE, mutant, is_it);
    let report = found.iter().find(|report| is_it(report));
    let report = report.unwrap_or_else(|| panic!("{mutant:?} was not found: {tally:?}"));
    println!("{mutant:?} was found after {} schedules: {:?}", tally.schedules, report.violations);
    let again = schedule::run(report.seed, mutant, true, &mut Vec::new());
    assert_eq!(again.violations, report.violations, "the seed does not replay it");
    assert!(again.trace.iter().any(|line| line.contains("VIOLATION")));
}

#[test]
fn without_the_second_read_it_asks_needlessly() {
    bites(Mutant::NoSecondRead, Violation::Needless);
}

#[test]
fn with_a_state_that_is_believed_it_serves_another_ones_token() {
    bites(Mutant::StaleState, Violation::DeadToken);
}

#[test]
fn without_the_write_ahead_it_exceeds_the_budget() {
    bites(Mutant::NoWriteAhead, Violation::Budget);
}

#[test]
fn without_the_ledger_it_exceeds_the_budget() {
    bites(Mutant::NoLedger, Violation::Budget);
}

#[test]
fn without_the_record_it_asks_while_cooling_down() {
    bites(Mutant::NoRecord, Violation::Throttled);
}

#[test]
fn without_the_lock_two_are_in_flight() {
    bites(Mutant::NoLock, Violation::TwoInFlight);
}

#[test]
fn with_a_lock_that_is_broken_two_are_in_flight() {
    bites(Mutant::BrokenLock, Violation::TwoInFlight);
}

#[test]
fn by_the_wall_clock_it_exceeds_the_budget() {
    bites(Mutant::WallClock, Violation::Budget);
}

#[test]
fn without_the_credential_read_again_it_asks_in_anothers_name() {
    bites(Mutant::NoCredentialCheck, Violation::NotWrittenAhead);
}
