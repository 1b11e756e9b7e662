//! Several profiles: which one is the default, and how they are renamed and removed.

use crate::harness::{Test, files_below, read_json, set_mode};
use crate::in_process::{ManualClock, run_on, system};
use std::cell::RefCell;
use zoho_cred::system::{Https, OpenHttp, System};

/// A test with the profiles `crm` and `desk`, logged in in this order.
fn two() -> Test {
    let test = Test::new().with_profile();
    test.log_in("desk", &test.sandbox.new_refresh_token()).wait().ok();
    test
}

fn chosen(test: &Test) -> String {
    test.run("get -o json").json()["profile"].as_str().unwrap().to_owned()
}

#[test]
fn a_second_login_does_not_change_what_get_returns() {
    let test = two();
    assert_eq!(chosen(&test), "crm");
    test.write_config(&test.read_config().replace("default_profile = \"crm\"\n", ""));
    test.get().failed(2, "usage");
}

/// A config that was written by hand has no `default_profile`.
#[test]
fn a_login_beside_the_only_profile_makes_that_one_the_default() {
    let test = Test::new().with_profile();
    test.write_config(&test.read_config().replace("default_profile = \"crm\"\n\n", "# mine\n\n"));
    assert_eq!(chosen(&test), "crm");
    test.log_in("desk", &test.sandbox.new_refresh_token()).wait().ok();
    let config = test.read_config();
    assert!(config.starts_with("# mine\n\ndefault_profile = \"crm\"\n\n[profile.crm]\n"), "{config}");
    assert_eq!(chosen(&test), "crm");
}

#[test]
fn the_default_can_be_chosen() {
    let test = two();
    test.write_config(&test.read_config().replace('\n', "\r\n"));
    let outcome = test.run("profile use desk");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (0, ""), "{outcome:?}");
    assert_eq!(chosen(&test), "desk");
    test.run("profile use -p crm").exits(0);
    assert_eq!(chosen(&test), "crm", "-p is for every command");
    test.run("profile use").failed(2, "usage");
    test.run("-p desk profile use").exits(0);
    assert!(test.read_config().split_inclusive('\n').all(|line| line.ends_with("\r\n")), "line ends stay");
    test.run("profile use sales").failed(78, "unknown_profile");
    test.run("profile use env").failed(2, "usage");
    for command in ["logout env", "profile remove env"] {
        test.run(command).failed_with(2, "usage", "unset them to log out");
    }
    assert_eq!(chosen(&test), "desk");
}

