//! `--watch` on many machines: a reject on one of them reaches the files of all.

use super::way::Way;
use super::world::RedisStore;
use crate::harness::until_within;
use std::fs::{read_to_string, write};
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
            let texts = files.iter().map(|file| read_to_string(file).unwrap_or_default());
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
        sidecar.terminate();
    }
}

#[test]
fn a_running_watch_follows_a_new_url_and_password() {
    let Some(fleet) = RedisStore::new() else { return };
    fleet.redis.admit();
    let url = |port: u16| format!("redis://fleet@127.0.0.1:{port}/0");
    let (at, password) =
        (fleet.test.file("url", &url(fleet.redis.port)), fleet.test.file("password", "PASSWORD"));
    fleet.test.write_config(&format!("[store]\npassword_file = {password:?}\n"));
    let start = |machine, args: &[&str]| {
        let mut command = fleet.command(machine, args);
        command.env_remove("ZOHO_CRED_STORE").env("ZOHO_CRED_STORE_FILE", &at);
        fleet.test.start(command)
    };
    let file = fleet.test.dir.path().join("token");
    let watch = start(0, &["get", "--watch", "--output-file", file.to_str().unwrap()]);
    until_within(PATIENCE, "the first token", || file.exists());
    let _: String = fleet.redis.ask(&[b"ACL", b"SETUSER", b"fleet", b"resetpass", b">another"]);
    start(1, &["get"]).wait().failed(78, "config");
    write(&at, url(Way::to(fleet.redis.port).port)).unwrap();
    write(password, "another").unwrap();
    let newer = start(1, &["get", "--refresh"]).wait().ok().to_owned();
    until_within(PATIENCE, "the watch to follow", || read_to_string(&file).unwrap().trim_end() == newer);
    assert_eq!(fleet.requests(), 2);
    watch.terminate();
}
