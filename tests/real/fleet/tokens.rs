//! The shared token: adoption, encryption, rejection and key rotation.

use super::world::RedisStore;

fn sealed(fleet: &RedisStore) -> Vec<u8> {
    fleet.redis.ask(&[b"HGET", fleet.redis.key("token").as_bytes(), b"sealed"])
}

fn put(fleet: &RedisStore, sealed: &[u8]) {
    let _: i64 = fleet.redis.ask(&[b"HSET", fleet.redis.key("token").as_bytes(), b"sealed", sealed]);
}

#[test]
fn a_new_machine_takes_the_token_over() {
    let Some(fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    (1..16).for_each(|machine| assert_eq!(fleet.get(machine).ok(), token));
    fleet.wipe(0);
    assert_eq!(fleet.get(0).ok(), token);
    assert_eq!(fleet.requests(), 1);
}

/// A refresh token that replaces another: token and budget go on under the new credential, in the shared store too.
#[test]
fn a_replaced_refresh_token_keeps_the_shared_token_and_budget() {
    let Some(fleet) = RedisStore::new() else { return };
    let RedisStore { test, key, url, redis: _redis } = fleet;
    let test = test.with_profile().var("ZOHO_CRED_STORE", &url).var("ZOHO_CRED_STORE_KEY", &key);
    test.sandbox.set_limits(|limits| limits.rotate_refresh_tokens = true).unwrap();
    let refresh = || test.run("get --refresh").warned("zoho-cred export crm").to_owned();
    let tokens: Vec<String> = (0..3).map(|_| refresh()).collect();
    for local in ["credentials", "ledgers"] {
        std::fs::remove_dir_all(test.state().join(local)).unwrap();
    }
    assert_eq!(test.get().ok(), tokens[2], "the store has the token of the newest credential");
    assert_eq!(test.sandbox.token_requests(), 3);
    for _ in 3..10 {
        refresh();
    }
    test.run("get --refresh").failed(75, "rate_limited");
    assert_eq!(test.sandbox.token_requests(), 10);
}

#[test]
fn a_value_that_is_not_ours_is_set_aside_and_costs_one_refresh() {
    let changed = |mut bytes: Vec<u8>| {
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    };
    let shortened = |bytes: Vec<u8>| bytes[..40].to_vec();
    let old_version = |mut bytes: Vec<u8>| {
        bytes[0] = 0;
        bytes
    };
    let junk = |_: Vec<u8>| b"x".to_vec();
    let spoils: [&dyn Fn(Vec<u8>) -> Vec<u8>; 4] = [&changed, &shortened, &old_version, &junk];
    let Some(fleet) = RedisStore::new() else { return };
    fleet.get(0).ok();
    for (nth, spoil) in spoils.iter().enumerate() {
        put(&fleet, &spoil(sealed(&fleet)));
        let token = fleet.get(10 + nth).ok().to_owned();
        assert_eq!(fleet.requests(), nth + 2);
        fleet.wipe(1);
        assert_eq!(fleet.get(1).ok(), token);
        assert_eq!(fleet.requests(), nth + 2);
    }
}

#[test]
fn another_credentials_value_is_refused() {
    let (Some(mut one), Some(other)) = (RedisStore::new(), RedisStore::new()) else { return };
    one.key.clone_from(&other.key);
    let foreign = other.get(0).ok().to_owned();
    one.get(0).ok();
    put(&one, &sealed(&other));
    assert_ne!(one.get(1).ok(), foreign);
    assert_eq!(one.requests(), 2);
}

#[test]
fn a_machine_with_a_foreign_key_changes_nothing() {
    let Some(mut fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    let before = sealed(&fleet);
    let key = std::mem::replace(&mut fleet.key, fleet.test.run("keygen").ok().to_owned());
    fleet.get(1).failed(78, "config");
    assert_eq!(sealed(&fleet), before);
    assert!(!fleet.redis.keys().iter().any(|key| key.ends_with("lease")));
    fleet.key = key;
    assert_eq!(fleet.get(1).ok(), token);
    assert_eq!(fleet.requests(), 1);
}

#[test]
fn keys_are_changed_without_a_refresh() {
    let Some(fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    let new = fleet.test.run("keygen").ok().to_owned();
    let mut command = fleet.command(1, &["get"]);
    command.env("ZOHO_CRED_STORE_KEY", &new).env("ZOHO_CRED_STORE_KEY_OLD", &fleet.key);
    assert_eq!(fleet.test.start(command).wait().ok(), token);
    assert_eq!(fleet.requests(), 1);
}

#[test]
fn a_rejected_token_is_gone_for_all() {
    let Some(fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    fleet.reject(0, &token).ok();
    let second = fleet.get(1).ok().to_owned();
    assert_ne!(second, token);
    assert_eq!(fleet.get(0).ok(), second);
    assert_eq!(fleet.requests(), 2);
}

#[test]
fn a_reject_without_redis_finishes_later() {
    let Some(fleet) = RedisStore::new() else { return };
    let token = fleet.get(0).ok().to_owned();
    let mut offline = fleet.command(0, &["reject"]);
    offline.env("ZOHO_CRED_STORE", "redis://127.0.0.1:1");
    offline.stdin(std::fs::File::open(fleet.test.file("rejected", &token)).unwrap());
    fleet.test.start(offline).wait().ok();
    let second = fleet.get(0).ok().to_owned();
    assert_ne!(second, token);
    assert_eq!(fleet.get(1).ok(), second);
    assert_eq!(fleet.requests(), 2);
}

#[test]
fn a_logout_drops_the_token_for_all_and_a_local_one_for_itself() {
    let Some(fleet) = RedisStore::new() else { return };
    let RedisStore { test, redis, key, url } = fleet;
    let test = test.var("ZOHO_CRED_STORE", &url).var("ZOHO_CRED_STORE_KEY", &key).with_profile();
    let is_there = || redis.ask::<i64>(&[b"HEXISTS", redis.key("token").as_bytes(), b"sealed"]) == 1;
    let token = test.run("get crm").ok().to_owned();
    test.run("logout crm --local").ok();
    assert!(is_there());
    let test = test.with_profile();
    assert_eq!(test.run("get crm").ok(), token);
    test.run("logout crm").ok();
    assert!(!is_there());
}
