//! Somebody moves the clock.

use crate::harness::{Test, have, move_clock};

fn at(test: &Test, offset: &str, args: &[&str]) -> crate::harness::Outcome {
    let mut command = test.command(args.iter().copied());
    assert!(move_clock(&mut command, offset));
    test.start(command).wait()
}

#[test]
fn a_day_forward_and_back() {
    if !have("faketime") {
        return;
    }
    let test = Test::new();
    let today = test.get().ok().to_owned();
    let tomorrow = at(&test, "+1d", &["get"]).ok().to_owned();
    assert_ne!(tomorrow, today, "a token that the clock calls expired is not served");
    let back = test.get().ok().to_owned();
    assert_ne!(back, tomorrow, "a token from the future is not believed");
    assert_eq!(test.get().ok(), back);
    for _ in 0..20 {
        at(&test, "+1d", &["get", "--refresh"]);
        at(&test, "-1d", &["get", "--refresh"]);
    }
    let counts = test.sandbox.counts();
    assert!(counts.token_requests <= 10 && counts.throttled == 0, "{counts:?}");
}

#[test]
fn a_clock_set_back_serves_no_dead_token() {
    if !have("faketime") {
        return;
    }
    let test = Test::new();
    let token = test.get().ok().to_owned();
    assert_ne!(at(&test, "-2h", &["get"]).ok(), token);
}
