//! No token, secret or key appears in Redis or in a log, and a cached `get` does not contact Redis.

use super::world::{RedisStore, is_harmless};
use crate::harness::have;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use zoho_cred::sandbox::FaultKind;

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|part| part == word.as_bytes())
}

#[test]
fn nothing_secret_is_in_redis_or_on_the_way_there() {
    let Some(fleet) = RedisStore::new() else { return };
    let mut monitor = TcpStream::connect(("127.0.0.1", fleet.redis.port)).unwrap();
    monitor.write_all(b"MONITOR\r\n").unwrap();
    let mut first = [0; 5];
    monitor.read_exact(&mut first).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (copy, mut reader) = (Arc::clone(&seen), monitor.try_clone().unwrap());
    let thread = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut buffer) {
            copy.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    });
    let log = fleet.run(0, &["-vv", "get"]);
    let token = log.ok().to_owned();
    assert_eq!(fleet.get(1).ok(), token);
    fleet.reject(1, &token).ok();
    let second = fleet.get(1).ok().to_owned();
    let mut all = Vec::new();
    let keys = fleet.redis.keys();
    assert!(keys.len() >= 2, "{keys:?}");
    for key in keys {
        let life: i64 = fleet.redis.ask(&[b"PTTL", key.as_bytes()]);
        assert!(life > 0, "{key} never expires");
        assert!(key.contains('{'), "{key} has no hash tag");
        all.extend_from_slice(key.as_bytes());
        if !key.ends_with("lease") {
            let values: Vec<Vec<u8>> = fleet.redis.ask(&[b"HGETALL", key.as_bytes()]);
            all.extend(values.into_iter().flatten());
        }
    }
    crate::harness::until("MONITOR to tell of it", || holds(&seen.lock().unwrap(), "EVAL"));
    monitor.shutdown(std::net::Shutdown::Both).unwrap();
    thread.join().unwrap();
    all.extend_from_slice(&seen.lock().unwrap());
    all.extend_from_slice(log.stderr.as_bytes());
    let sandbox = &fleet.test.sandbox;
    for secret in [&token, &second, &fleet.key, sandbox.refresh_token(), sandbox.client_secret()] {
        assert!(!holds(&all, secret));
    }
}

#[test]
fn a_warm_get_makes_no_connection() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    let before = fleet.redis.connections();
    assert_eq!(fleet.get(0).ok(), token);
    // The query itself uses one connection.
    assert_eq!(fleet.redis.connections(), before + 1);
    fleet.redis.kill();
    let outcome = fleet.get(0);
    assert_eq!((outcome.ok(), outcome.stderr.as_str()), (token.as_str(), ""));
}

/// The permissions as the page shows them: for `redis-cli`, for a shell, and for `users.acl`.
#[test]
fn the_user_of_docs_fleet_md_may_do_all_it_needs() {
    let docs = include_str!("../../../docs/fleet.md");
    let shown = |begin: &str| {
        let block = docs.split("\n```").find(|block| block.contains(&format!("\n{begin}"))).unwrap();
        block.split_once('\n').unwrap().1.to_owned()
    };
    for form in ["ACL SETUSER fleet", "redis-cli ACL SETUSER", "user fleet"] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.acl");
        std::fs::write(&file, if form == "user fleet" { shown(form) + "\n" } else { String::new() }).unwrap();
        let Some(mut fleet) = RedisStore::with(&["--aclfile", file.to_str().unwrap()]) else { return };
        match form {
            "user fleet" => {}
            "ACL SETUSER fleet" => fleet.redis.admit(),
            _ if have("redis-cli") => {
                let script = shown(form).replace("redis-cli", &format!("redis-cli -p {}", fleet.redis.port));
                let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
                assert_eq!(output.stdout, b"OK\n", "{output:?}");
            }
            _ => continue,
        }
        let _: String = fleet.redis.ask(&[b"ACL", b"SETUSER", b"default", b"-@all", b"+acl", b"+ping"]);
        fleet.url = fleet.url.replace("redis://", "redis://fleet:PASSWORD@");
        let token = fleet.get(0).ok().to_owned();
        assert_eq!(fleet.get(1).ok(), token);
        fleet.reject(1, &token).ok();
        assert_ne!(fleet.get(1).ok(), token);
        let (status, said) = fleet.run(0, &["doctor", "-o", "json"]).finding("shared store");
        assert_eq!(status, "ok", "{said}");
        assert_eq!(fleet.requests(), 2);
        fleet.url = fleet.url.replace("fleet:PASSWORD@", "");
        fleet.get(5).failed(78, "config");
    }
}

/// Text that would forge lines in the log of a CI job, and drive a terminal.
const EVIL: &str =
    "x\n::error::owned\r\n##vso[task.complete]owned\u{1b}[2J\u{9b}31m\u{202e}##[error]y\u{2028}z";

/// Replaces every string below `value` but those of `kept`.
fn poison(value: &mut serde_json::Value, kept: &[&str]) {
    use serde_json::Value;
    match value {
        Value::String(text) => EVIL.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(|value| poison(value, kept)),
        Value::Object(map) => {
            map.iter_mut()
                .filter(|(name, _)| !kept.contains(&name.as_str()))
                .for_each(|(_, v)| poison(v, kept));
        }
        _ => {}
    }
}

/// Regression: the shared ledger held text, which every machine printed.
#[test]
fn text_in_redis_forges_no_line_on_any_machine() {
    for kind in ["transient", "refused", "misconfigured"] {
        let Some(fleet) = RedisStore::new() else { return };
        let token = fleet.get(0).ok().to_owned();
        fleet.test.fault(FaultKind::Html);
        fleet.reject(0, &token).ok();
        fleet.get(0).failed(69, "unavailable");
        let key = fleet.redis.key("ledger");
        let json: String = fleet.redis.ask(&[b"HGET", key.as_bytes(), b"json"]);
        let mut ledger: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(ledger["failure"].is_object(), "{json}");
        ledger["failure"]["kind"] = kind.into();
        poison(&mut ledger, &["kind", "secret_fp"]);
        let json = ledger.to_string();
        assert!(json.contains("owned"), "{json}");
        let set = |key: &str, field: &str, value: &str| {
            let _: i64 = fleet.redis.ask(&[b"HSET", key.as_bytes(), field.as_bytes(), value.as_bytes()]);
        };
        set(&key, "json", &json);
        set(&key, "rev", EVIL);
        set(&key.replace("ledger", "token"), "tomb", EVIL);
        let requests = fleet.requests();
        for with_lease in [false, true] {
            if with_lease {
                let lease = key.replace("ledger", "lease");
                let _: String =
                    fleet.redis.ask(&[b"SET", lease.as_bytes(), EVIL.as_bytes(), b"PX", b"60000"]);
            }
            for args in [
                &["-vv", "get", "--timeout", "1s"][..],
                &["--error-format", "json", "get", "--timeout", "1s"],
                &["-vv", "status"],
                &["status", "-o", "json"],
                &["list"],
                &["-vv", "doctor"],
                &["doctor", "-o", "json"],
            ] {
                let outcome = fleet.run(1, args);
                is_harmless(&outcome);
            }
        }
        assert_eq!(fleet.requests(), requests, "{kind}: the ledger was read, and its failure obeyed");
    }
}
