//! `doctor` finds common problems, prints a fix, and makes no token request.

use crate::harness::{Outcome, Test, move_clock, oauth_error, set_mode};
use crate::in_process::{ManualClock, run_on, system};
use std::time::Duration;
use zoho_cred::sandbox::{Certificate, Endpoint, Fault, FaultKind, Language, Options};
use zoho_cred::system::{FileSystem, System};

fn doctor(test: &Test) -> Outcome {
    let before = test.sandbox.token_requests();
    let outcome = test.run("doctor -o json");
    assert_eq!(test.sandbox.token_requests(), before, "doctor spent a refresh");
    outcome.hides(&test.canaries());
    outcome
}

/// Asserts that the check `name` failed with a text containing `words`, and that the exit code is 1.
#[track_caller]
fn fails(test: &Test, name: &str, words: &[&str]) {
    let outcome = doctor(test);
    words.iter().for_each(|words| outcome.exits(1).found(name, "failed", words));
    assert!(!outcome.finding(name).1.ends_with("| "), "no fix: {outcome:?}");
}

#[test]
fn all_is_well() {
    let test = Test::new().with_profile();
    test.get().ok();
    let outcome = doctor(&test);
    outcome.exits(0).says_nothing();
    let all = "config, file modes, file system, state folder, lock, secrets, refresh token, data center, budget, \
        live tokens, accounts server, clock";
    all.split(", ").for_each(|name| outcome.found(name, "ok", ""));
    let text = test.run("doctor").stdout;
    assert!(text.lines().all(|line| line.starts_with("ok ") || line.starts_with("- ")), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn a_token_is_checked_and_a_missing_scope_is_named() {
    let mut test = Test::new().with_profile();
    assert!(!doctor(&test).stdout.contains("\"token\""), "there is none");
    let token = test.token();
    doctor(&test).found("token", "ok", "needs the scope AaaServer.profile.READ");

    test.reject(&token).ok();
    test.get().ok();
    doctor(&test).found("token", "warning", "zoho-cred api -p crm URL");

    test.sandbox.kill_tokens();
    fails(&test, "token", &["zoho-cred get crm | zoho-cred reject crm"]);
    test.sandbox.set_fault(Fault::new(Endpoint::UserInfo, FaultKind::Html));
    doctor(&test).found("token", "warning", "");

    let scopes = ["ZohoCRM.modules.ALL", "AaaServer.profile.READ"].map(str::to_owned).to_vec();
    test = Test::with(Options { scopes, ..Options::default() });
    test.get().ok();
    doctor(&test).found("token", "ok", "the account is");
}

/// A profile in a config that was written by hand.
fn by_hand(more: &str) -> Test {
    let test = Test::new().without_environment();
    let url = test.sandbox.url();
    test.write_config(&format!("[profile.crm]\naccounts_url='{url}'\nclient_id='1000.A'\n{more}\n"));
    test.var("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent")
}

/// A test with this profile or the environment's, whose last request was answered with this error.
fn after(profile: &str, error: &str) -> Test {
    let test = Test::new();
    let test = if profile.is_empty() { test } else { test.with_profile() };
    test.fault(oauth_error(error));
    assert_ne!(test.get().code, 0);
    test
}

#[test]
fn problems_are_found_with_their_fixes() {
    type Case = (fn() -> Test, &'static str, &'static [&'static str]);
    let unnamed = || Test::new().without_environment();
    let cases: [Case; 13] = [
        (unnamed, "config", &["there is no profile yet", "zoho-cred login"]),
        (|| by_hand("secrets='file'"), "refresh token", &["there is none", "zoho-cred login crm"]),
        (|| by_hand("data_centre='jp'"), "config", &["line 4", "data_center"]),
        (|| by_hand(""), "secrets", &["no keyring service can be reached", "--secrets file"]),
        (|| after("", "invalid_client"), "data center", &["invalid_client", "data_center"]),
        (|| after("", "invalid_scope"), "client", &["misspelled", "ZOHO_SCOPES"]),
        (|| after("", "missing_org_info"), "client", &["soid is missing", "ZOHO_SOID"]),
        (|| after("crm", "invalid_code"), "refresh token", &["invalid_code", "zoho-cred login crm"]),
        (|| throttled(Test::new()), "budget", &["cooling down for another 10 min"]),
        // /proc is not writable, even for root.
        (|| Test::new().var("ZOHO_CRED_STATE_DIR", "/proc/zoho-cred"), "state folder", &["/proc/zoho-cred"]),
        (
            || Test::with(Options { tls: Some(Certificate::Valid), ..Options::default() }),
            "accounts server",
            &["--ca-file"],
        ),
        (|| proxied("http://127.0.0.1:1"), "accounts server", &["check HTTPS_PROXY"]),
        (open_secret, "file modes", &["refresh-token-", "chmod"]),
    ];
    for (test, check, words) in cases {
        fails(&test(), check, words);
    }
}

fn throttled(test: Test) -> Test {
    test.fault(FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None });
    test.get().failed(75, "rate_limited");
    test
}

fn proxied(proxy: &str) -> Test {
    Test::new().unset("ZOHO_ACCOUNTS_URL").var("ZOHO_DATA_CENTER", "jp").var("HTTPS_PROXY", proxy)
}

fn open_secret() -> Test {
    let test = Test::new().with_profile();
    set_mode(test.secret("refresh-token-"), 0o644);
    test
}

#[test]
fn a_clock_that_is_ten_minutes_off() {
    let test = Test::new();
    // A few seconds of tolerance: the time in the answer is slightly old when it is read.
    test.sandbox.advance(Duration::from_secs(620));
    fails(&test, "clock", &["10 min", "behind", "timedatectl"]);
    let test = Test::new();
    let mut command = test.command("doctor -o json");
    if move_clock(&mut command, "+1h") {
        test.start(command).wait().found("clock", "failed", "ahead of");
    }
}

#[test]
fn a_state_folder_on_another_machine() {
    let test = Test::new();
    type Kind = fn(&std::path::Path) -> FileSystem;
    let cases: [(Kind, i32, &str, &str); 3] = [
        (|_| FileSystem::Remote("NFS"), 1, "failed", "NFS, where file locks are unreliable"),
        (|_| FileSystem::WithoutOwners("vfat"), 1, "failed", "vfat, which has no file owners or modes"),
        (|_| FileSystem::Local, 0, "ok", "is local"),
    ];
    for (on, code, word, words) in cases {
        let system = System { file_system: on, ..system(&ManualClock::at_the_wall()) };
        run_on(&test, system, "doctor -o json").exits(code).found("file system", word, words);
    }
}

#[test]
fn a_full_budget_and_many_tokens() {
    let test = Test::new();
    test.spend(10);
    doctor(&test).exits(0).found("budget", "warning", "0 of 10 left, next slot in");
    test.age_token(3600);
    fails(&test, "budget", &["0 of 10 left", "next slot in"]);
    doctor(&test).found("live tokens", "warning", "10 minted in the last hour");
}

/// Regression: `doctor` did not report that two home directories with one refresh token have two ledgers.
#[test]
fn a_budget_that_two_homes_do_not_share_is_named() {
    let test = Test::new();
    assert!(!doctor(&test).finding("state folder").1.contains("HOME"), "the folder is shared");
    let test = throttled(test);
    fails(&test, "budget", &["another HOME", "ZOHO_CRED_STATE_DIR"]);
    doctor(&test.unset("ZOHO_CRED_STATE_DIR")).found("state folder", "ok", "ZOHO_CRED_STATE_DIR");
}

#[test]
fn a_shared_store_that_cannot_be_reached() {
    let test = Test::new().var("ZOHO_CRED_STORE", "redis://:hunter2@127.0.0.1:1/0");
    fails(&test, "shared store", &["ZOHO_CRED_STORE_KEY", "zoho-cred keygen"]);
    let key = test.run("keygen").ok().to_owned();
    let test = test.var("ZOHO_CRED_STORE_KEY", &key);
    fails(&test, "shared store", &["redis://127.0.0.1:1/0"]);
    doctor(&test).hides(&[&key, "hunter2"]);
}

#[test]
fn a_doctor_that_a_signal_ends_says_so_by_its_code() {
    let test = Test::new();
    test.sandbox.set_fault(Fault::new(Endpoint::ServerInfo, FaultKind::Hang));
    let running = test.call("doctor").start();
    crate::harness::until("the question to arrive", || !test.sandbox.log().is_empty());
    running.terminate();
}

fn make_old(path: &std::path::Path) {
    let file = std::fs::File::options().append(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now() - Duration::from_secs(3 * 3600)).unwrap();
}

fn names(test: &Test) -> Vec<String> {
    let name = |path: &std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut names: Vec<_> =
        test.state_files().iter().map(name).filter(|name| !name.ends_with(".lock")).collect();
    names.sort();
    names
}

/// A profile that was deleted by hand, and a credential from the environment that was not used for hours.
#[test]
fn what_no_profile_uses_is_removed_by_fix() {
    let mut test = Test::new();
    let token = test.sandbox.new_refresh_token();
    test.set("ZOHO_REFRESH_TOKEN", &token);
    test.get().ok();
    let files = test.state_files();
    files.iter().filter(|path| !path.to_string_lossy().contains("locks")).for_each(|path| make_old(path));
    let test = test.with_profile();
    let before = names(&test);
    test.log_in("desk", &test.sandbox.new_refresh_token()).wait().ok();
    test.run("get desk").ok();
    let with_both = test.read_config();
    let (crm_only, _) = with_both.split_once("[profile.desk]").unwrap();
    // A config of its own, whose profile is in use.
    let other = test.file("other.toml", crm_only).display().to_string();
    let login = test.call(["login", "crm", "--config", &other]).args("--flow refresh-token --no-verify");
    let login = login.args("--secrets file").file("--client-secret-file", "1000.a.b");
    login.file("--refresh-token-file", "1000.a.b").run().ok();
    test.write_config(crm_only);

    let outcome = doctor(&test);
    outcome.exits(0).found("unused", "warning", "still valid at Zoho: desk");
    outcome.prints("doctor --fix");
    let files = names(&test);
    test.run("doctor --fix -o json").exits(0).found("unused", "ok", "removed");
    // The record, two secrets and the state of 'desk', and the cache and the ledger of the environment. The cache and
    // the ledger of 'desk' are too young.
    assert_eq!(names(&test).len(), files.len() - 6, "{files:?}");
    assert_eq!(before.iter().filter(|name| !names(&test).contains(name)).count(), 2, "{before:?}");
    assert!(!doctor(&test).stdout.contains("unused"));
    for config in [test.config().to_str().unwrap(), &other] {
        let list = test.call("list -o json --config").arg(config).run().json();
        assert_eq!((&list[0]["name"], &list[0]["state"]), (&"crm".into(), &"ready".into()));
    }
    assert_eq!(test.sandbox.counts().grants.len(), test.valid_grants());
}

#[test]
fn a_keyring_that_cron_cannot_reach_is_named() {
    let test = Test::new().without_environment();
    let (id, url) = (test.sandbox.client_id(), test.sandbox.url());
    test.write_config(&format!("[profile.crm]\naccounts_url='{url}'\nclient_id='{id}'\n"));
    let runtime = test.dir.path().display().to_string();
    let mut test = test.var("XDG_RUNTIME_DIR", &runtime);
    // Regression: where the keyring cannot be reached, it was "ok" for jobs.
    for (bus, expected) in [("/tmp/dbus-x", "warning"), ("/run/user/4242/bus", "skipped")] {
        test.set("DBUS_SESSION_BUS_ADDRESS", &format!("unix:path={bus},guid=1"));
        assert_eq!(doctor(&test).finding("cron, systemd").0, expected);
    }
}
