//! The machine sleeps for an hour during a refresh: the process group is stopped while the clocks move.

use crate::fingerprint;
use crate::harness::{Test, have, move_clock, until};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

fn kill(signal: &str, group: i32) {
    let status = Command::new("kill").args([&format!("-{signal}"), "--", &format!("-{group}")]).status();
    assert!(status.unwrap().success());
}

#[test]
fn an_hours_sleep_in_the_middle_of_a_refresh_hands_out_no_dead_token() {
    if !have("faketime") {
        return;
    }
    for answered in [false, true] {
        let test = Test::new();
        let offset = test.file("offset", "+0s");
        test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(2)).unwrap();
        let caller = |group: i32| {
            let mut command = test.command("get --timeout 60s");
            command.process_group(group);
            assert!(move_clock(&mut command, ""));
            command
                .env_remove("FAKETIME")
                .env("FAKETIME_TIMESTAMP_FILE", &offset)
                .env("FAKETIME_NO_CACHE", "1");
            test.start(command)
        };
        let first = caller(0);
        let group = first.pid();
        let callers: Vec<_> = std::iter::once(first).chain((0..3).map(|_| caller(group))).collect();
        until("the request", || test.sandbox.token_requests() == 1);
        kill("STOP", group);
        if answered {
            // The answer waits in the socket of the stopped process.
            std::thread::sleep(Duration::from_secs(3));
        }
        test.sandbox.advance(Duration::from_secs(3600));
        std::fs::write(&offset, "+3600s").unwrap();
        kill("CONT", group);
        for outcome in callers.into_iter().map(|caller| caller.wait()) {
            assert!([0, 69, 75].contains(&outcome.code), "{outcome:?}");
            let now = test.sandbox.now_ms();
            let alive = |token: &str| {
                test.sandbox.log().iter().any(|entry| {
                    entry.minted
                        && entry.token_fp.as_deref() == Some(&fingerprint(token))
                        && entry.time_ms + 3_600_000 > now
                })
            };
            assert!(outcome.code != 0 || alive(outcome.ok()), "{outcome:?}");
        }
        assert!(test.sandbox.token_requests() <= 4);
    }
}
