//! A refresh token in the answer to a refresh replaces the stored one.

use crate::harness::{Outcome, Test};
use zoho_cred::sandbox::{ClientKind, Endpoint, Options};

/// An environment with a profile, where every refresh returns a new refresh token.
fn rotating() -> Test {
    let test = Test::with(Options::default());
    test.sandbox.set_limits(|limits| limits.rotate_refresh_tokens = true).unwrap();
    test
}

fn refresh(test: &Test, profile: &str) -> Outcome {
    test.run(["get", profile, "--refresh"])
}

/// Fingerprints of the refresh tokens that the token endpoint received.
fn sent(test: &Test) -> Vec<String> {
    let log = test.sandbox.log().into_iter().filter(|entry| entry.endpoint == Endpoint::Token);
    log.map(|entry| entry.refresh_token_fp.unwrap()).collect()
}

#[test]
fn every_refresh_sends_the_newest_one_and_keeps_the_budget_of_those_before() {
    let test = rotating().with_profile();
    let before = test.secrets();
    for _ in 0..4 {
        let token = refresh(&test, "crm").ok().to_owned();
        assert_eq!(test.run("get crm").ok(), token, "the new credential has the token");
    }
    let sent = sent(&test);
    let mut distinct = sent.clone();
    distinct.dedup();
    assert_eq!((sent.len(), distinct), (4, sent));
    assert_eq!(test.run("status crm -o json").json()["budget"]["used"], 4);
    let after = test.secrets();
    assert_eq!(after.len(), before.len(), "{after:?}: the old items and the journal are gone");
    assert_ne!(after, before);
    test.run("logout crm").ok();
    assert_eq!(test.valid_grants(), 0);
}

#[test]
fn profiles_with_the_same_refresh_token_follow() {
    let test = rotating().with_profile();
    test.log_in("other", test.sandbox.refresh_token()).wait().ok();
    let token = refresh(&test, "crm").ok().to_owned();
    assert_eq!(test.run("get other").ok(), token);
    refresh(&test, "crm").ok();
    refresh(&test, "other").ok();
    assert_eq!(test.sandbox.token_requests(), 3);
}

#[test]
fn secrets_of_the_environment_or_of_a_command_stay_and_a_warning_says_so() {
    let test = rotating();
    test.get().warned("secrets from ZOHO_REFRESH_TOKEN cannot be replaced");
    let script = format!("echo '{}'", test.secrets_json());
    test.write_config(&test.command_profile("crm", &script));
    refresh(&test.without_environment(), "crm").warned("secrets from secret_command cannot be replaced");
}

#[test]
fn one_that_cannot_be_stored_leaves_the_old_one_in_use() {
    let test = rotating().with_profile();
    // Nothing can be written in place of the journal.
    let journal = test.secret("profile-").display().to_string().replace("/profile-", "/unfinished-");
    std::fs::create_dir(&journal).unwrap();
    refresh(&test, "crm").warned("a new refresh token, which could not be stored");
    std::fs::remove_dir(&journal).unwrap();
    refresh(&test, "crm").ok();
    let sent = sent(&test);
    assert_eq!(sent[0], sent[1]);
}

#[test]
fn a_login_that_verifies_a_refresh_token_stores_its_replacement() {
    let test = rotating().without_environment();
    let login = test.login("crm", ClientKind::Any).args("--flow refresh-token --refresh-token-file -");
    login.stdin(test.sandbox.refresh_token()).run().ok();
    test.run("get crm").ok();
    refresh(&test, "crm").ok();
    let sent = sent(&test);
    assert_eq!(sent.len(), 2);
    assert_ne!(sent[0], sent[1]);
}
