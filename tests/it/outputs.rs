//! Output formats of `get`, and failures to write them.

use crate::harness::Test;
use std::time::Duration;
use zoho_cred::sandbox::Options;

/// Regression: `--shell` was ignored without `-o env`.
#[test]
fn a_shell_is_for_the_env_output() {
    let test = Test::new();
    test.run("get --shell fish").failed_with(2, "usage", "-o env");
    assert!(test.run("get -o env --shell fish").ok().starts_with("set -gx "));
}

#[test]
fn a_hostile_cache_is_junk() {
    for bytes in ["a\nb", "a\"b", "a\0b", "a b", ""] {
        let test = Test::new();
        let token = test.token();
        test.edit_state("credentials", |json| json["token"]["access_token"] = bytes.into());
        let outcome = test.get();
        assert_ne!(outcome.ok(), token);
        assert_eq!(test.sandbox.token_requests(), 2);
    }
}

#[test]
fn offline_uses_the_cache_only() {
    let test = Test::new();
    test.run("get --offline").failed(69, "unavailable");
    let token = test.token();
    assert_eq!(test.run("get --offline").ok(), token);
    test.age_token(3560);
    assert_eq!(test.run("get --offline").warned("--offline"), token);
    assert_eq!(test.run("get --offline -q").stderr, "");
    test.run("get --offline --min-ttl 2m").failed(69, "unavailable");
    test.age_token(60);
    test.run("get --offline").failed(69, "unavailable");
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn a_min_ttl_that_no_token_has_is_a_usage_error() {
    let test = Test::new();
    for call in ["get --min-ttl TTL", "exec --min-ttl TTL -- true"] {
        for bad in ["24h", "45m1s", "2701"] {
            test.run(&*call.replace("TTL", bad)).failed_with(2, "usage", "the longest --min-ttl is 45m");
        }
        test.run(&*call.replace("TTL", "45m")).ok();
    }
    assert_eq!(test.sandbox.token_requests(), 1, "a token that was just issued is fresh for 45m");
}

#[test]
fn no_min_ttl_asks_for_more_than_three_quarters_of_a_life() {
    let mut options = Options::default();
    options.limits.token_life = Duration::from_secs(600);
    let test = Test::with(options);
    let token = test.token();
    for args in [&["get", "--min-ttl", "45m"][..], &["exec", "--", "printenv", "ZOHO_ACCESS_TOKEN"]] {
        assert_eq!(test.run(args).ok(), token);
    }
    test.age_token(151);
    let renewed = test.run("get --min-ttl 45m").ok().to_owned();
    assert_ne!(renewed, token);
    test.age_token(151);
    assert_ne!(test.run("exec -- printenv ZOHO_ACCESS_TOKEN").ok(), renewed);
    assert_eq!(test.sandbox.token_requests(), 3);
}

/// `exec-credential` reports the expiry 60 s early, and measures `--min-ttl` against that.
#[test]
fn a_min_ttl_counts_to_the_expiry_that_is_reported() {
    let test = Test::new();
    let token = test.token();
    let ask = |ttl| test.run(["get", "-o", "exec-credential", "--min-ttl", ttl]);
    test.age_token(2370);
    assert!(ask("19m").ok().contains(&token), "20:30 are left, of which 19:30 are told");
    assert_eq!(test.run("get --min-ttl 20m").ok(), token);
    assert!(!ask("20m").ok().contains(&token));
}
