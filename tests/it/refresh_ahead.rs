//! The last minutes of a token's life.

use crate::harness::{Test, http_status, one_token};

#[test]
fn one_caller_refreshes_early_and_the_others_get_the_old_token() {
    let test = Test::new();
    let old = test.token();
    test.age_token(3400);
    let outcomes = test.run_many(50, "get");
    assert!(outcomes.iter().any(|outcome| outcome.ok() != old));
    assert_eq!(test.sandbox.token_requests(), 2);
    assert!(outcomes.iter().all(|outcome| outcome.stderr.is_empty()));
}

#[test]
fn callers_of_a_failing_server_get_the_old_token() {
    let test = Test::new();
    let old = test.token();
    test.age_token(3400);
    test.fault(http_status(500));
    let outcomes = test.run_many(100, "get");
    assert_eq!(one_token(&outcomes), old);
    assert!(outcomes.iter().all(|outcome| outcome.stderr.is_empty()));
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn half_the_budget_is_not_touched_early() {
    let test = Test::new();
    test.spend(5);
    test.age_token(3400);
    test.get().ok();
    assert_eq!(test.sandbox.token_requests(), 5);
}

#[test]
fn secrets_that_cannot_be_read_are_not_asked_for_early_at_every_call() {
    let test = Test::new();
    let (count, secrets) = (test.dir.path().join("count"), test.dir.path().join("secrets"));
    std::fs::write(&secrets, test.secrets_json()).unwrap();
    let script = format!("echo x >> {}; cat {}", count.display(), secrets.display());
    test.write_config(&test.command_profile("crm", &script));
    let test = test.without_environment();
    let old = test.token();
    test.age_token(3400);
    std::fs::remove_file(&secrets).unwrap();
    let runs = || std::fs::read_to_string(&count).unwrap().lines().count();
    let before = runs();
    for _ in 0..5 {
        assert_eq!(test.get().ok(), old);
    }
    assert_eq!(runs(), before + 1);
}
