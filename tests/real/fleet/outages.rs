//! Redis outages: callers get a valid token, or else 69 or 78. There is never an unguarded refresh.

use super::world::RedisStore;

/// Asserts that a machine with a valid but not fresh token gets it, and that one without a token gets `code`.
fn served_or(fleet: &RedisStore, code: i32, word: &str) {
    let requests = fleet.requests();
    let living = fleet.run(0, &["get"]);
    living.warned("could not get a new token");
    fleet.run(9, &["get", "--timeout", "2s"]).failed(code, word);
    fleet.run(9, &["get", "--refresh", "--timeout", "2s"]).failed(code, word);
    assert_eq!(fleet.requests(), requests);
}

/// Gives machine 0 a token with 40 s of life left.
fn living() -> Option<RedisStore> {
    let fleet = RedisStore::new()?;
    fleet.get(0).ok();
    fleet.age(0, 3560);
    Some(fleet)
}

#[test]
fn redis_is_gone() {
    let Some(mut fleet) = living() else { return };
    fleet.redis.kill();
    served_or(&fleet, 69, "unavailable");
}

#[test]
fn redis_asks_for_a_password() {
    let Some(fleet) = living() else { return };
    let _: String = fleet.redis.ask(&[b"CONFIG", b"SET", b"requirepass", b"other"]);
    served_or(&fleet, 78, "config");
}

#[test]
fn a_wrong_password_is_not_shown() {
    let Some(mut fleet) = RedisStore::with(&["--requirepass", "right-one"]) else { return };
    fleet.url = fleet.url.replace("redis://", "redis://:wrong-one@");
    let outcome = fleet.get(0);
    outcome.failed(78, "config");
    assert!(!outcome.stderr.contains("wrong-one"), "{outcome:?}");
    fleet.url = fleet.url.replace("wrong-one", "right-one");
    fleet.get(0).ok();
    let status = fleet.run(0, &["status"]);
    assert!(status.stdout.contains("redis://127.0.0.1") && !status.stdout.contains("right-one"));
}

#[test]
fn redis_has_no_memory_left() {
    let Some(fleet) = living() else { return };
    let _: String = fleet.redis.ask(&[b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction"]);
    let _: String = fleet.redis.ask(&[b"CONFIG", b"SET", b"maxmemory", b"1"]);
    served_or(&fleet, 69, "unavailable");
}

#[test]
fn redis_is_a_replica_that_takes_no_writes() {
    let Some(fleet) = living() else { return };
    let _: String = fleet.redis.ask(&[b"REPLICAOF", b"127.0.0.1", b"1"]);
    served_or(&fleet, 69, "unavailable");
}

#[test]
fn redis_answers_nothing() {
    let Some(fleet) = living() else { return };
    let _: String = fleet.redis.ask(&[b"CLIENT", b"PAUSE", b"25000"]);
    served_or(&fleet, 69, "unavailable");
}

#[test]
fn the_server_speaks_no_tls() {
    let Some(mut fleet) = RedisStore::new() else { return };
    fleet.url = fleet.url.replace("redis://", "rediss://");
    fleet.run(0, &["get", "--timeout", "2s"]).failed(69, "unavailable");
    assert_eq!(fleet.requests(), 0);
}

#[test]
fn tls_is_verified_by_authority_and_name() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let (cert, key) = fleet.test.self_signed("localhost");
    let port = crate::harness::free_port().to_string();
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    let _server = super::world::Redis::start(&tls);
    fleet.url = format!("rediss://localhost:{port}");
    fleet.run(0, &["get", "--timeout", "2s"]).failed(69, "unavailable");
    fleet.url = format!("rediss://127.0.0.1:{port}");
    fleet.run(0, &["get", "--timeout", "2s", "--ca-file", &cert]).failed(69, "unavailable");
    assert_eq!(fleet.requests(), 0);
    fleet.url = format!("rediss://localhost:{port}");
    fleet.run(0, &["get", "--ca-file", &cert]).ok();
    assert_eq!(fleet.requests(), 1);
}

/// The files are read again at each connection.
#[test]
fn a_client_certificate_is_replaced_without_a_new_setting() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let ((cert, key), port) = (fleet.test.self_signed("localhost"), crate::harness::free_port().to_string());
    let [first, second] = ["first", "second"].map(|name| fleet.test.self_signed(name));
    let files = ["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &first.0];
    let server = super::world::Redis::start(&[&["--tls-port", &port], &files[..]].concat());
    fleet.url = format!("rediss://localhost:{port}");
    let refresh = || fleet.run(0, &["get", "--refresh", "--ca-file", &cert]);
    let refused = |hint: &str| {
        refresh().failed(78, "config").says(hint);
    };
    refused("set client_cert and client_key in [store]");
    let [ours, our_key] = ["ours.pem", "ours.key"].map(|name| fleet.test.dir.path().join(name));
    fleet.test.write_config(&format!("[store]\nclient_cert = {ours:?}\nclient_key = {our_key:?}\n"));
    let put = |(cert, key): &(String, String)| {
        [(cert, &ours), (key, &our_key)].map(|(from, to)| std::fs::copy(from, to).unwrap())
    };
    put(&first);
    refresh().ok();
    let _: String = server.ask(&[b"CONFIG", b"SET", b"tls-ca-cert-file", second.0.as_bytes()]);
    refused("ones that the engine trusts");
    put(&second);
    refresh().ok();
    assert_eq!(fleet.requests(), 2);
}

#[test]
fn settings_that_cannot_be_are_named() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let url = std::mem::replace(&mut fleet.url, "not an address".into());
    fleet.get(0).failed(78, "config");
    fleet.url = url;
    fleet.key = "c2hvcnQ=".into();
    fleet.get(0).failed(78, "config");
    fleet.key = String::new();
    fleet.get(0).failed(78, "config").says("ZOHO_CRED_STORE_KEY");
    assert!(fleet.requests() == 0 && fleet.redis.keys().is_empty());
}

