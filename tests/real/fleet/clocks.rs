//! Clocks that contradict each other: no request, exit code 69 with both times, and `doctor` says so. Only the difference
//! between the clocks counts, so the machine's clock is moved in place of the engine's, which libfaketime cannot do.

use super::world::RedisStore;
use crate::harness::{Outcome, files_below, have, move_clock};

fn run_at(fleet: &RedisStore, offset: &str, args: &[&str]) -> Outcome {
    let mut command = fleet.command(0, args);
    assert!(offset.is_empty() || move_clock(&mut command, offset));
    fleet.test.start(command).wait()
}

/// Asserts that machine 0 sends no request, and that `get` and `doctor` name the reason.
fn refuses(fleet: &RedisStore, offset: &str, reason: &str) {
    let requests = fleet.requests();
    let outcome = run_at(fleet, offset, &["get", "--refresh"]);
    outcome.failed(69, "unavailable");
    let times = outcome.stderr.matches("Z").count();
    assert!(outcome.stderr.contains(reason) && times == 2, "{outcome:?}");
    let (status, said) = run_at(fleet, offset, &["doctor", "-o", "json"]).finding("shared store");
    assert!(status == "failed" && said.contains(reason) && said.contains("NTP"), "{said}");
    assert_eq!(fleet.requests(), requests);
}

#[test]
fn two_minutes_between_the_clocks_allow_no_refresh() {
    if !have("faketime") {
        return;
    }
    for offset in ["+130s", "-130s"] {
        let Some(fleet) = RedisStore::new() else { return };
        refuses(&fleet, offset, "nothing is requested until they agree");
        // The token of another machine is served all the same.
        let token = fleet.get(1).ok().to_owned();
        assert_eq!(run_at(&fleet, offset, &["get"]).ok(), token);
        assert_eq!(fleet.requests(), 1);
    }
}

/// The jump is made in what the machine remembers of the engine's clock.
#[test]
fn a_jump_of_the_engines_clock_allows_no_refresh_to_a_machine_that_saw_it() {
    for jump_ms in [90_000, -90_000] {
        let Some(fleet) = RedisStore::new() else { return };
        let token = fleet.get(0).ok().to_owned();
        let ledgers = files_below(&fleet.test.dir.path().join("machine0/ledgers"));
        let seen = ledgers.iter().find(|file| file.to_string_lossy().ends_with(".engine.v1.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(seen).unwrap()).unwrap();
        json["engine_ms"] = (json["engine_ms"].as_i64().unwrap() - jump_ms).into();
        std::fs::write(seen, json.to_string()).unwrap();
        // `doctor` sees it first. It counts on after the refresh that saw it.
        fleet.run(0, &["doctor", "-o", "json"]).found("shared store", "failed", "jumped by");
        for _ in 0..2 {
            refuses(&fleet, "", "jumped by");
        }
        assert_eq!(fleet.get(1).ok(), token, "a machine that did not see it");
        assert_eq!(fleet.requests(), 1);
    }
}
