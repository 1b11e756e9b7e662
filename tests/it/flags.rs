//! Global flags.

use crate::harness::Test;

#[test]
fn the_last_of_a_repeated_flag_counts() {
    let test = Test::new();
    let token = test.get().ok().to_owned();
    let outcome = test.run(["get", "-o", "json", "-o", "token", "--timeout", "1s", "--timeout", "5s"]);
    assert_eq!(outcome.ok(), token);
    let outcome = test.run(["--error-format", "json", "get", "nobody", "--error-format", "text"]);
    outcome.failed(78, "unknown_profile");
}

#[test]
fn flags_that_may_come_often_still_add_up() {
    let test = Test::new();
    let args = ["exec", "--env", "A=token", "--env", "B=token", "--", "sh", "-c", "echo $A $B"];
    let token = test.get().ok().to_owned();
    assert_eq!(test.run(args).ok(), format!("{token} {token}"));
}

#[test]
fn verbose_says_what_was_asked_and_no_secret() {
    let test = Test::new();
    let outcome = test.run(["get", "-vv", "--refresh"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let url = format!("{}/oauth/v2/token", test.sandbox.url());
    assert!(outcome.stderr.contains(&format!("POST {url} was answered with 200")), "{outcome:?}");
    let (secret, refresh) = (test.sandbox.client_secret(), test.sandbox.refresh_token());
    for secret in [outcome.stdout.trim(), secret, refresh] {
        assert!(!outcome.stderr.contains(secret), "{outcome:?}");
    }
    assert_eq!(test.run(["get", "-q", "-v"]).stderr, "");
}
