//! Explores the refresh protocol with virtual processes and virtual time. A seed decides each schedule.
//!
//! `cargo test --test explore` runs as many schedules as CI. `EXPLORE_SCHEDULES=1000000` runs that many, from
//! `EXPLORE_FROM` on. `EXPLORE_ALL=1` continues after a violation. `EXPLORE_SEED=7` replays one schedule and prints
//! every port call.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::print_stdout, reason = "figures and traces are what a run is for")]

mod disk;
mod errands;
mod fleet;
mod network;
mod plan;
mod process;
mod rng;
mod schedule;
mod scripts;
mod server;
mod step;
mod time;
mod world;

use plan::Plan;
use process::Mutant;
use rng::Rng;
use schedule::Report;
use std::sync::atomic::{AtomicU64, Ordering};
use world::{Tally, Violation};

/// Schedules per test run, unless `EXPLORE_SCHEDULES` is set.
const SCHEDULES: u64 = 100_000;
/// Schedules of fleets, which use real files.
const FLEET_SCHEDULES: u64 = 1_000;
/// A mutant must be found within this many schedules.
const PATIENCE: u64 = 20_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs schedules `from..from + count` on all processors until `stop` is true for a report.
fn explore(
    (from, count): (u64, u64),
    draw: fn(&Rng) -> Plan,
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
            let report = schedule::run(seed, draw, mutant, false, &mut stacks);
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
    none_breaks_a_promise(Plan::draw, SCHEDULES);
}

#[test]
fn no_schedule_of_a_fleet_breaks_a_promise() {
    none_breaks_a_promise(Plan::fleet, FLEET_SCHEDULES);
}

fn none_breaks_a_promise(draw: fn(&Rng) -> Plan, count: u64) {
    if let Some(seed) = number("EXPLORE_SEED") {
        let report = schedule::run(seed, draw, Mutant::None, true, &mut Vec::new());
        println!("{}", report.trace.join("\n"));
        assert!(report.violations.is_empty(), "seed {seed}: {:?}", report.violations);
        return;
    }
    let count = number("EXPLORE_SCHEDULES").unwrap_or(count);
    let all = number("EXPLORE_ALL").is_some();
    let (tally, mut found) =
        explore((number("EXPLORE_FROM").unwrap_or(1), count), draw, Mutant::None, |_| !all);
    println!("{tally:#?}");
    found.sort_by_key(|report| report.seed);
    found.iter().skip(1).for_each(|report| println!("{}: {:?}", report.seed, report.violations));
    if let Some(report) = found.first() {
        panic!("replay with EXPLORE_SEED={}: {:?}", report.seed, report.violations);
    }
    assert_eq!(tally.schedules, count);
    assert!(tally.tokens > count && tally.errors > count && tally.requests > count, "{tally:?}");
}

/// Checks that the exploration finds this violation in the mutant, and that the seed reproduces it. The search starts at
/// a seed that is known to find it early, as long as the protocol does not change.
fn bites(draw: fn(&Rng) -> Plan, from: u64, mutant: Mutant, kind: Violation) {
    let is_it = |report: &Report| report.violations.contains_key(&kind);
    let (tally, found) = explore((from, PATIENCE), draw, mutant, is_it);
    let report = found.iter().find(|report| is_it(report));
    let report = report.unwrap_or_else(|| panic!("{mutant:?} was not found: {tally:?}"));
    println!("{mutant:?} was found by {} after {}: {:?}", report.seed, tally.schedules, report.violations);
    let again = schedule::run(report.seed, draw, mutant, true, &mut Vec::new());
    assert_eq!(again.violations, report.violations, "the seed does not replay it");
    assert!(again.trace.iter().any(|line| line.contains("VIOLATION")));
}

macro_rules! mutants {
    ($($name:ident: $draw:ident $from:literal, $mutant:ident, $kind:ident;)+) => {
        $(#[test]
        fn $name() {
            bites(Plan::$draw, $from, Mutant::$mutant, Violation::$kind);
        })+
    };
}

mutants! {
    without_the_second_read_it_asks_needlessly: draw 1, NoSecondRead, Needless;
    with_a_state_that_is_believed_it_serves_another_ones_token: draw 1, StaleState, DeadToken;
    without_the_write_ahead_it_exceeds_the_budget: draw 1, NoWriteAhead, Budget;
    without_the_ledger_it_exceeds_the_budget: draw 1, NoLedger, Budget;
    without_the_ledger_of_the_old_refresh_token_it_exceeds_the_budget: draw 1, NewLedger, Budget;
    without_the_record_it_asks_while_cooling_down: draw 1, NoRecord, Throttled;
    without_the_lock_two_are_in_flight: draw 1, NoLock, TwoInFlight;
    with_a_lock_that_is_broken_two_are_in_flight: draw 1, BrokenLock, TwoInFlight;
    by_the_wall_clock_it_exceeds_the_budget: draw 1, WallClock, Budget;
    without_the_credential_read_again_it_asks_in_anothers_name: draw 1, NoCredentialCheck, NotWrittenAhead;
    without_the_shared_ledger_a_fleet_exceeds_the_budget: fleet 1, NoSharedLedger, Budget;
    without_the_revision_a_fleet_exceeds_the_budget: fleet 160, NoRevision, Budget;
}
