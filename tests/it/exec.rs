//! `exec`: the environment of its command, and the secrets removed from it.

use crate::harness::{Test, until};

#[test]
fn the_command_gets_a_token_and_nothing_that_mints_one() {
    let test = Test::new().var("ZOHO_REFRESH_TOKEN_FILE", "").var("ZOHO_CRED_STORE", "none");
    let test = test.var("ZOHO_CRED_STORE_KEY_FILE", "/run/key").var("ZOHO_ACCESS_TOKEN", "stale");
    let token = test.token();
    let outcome = test.run("exec -- env");
    let env = outcome.ok();
    let value = |name: &str| env.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
    assert_eq!(value("ZOHO_ACCESS_TOKEN"), Some(&*token));
    assert_eq!(value("ZOHO_API_DOMAIN"), Some(test.sandbox.api_domain()));
    assert_eq!(value("ZOHO_CRED_PROFILE"), Some("env"));
    let expiry = value("ZOHO_ACCESS_TOKEN_EXPIRES_AT").unwrap();
    assert!(expiry.len() == 20 && expiry.ends_with('Z'), "{expiry}");
    assert_eq!(value("ZOHO_CRED_STORE_KEY_FILE"), Some("/run/key"), "a file's name is no secret");
    outcome.hides(&test.canaries());
}

#[test]
fn a_stores_address_stays_unless_it_holds_a_password() {
    let test = Test::new();
    test.get().ok();
    for (address, seen) in [
        ("rediss://redis.invalid:6379/0", "rediss://redis.invalid:6379/0"),
        ("rediss://fleet:hunter2@redis.invalid", "none"),
        ("redis+unix:///nonexistent?pass=hunter2", "none"),
    ] {
        let call = test.call(["exec", "--", "sh", "-c", "echo ${ZOHO_CRED_STORE-none}"]);
        assert_eq!(call.env("ZOHO_CRED_STORE", address).run().ok(), seen);
    }
}

#[test]
fn exit_codes_are_a_shells() {
    let test = Test::new();
    test.run(["exec", "--", "sh", "-c", "exit 3"]).exits(3);
    assert_eq!(test.run(["exec", "--", "sh", "-c", "kill -9 $$"]).code, 128 + 9);
    test.run("exec -- /nonexistent/program").failed(127, "command");
    let file = test.file("not-executable", "");
    test.run(["exec", "--", file.to_str().unwrap()]).failed(126, "command");
    test.run("exec").failed(2, "usage");
    let args = test.run(["exec", "env", "--", "printf", "%s|", "a b", "--", "-x"]);
    assert_eq!(args.ok(), "a b|--|-x|");
}

#[test]
fn without_a_token_nothing_is_run() {
    let test = Test::new();
    let marker = test.dir.path().join("ran");
    test.sandbox.kill_token(test.sandbox.refresh_token());
    test.run(["exec", "--", "touch", marker.to_str().unwrap()]).failed(77, "login_required");
    assert!(!marker.exists());
}

#[test]
fn a_command_gets_a_token_for_half_an_hour() {
    let test = Test::new();
    let old = test.token();
    test.age_token(1790);
    assert_eq!(test.run("exec -- printenv ZOHO_ACCESS_TOKEN").ok(), old);
    test.age_token(20);
    assert_eq!(test.get().ok(), old, "get itself is content with a minute");
    assert_ne!(test.run("exec -- printenv ZOHO_ACCESS_TOKEN").ok(), old);
}

#[test]
fn a_killed_command_leaves_nothing_behind() {
    let test = Test::new();
    test.get().ok();
    let running = test.call("exec -- sleep 987").start();
    let pid = running.pid();
    let command = || std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    until("the process to be sleep itself", || command().starts_with(b"sleep\0987"));
    running.signal("TERM");
    assert_eq!(running.wait().code, 128 + 15);
    assert!(command().is_empty(), "there was one process, and it is gone");
}
