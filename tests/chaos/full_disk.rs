//! A disk that becomes full at each write of a refresh.

use crate::harness::{Outcome, Test, Tmpfs};
use std::time::Duration;

/// Asserts that a call prints the token, or fails clearly without a request, and succeeds once there is space again.
fn either(test: &Test, disk: &Tmpfs, outcome: &Outcome, space: &str) -> bool {
    let fits = outcome.code == 0;
    match fits {
        true => assert!(outcome.ok().starts_with("1000."), "{outcome:?}"),
        false => {
            outcome.failed(74, "store");
            outcome.says("hint: ");
            assert_eq!(test.sandbox.token_requests(), 0, "a request that could not be noted was sent");
        }
    }
    disk.remount(space);
    test.get().ok();
    assert_eq!(test.sandbox.token_requests(), 1);
    fits
}

#[test]
fn a_disk_full_at_every_write_costs_no_request_and_no_token() {
    let mut fitting = Vec::new();
    for (count, unit) in (1..=20).map(|n| (n, "blocks")).chain((1..=14).map(|n| (n, "inodes"))) {
        let test = Test::new();
        let state = test.state();
        let options = format!("nr_{unit}={count},mode=700");
        let Some(disk) = Tmpfs::mount(&state, &options) else { return };
        fitting.push(either(&test, &disk, &test.get(), &format!("nr_{unit}=1000")));
    }
    assert!(fitting.contains(&true) && fitting.iter().filter(|fits| !**fits).count() > 6, "{fitting:?}");
}

#[test]
fn a_disk_that_fills_up_during_the_request_takes_the_answer_all_the_same() {
    let test = Test::new();
    let state = test.state();
    let Some(_disk) = Tmpfs::mount(&state, "size=128k,mode=700") else { return };
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(1)).unwrap();
    let running = test.start_request("get");
    std::fs::write(state.join("filler"), vec![0; 1 << 20]).unwrap_err();
    let outcome = running.wait();
    let token = outcome.ok();
    assert_eq!(outcome.stderr, "");
    assert_eq!(test.get().ok(), token, "the answer was kept although the disk was full");
    assert_eq!(test.sandbox.token_requests(), 1);
}
