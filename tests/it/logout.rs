//! `logout`: what is revoked at Zoho, what is deleted locally, and what stays.

use crate::harness::Test;
use crate::harness::consent::http;
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind, Language};

fn revokes(test: &Test) -> usize {
    test.sandbox.log().iter().filter(|entry| entry.path.contains("/revoke")).count()
}

/// Whether any file in the state directory contains the text.
fn is_kept(test: &Test, text: &str) -> bool {
    test.state_files()
        .iter()
        .any(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains(text))
}

/// Adds a second profile with the same refresh token.
fn second(test: &Test) {
    test.log_in("books", test.sandbox.refresh_token()).wait().ok();
}

/// Whether the sandbox still accepts the refresh token, bypassing the program's own state.
fn lives(test: &Test) -> bool {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", test.sandbox.client_id()),
        ("client_secret", test.sandbox.client_secret()),
        ("refresh_token", test.sandbox.refresh_token()),
    ];
    let answer = http().post(format!("{}/oauth/v2/token", test.sandbox.url())).form(&form).send().unwrap();
    answer.text().unwrap().contains("access_token")
}

/// `tests/real/every_flow.rs` looks for secrets that are left, and for tokens that work.
#[test]
fn the_token_is_sent_in_the_form_and_the_settings_stay() {
    let test = Test::new().with_profile();
    test.run("logout crm").exits(0).says("is revoked");
    assert!(test.read_config().contains("[profile.crm]"), "settings stay");
    let url = &test.sandbox.log().iter().find(|entry| entry.path.contains("/revoke")).unwrap().path.clone();
    assert!(!url.contains(test.sandbox.refresh_token()), "the token is in the form, not in the URL");
    test.get().failed(77, "login_required");
    test.run("logout crm").failed(77, "login_required");
}

#[test]
fn forget_takes_the_settings_too() {
    let test = Test::new().with_profile();
    test.run("profile remove crm -q").ok();
    assert!(!test.read_config().contains("crm"));
    test.run("logout crm").failed(78, "unknown_profile");
}

#[test]
fn a_dead_token_counts_as_revoked() {
    let test = Test::new().with_profile();
    test.get().ok();
    second(&test);
    test.run("logout books --force -q").ok();
    test.run("logout crm").exits(0).says("no longer valid");
    assert_eq!(test.secrets().len(), 0);
}

#[test]
fn a_failed_revoke_forgets_nothing() {
    let test = Test::new().with_profile();
    let token = test.token();
    let before = test.state_files();
    let throttle = FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None };
    for kind in [FaultKind::Html, FaultKind::Reset, throttle] {
        test.sandbox.set_fault(Fault::new(Endpoint::Revoke, kind));
        test.run("profile remove crm").failed(69, "unavailable").says("nothing was deleted");
        test.sandbox.clear_faults();
    }
    assert_eq!(test.state_files(), before);
    assert_eq!(test.get().ok(), token);
    test.run("get --refresh").ok();
}

#[test]
fn local_revokes_nothing() {
    let test = Test::new().with_profile();
    test.get().ok();
    test.run("logout crm --local").exits(0).says("is still valid at Zoho");
    assert_eq!(revokes(&test), 0);
    assert_eq!(test.secrets().len(), 0);
    assert!(lives(&test));
}

#[test]
fn a_shared_credential_is_left_alone_unless_forced() {
    let test = Test::new().with_profile();
    second(&test);
    let token = test.run("get crm").ok().to_owned();
    test.run("logout crm").failed_with(2, "usage", "books").says("--force");
    assert_eq!(revokes(&test), 0);
    assert_eq!(test.run("get crm").ok(), token);
    test.run("logout crm --local -q").ok();
    test.run("get crm").failed(77, "login_required");
    assert_eq!(test.run("get books").ok(), token, "the other one keeps its cache and its credential");
    second(&test);
    test.run("logout books -q").ok();
    assert!(!lives(&test));
}

#[test]
fn the_environment_profile_cannot_be_logged_out() {
    let test = Test::new();
    test.run("logout env").failed(2, "usage");
    test.run("logout").failed(2, "usage");
    assert_eq!(revokes(&test), 0);
}

#[test]
fn a_profile_that_gets_the_token_from_a_command_is_another_user_of_it() {
    let test = Test::new().with_profile();
    let script = format!("echo '{}'", test.secrets_json());
    let by_command = |name: &str| test.command_profile(name, &script);
    test.write_config(&(test.read_config() + &by_command("books") + &by_command("desk")));
    let cached = test.run("get books").ok().to_owned();
    test.run("get desk").ok();
    for (leaver, other) in [("crm", "books"), ("books", "desk")] {
        test.run(["logout", leaver]).failed(2, "usage").says(other);
        test.run(["logout", leaver, "--local", "-q"]).ok();
        assert_eq!(test.run("get desk").ok(), cached, "it keeps the token");
    }
    assert_eq!(revokes(&test), 0);
    test.run("logout desk -q").ok();
    assert_eq!(revokes(&test), 1, "nobody else is known by now");
}

/// Regression: `--local` failed too where the keyring cannot be reached, so that such a profile could not be left at all.
#[test]
fn local_needs_no_keyring() {
    let mut test = Test::new().with_profile();
    test.get().ok();
    let record = test.secret("profile-");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(record, text.replace(r#""store":"file""#, r#""store":"keyring""#)).unwrap();
    test.write_config(&test.read_config().replace("\"file\"", "\"keyring\""));
    test.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    test.run("logout crm").failed(74, "store");
    let outcome = test.run("logout crm --local");
    outcome.says("logged out of 'crm'").warned("its next login tries again");
    assert_eq!(revokes(&test), 0);
    test.get().failed(77, "login_required");
    // The names of the items in the keyring are kept for the next login.
    assert!(is_kept(&test, "refresh-token-"));
}

#[test]
fn local_runs_no_secret_command() {
    let test = Test::new().without_environment();
    let mark = test.dir.path().join("mark");
    let url = test.sandbox.url();
    test.write_config(&format!(
        "[profile.crm]\naccounts_url='{url}'\nclient_id='1000.A'\nsecret_command=['touch','{}']\n",
        mark.display()
    ));
    test.run("logout crm --local").failed(77, "login_required");
    test.run("profile remove crm --local").exits(0);
    assert!(!test.read_config().contains("crm"));
    assert!(!mark.exists());
}