#[test]
fn a_profile_is_renamed_with_its_credential() {
    let test = two();
    let token = test.run("get crm").ok().to_owned();
    let requests = test.sandbox.token_requests();
    test.run("profile rename crm sales").exits(0);
    assert_eq!(test.run("get sales").ok(), token);
    assert_eq!(chosen(&test), "sales");
    test.run("get crm").failed(78, "unknown_profile");
    // Its refresh token is found as well, and nothing of the old name is left.
    assert_ne!(test.run("get sales --refresh").ok(), token);
    assert_eq!(test.sandbox.token_requests(), requests + 1);
    let is_left = |file| std::fs::read_to_string(file).is_ok_and(|text| text.contains(r#""profile":"crm""#));
    assert!(!test.state_files().iter().any(is_left));
    for (old, new, code) in [("sales", "desk", 2), ("sales", "env", 2), ("crm", "x", 78), ("sales", "a/b", 2)]
    {
        assert_eq!(test.run(["profile", "rename", old, new]).code, code, "{old} {new}");
    }
    assert_eq!(chosen(&test), "sales");
}

/// Its credential was not found under the old name, which the call had read from the config: 77.
#[test]
fn a_profile_that_is_renamed_during_a_call_is_followed() {
    for (args, code) in [("get --refresh", 0), ("get crm --refresh", 78)] {
        let test = two();
        let rename = RefCell::new(Some(test.command("profile rename crm sales")));
        let http: OpenHttp = Box::new(move |roots| {
            if let Some(mut rename) = rename.take() {
                assert!(rename.status().unwrap().success());
            }
            Box::new(Https::new(roots))
        });
        run_on(&test, System { http, ..system(&ManualClock::at_the_wall()) }, args).exits(code);
    }
}

#[test]
fn a_config_that_cannot_be_written_stays_and_the_old_name_works() {
    let test = two();
    let before = test.read_config();
    set_mode(test.config(), 0o444);
    test.run("profile rename crm sales").failed(78, "config").says("[profile.sales]");
    test.run("profile use desk").failed(78, "config").says("default_profile = \"desk\"");
    assert_eq!(test.read_config(), before);
    test.run("get crm").ok();
}

/// A second record of the same secrets stayed, and the secrets were deleted with it.
#[test]
fn a_rename_that_could_not_change_the_config_loses_no_secrets() {
    let fails = |test: &Test| {
        set_mode(test.config(), 0o400);
        test.run("profile rename crm sales").failed(78, "config");
        set_mode(test.config(), 0o600);
    };
    let test = two();
    fails(&test);
    assert!(test.run("doctor --fix").stdout.contains("removed"));
    test.run("get crm --refresh").ok();
    fails(&test);
    assert_eq!(test.log_in("sales", &test.sandbox.new_refresh_token()).wait().code, 0);
    test.run("get crm --refresh").ok();
    let secrets = test.secrets().len();
    test.run("profile remove sales -q").exits(0);
    fails(&test);
    test.run("logout crm --local -q").exits(0);
    assert_eq!(test.secrets().len(), secrets - 6, "two records, each with two secrets");
    test.run("get desk --refresh").ok();
}

/// The record that stayed counted as another profile with the same credential.
#[test]
fn a_rename_that_could_not_change_the_config_shares_nothing() {
    let test = two();
    let valid = test.valid_grants();
    set_mode(test.config(), 0o400);
    test.run("profile rename crm sales").failed(78, "config");
    test.run("logout crm -q").exits(0);
    assert_eq!(test.valid_grants(), valid - 1);
}

#[test]
fn a_removed_profile_leaves_neither_settings_nor_credential() {
    let test = two();
    let valid = test.valid_grants();
    test.run("profile remove").failed(2, "usage");
    test.run("profile remove -p crm -q").exits(0);
    assert_eq!(test.valid_grants(), valid - 1);
    assert!(!test.read_config().contains("crm"), "{}", test.read_config());
    assert_eq!(chosen(&test), "desk");
    test.run("profile remove desk --local -q").exits(0);
    assert_eq!(test.valid_grants(), valid - 1);
}

/// The profiles of the default config file are found by name alone, and those of others by its path.
#[test]
fn config_and_state_move_to_another_home_together() {
    let mut test = two();
    let token = test.run("get crm").ok().to_owned();
    let requests = test.sandbox.token_requests();
    let home = test.dir.path().join("new/home");
    std::fs::create_dir_all(&home).unwrap();
    for name in [".config", "state"] {
        std::fs::rename(test.dir.path().join(name), home.join(name)).unwrap();
    }
    test.set("HOME", home.to_str().unwrap());
    test.set("ZOHO_CRED_STATE_DIR", home.join("state").to_str().unwrap());
    assert_eq!(test.run("get crm").ok(), token);
    test.run("get desk --refresh").ok();
    assert_eq!(test.sandbox.token_requests(), requests + 1);
    // Named, it is the same file; a copy is another one.
    let config = home.join(".config/zoho-cred/config.toml").display().to_string();
    assert_eq!(test.run(["get", "crm", "--config", &config]).ok(), token);
    let copy = test.dir.path().join("copy.toml");
    std::fs::copy(&config, &copy).unwrap();
    test.run(["get", "crm", "--config", copy.to_str().unwrap()]).failed(77, "login_required");
    assert!(!test.run("doctor -o json").stdout.contains("unused"));
    test.run("logout crm -q").exits(0);
    test.run("get crm").failed(77, "login_required");
    test.run("get desk").ok();
}

/// Version 0.1 named the state of a profile by the path of the config file.
#[test]
fn a_login_of_version_0_1_is_used_and_adopted_by_the_next_login() {
    let test = Test::new().with_profile();
    let token = test.token();
    let [secrets, profiles] = ["secrets", "profiles"].map(|name| test.state().join(name));
    let record = test.secret("profile-");
    let key = old_key(&test.config().canonicalize().unwrap(), "crm");
    let mut json = read_json(&record);
    json.as_object_mut().unwrap().remove("by_name");
    std::fs::remove_file(&record).unwrap();
    let old = secrets.join(format!("profile-{key}.json"));
    std::fs::write(&old, json.to_string()).unwrap();
    set_mode(&old, 0o600);
    let state = files_below(&profiles).remove(0);
    std::fs::rename(&state, profiles.join(format!("{key}.v1.json"))).unwrap();
    assert_eq!(test.get().ok(), token);
    test.run("get --refresh").ok();
    assert!(old.exists());
    test.log_in("crm", test.sandbox.refresh_token()).wait().ok();
    assert!(!old.exists());
    assert_eq!(files_below(&secrets).len(), 3, "one record and two secrets");
    test.run("get --refresh").ok();
}

/// SHA-256 over the length and the bytes of each part.
fn old_key(config: &std::path::Path, name: &str) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in ["profile", &config.to_string_lossy(), name] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// As docs/guide.md says: the stored refresh token is used again, so nobody has to consent.
#[test]
fn a_login_with_a_new_client_secret_needs_no_consent() {
    let test = Test::new().with_profile();
    let exported = test.run("export crm -o json -q").json();
    let token = test.file("token", exported["refresh_token"].as_str().unwrap());
    let secret = test.file("new-secret.txt", test.sandbox.client_secret());
    let valid = test.valid_grants();
    let login = test.call("login crm --flow refresh-token --client-secret-file").arg(secret);
    login.arg("--refresh-token-file").arg(token).run().exits(0);
    test.run("get crm --refresh").ok();
    assert_eq!(test.valid_grants(), valid);
}
