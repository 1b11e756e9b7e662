//! The warm path opens the config and one state file and nothing else.

use crate::harness::{Test, have};
use std::process::Command;

fn trace(test: &Test) -> Vec<String> {
    let log = test.dir.path().join("trace");
    let mut command = Command::new("strace");
    command.arg("-f").arg("-o").arg(&log).args([crate::harness::PROGRAM, "get"]);
    command.env_clear().envs(test.vars());
    test.start(command).wait().ok();
    std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
}

fn opened<'a>(trace: &'a [String], below: &str) -> Vec<&'a String> {
    trace
        .iter()
        .filter(|line| line.contains("openat(") && line.contains(below) && !line.contains("ENOENT"))
        .collect()
}

#[test]
fn no_socket_no_lock_no_thread() {
    if !have("strace") {
        return;
    }
    for test in [Test::new(), Test::new().with_profile()] {
        test.get().ok();
        test.get().ok();
        let trace = trace(&test);
        for call in ["socket(", "flock(", "clone(", "clone3(", "fsync(", "rename(", "connect("] {
            assert!(!trace.iter().any(|line| line.contains(call)), "{call}: {trace:#?}");
        }
        let state = opened(&trace, test.state().to_str().unwrap());
        assert_eq!(state.len(), 1, "{state:#?}");
        assert!(opened(&trace, "config.toml").len() <= 1);
    }
}