#[test]
fn an_emptied_redis_is_filled_from_a_machine_that_has_a_token() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    fleet.redis.kill();
    fleet.redis.start_again();
    fleet.age(0, 3320);
    // In the refresh-ahead window and with budget, machine 0 refreshes. Its ledger still has the first request.
    let newer = fleet.get(0).ok().to_owned();
    assert_ne!(newer, token);
    assert_eq!(fleet.get(1).ok(), newer);
    assert_eq!(fleet.requests(), 2);
    let ledger: String = fleet.redis.ask(&[b"HGET", fleet.redis.key("ledger").as_bytes(), b"json"]);
    let ledger: serde_json::Value = serde_json::from_str(&ledger).unwrap();
    assert_eq!(ledger["requests"].as_array().unwrap().len(), 2, "{ledger}");
}

/// Replication is asynchronous, so the replica that takes over may lack the last second of writes.
#[test]
fn a_failover_that_loses_the_last_second_loses_no_token_and_asks_once() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let replica = super::world::Redis::start(&[]);
    let _: String = replica.ask(&[b"REPLICAOF", b"127.0.0.1", fleet.redis.port.to_string().as_bytes()]);
    fleet.get(0).ok();
    crate::harness::until("the replica to have the first token", || {
        replica.keys().len() == fleet.redis.keys().len()
    });
    let _: String = replica.ask(&[b"REPLICAOF", b"NO", b"ONE"]);
    let newest = fleet.run(0, &["get", "--refresh"]).ok().to_owned();
    fleet.redis.kill();
    fleet.url = format!("redis://127.0.0.1:{}/0", replica.port);
    assert_eq!(fleet.get(0).ok(), newest);
    assert_eq!(fleet.requests(), 2);
    // The next refresh of the machine with more entries updates the store, including the ledger.
    fleet.run(0, &["get", "--refresh"]).ok();
    let ledger: String = replica.ask(&[b"HGET", replica.key("ledger").as_bytes(), b"json"]);
    let ledger: serde_json::Value = serde_json::from_str(&ledger).unwrap();
    assert_eq!(ledger["requests"].as_array().unwrap().len(), 3, "{ledger}");
    for _ in 0..10 {
        fleet.run(1, &["get", "--refresh"]);
    }
    let counts = fleet.test.sandbox.counts();
    assert!(counts.token_requests <= 10 && counts.throttled == 0, "{counts:?}");
}

#[test]
fn a_socket_in_the_file_system_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("redis.sock").display().to_string();
    let Some(mut fleet) = RedisStore::with(&["--unixsocket", &socket]) else { return };
    fleet.url = format!("redis+unix://{socket}");
    let token = fleet.get(0).ok().to_owned();
    assert_eq!(fleet.get(1).ok(), token);
    assert!(fleet.requests() == 1 && fleet.redis.keys().len() >= 2);
}
