//! `--watch` on many machines: a reject on one of them reaches the files of all.

use super::world::RedisStore;
use crate::harness::until_within;
use std::time::{Duration, Instant};

const MACHINES: usize = 40;
/// Each sidecar looks at the store every ten seconds, and all of them share two cores with other tests.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn a_reject_on_one_machine_reaches_the_files_of_forty() {
    let Some(fleet) = RedisStore::new() else { return };
    let files: Vec<_> = (0..MACHINES).map(|n| fleet.test.dir.path().join(format!("token{n}"))).collect();
    let watch = |(machine, file): (usize, &std::path::PathBuf)| {
        fleet.start(machine, &["get", "--watch", "--output-file", file.to_str().unwrap()])
    };
    let sidecars: Vec<_> = files.iter().enumerate().map(watch).collect();
    // What all files hold, once that is the same token and another one than `before`.
    let token_after = |before: &str| {
        let mut token = String::new();
        until_within(PATIENCE, "all files to hold one token", || {
            let texts = files.iter().map(|file| std::fs::read_to_string(file).unwrap_or_default());
            let texts: Vec<_> = texts.collect();
            token.clone_from(&texts[0]);
            !token.is_empty() && token != before && texts.iter().all(|text| *text == token)
        });
        token
    };
    let first = token_after("");
    fleet.reject(MACHINES / 2, &first).ok();
    let rejected = Instant::now();
    token_after(&first);
    eprintln!("MEASURED: a reject reached {MACHINES} files in {:?}", rejected.elapsed());
    assert_eq!(fleet.requests(), 2);
    for sidecar in sidecars {
        sidecar.signal("TERM");
        assert_eq!(sidecar.wait().code, 143);
    }
}
