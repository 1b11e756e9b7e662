//! Changes of the system clock.

use crate::harness::{Outcome, Test, have, http_status, move_clock, or_skipped};
use crate::in_process::{ManualClock, run};
use std::time::Duration;
use zoho_cred::sandbox::FaultKind;

fn at(test: &Test, offset: &str, args: &str) -> Outcome {
    let mut command = test.command(args);
    assert!(move_clock(&mut command, offset));
    test.start(command).wait()
}

#[test]
fn a_day_forward_and_back() {
    if !have("faketime") {
        return;
    }
    let test = Test::new();
    let today = test.token();
    let tomorrow = at(&test, "+1d", "get").ok().to_owned();
    assert_ne!(tomorrow, today, "a token that the clock calls expired is not served");
    let back = test.token();
    assert_ne!(back, tomorrow, "a token from the future is not believed");
    assert_eq!(test.get().ok(), back);
    for _ in 0..6 {
        at(&test, "+1d", "get --refresh");
        at(&test, "-1d", "get --refresh");
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
    let token = test.token();
    assert_ne!(at(&test, "-2h", "get").ok(), token);
}

/// In a virtual machine, the boot clock does not count the time of a pause.
#[test]
fn a_remembered_failure_is_over_when_the_wall_clock_says_so_and_a_cool_down_is_not() {
    let throttle = FaultKind::Status { status: 429, body: None, retry_after_s: Some(60) };
    for (fault, code, pause, asked) in [(throttle, 75, 61, 1), (FaultKind::InvalidCode, 77, 31, 2)] {
        let test = Test::new();
        let clock = ManualClock::new();
        test.fault(fault);
        run(&test, &clock, "get").exits(code);
        run(&test, &clock, "get").exits(code);
        assert_eq!(test.sandbox.token_requests(), 1);
        clock.set_by(pause * 1000);
        run(&test, &clock, "get").exits(code);
        assert_eq!(test.sandbox.token_requests(), asked);
    }
}

/// The clock starts in 2000, half an hour behind, or in 2055, and is corrected by another reboot or by setting it.
#[test]
fn a_reboot_with_a_wrong_clock_inside_a_window_allows_no_eleventh_request() {
    const YEAR_MS: i64 = 365 * 86_400_000;
    for wrong_ms in [-27 * YEAR_MS, -30 * 60_000, 28 * YEAR_MS] {
        for is_set_right in [false, true] {
            let (test, clock) = (Test::new(), ManualClock::new());
            let refresh = || run(&test, &clock, "get --refresh").code;
            (0..10).for_each(|_| assert_eq!(refresh(), 0));
            clock.reboot(wrong_ms);
            assert_eq!(refresh(), 75, "{wrong_ms}");
            match is_set_right {
                true => clock.set_by(-wrong_ms),
                false => clock.reboot(-wrong_ms),
            }
            assert_eq!(refresh(), 75, "{wrong_ms} {is_set_right}");
            assert_eq!(test.sandbox.token_requests(), 10);
            test.sandbox.set_limits(|limits| limits.budget = 1_000).unwrap();
            clock.advance(Duration::from_secs(616));
            assert_eq!(refresh(), 0, "{wrong_ms}: no lock-out is longer than its nominal length");
        }
    }
}

/// In a time namespace, the boot clock may be a day ahead of the machine's.
#[test]
fn a_time_namespace_allows_no_eleventh_request() {
    let unshare = ["--time", "--boottime", "86400", "--fork"];
    let can = std::process::Command::new("unshare").args(unshare).arg("true").output();
    if !or_skipped(can.is_ok_and(|output| output.status.success()), "no time namespace can be made") {
        return;
    }
    let test = Test::new();
    test.spend(10);
    let inside = ["unshare"].into_iter().chain(unshare).collect::<Vec<_>>();
    test.call("get --refresh").under(inside).run().failed(75, "rate_limited");
    assert_eq!(test.sandbox.token_requests(), 10);
}

/// A machine that boots with its clock a day ahead, then with the correct time.
#[test]
fn a_cool_down_of_tomorrow_ends_ten_minutes_after_it_was_met() {
    let test = Test::new();
    let clock = ManualClock::new();
    test.fault(http_status(429));
    run(&test, &clock, "get").exits(75);
    test.edit_state("ledgers", |json| {
        for path in ["/cool_down/since", "/failure/at", "/requests/0/sent"] {
            let moment = json.pointer_mut(path).unwrap();
            moment["wall_ms"] = (moment["wall_ms"].as_i64().unwrap() + 86_400_000).into();
            moment["boot_id"] = "another".into();
        }
    });
    test.sandbox.clear_faults();
    run(&test, &clock, "get").exits(75);
    clock.advance(Duration::from_secs(601));
    run(&test, &clock, "get").exits(0);
    assert_eq!(test.sandbox.token_requests(), 2);
}
