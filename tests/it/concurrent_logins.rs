//! Concurrent logins and logouts run one at a time.

use crate::harness::{Test, have, until};
use crate::in_process::ManualClock;
use zoho_cred::config::{ConfigFile, ConfigOrigin, edit};
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind};
use zoho_cred::secrets::LoginLock;
use zoho_cred::store::StateDir;

/// Regression: the second login overwrote the first one's changes to the config file.
#[test]
fn logins_at_once_lose_no_settings() {
    let test = Test::new().without_environment();
    let profiles: Vec<String> = (0..8).map(|n| format!("p{n}")).collect();
    let logins: Vec<_> =
        profiles.iter().map(|profile| test.log_in(profile, &test.sandbox.new_refresh_token())).collect();
    for login in logins {
        login.wait().ok();
    }
    for profile in &profiles {
        test.run(["get", profile]).ok();
    }
}

/// The same for one profile: only the secrets of the last login are kept.
#[test]
fn logins_of_one_profile_at_once_leave_one_login() {
    let test = Test::new().without_environment();
    let tokens: Vec<String> = (0..8).map(|_| test.sandbox.new_refresh_token()).collect();
    let logins: Vec<_> = tokens.iter().map(|token| test.log_in("crm", token)).collect();
    for login in logins {
        login.wait().ok();
    }
    test.run("get crm").ok();
    assert_eq!(test.secrets().len(), 3, "a record and two items: {:?}", test.secrets());
}

/// Regression: a logout removed the record of a login that finished while the logout waited for Zoho.
#[test]
fn a_login_during_a_logout_is_not_forgotten() {
    let test = Test::new().with_profile();
    test.sandbox.set_fault(Fault::new(Endpoint::Revoke, FaultKind::Delay { ms: 1000 }));
    let logout = test.call("logout crm").start();
    until("the revoke request", || test.sandbox.log().iter().any(|it| it.endpoint == Endpoint::Revoke));
    let login = test.log_in("crm", &test.sandbox.new_refresh_token());
    login.wait().ok();
    logout.wait().ok();
    test.run("get crm").ok();
}

#[test]
fn a_login_lock_is_not_waited_for_longer_than_30_s() {
    let test = Test::new();
    let (state, config) =
        (StateDir::new(test.state()), ConfigFile::empty(test.config(), ConfigOrigin::Default));
    let clock = ManualClock::new();
    let turn = LoginLock::take(&*clock, &state, &config).unwrap();
    let error = LoginLock::take(&*clock, &state, &config).err().unwrap();
    assert_eq!(error.message(), "another login or logout is still running after 30 s");
    drop(turn);
    assert!(LoginLock::take(&*clock, &state, &config).is_ok());
}

/// Regression: a login overwrote edits made to the config file while it waited for its code.
#[test]
fn a_config_that_is_edited_during_a_login_keeps_the_edit() {
    let test = Test::new().without_environment();
    test.write_config("# mine\n");
    test.fault(FaultKind::Delay { ms: 1000 });
    let login = test.self_client_login("crm").start();
    until("the request", || test.sandbox.token_requests() == 1);
    test.write_config("# mine\n# and this\n");
    login.wait().ok();
    let config = test.read_config();
    assert!(config.contains("# and this") && config.contains("[profile.crm]"), "{config}");
}

/// What somebody wrote between the read and the rename of an edit used to be lost.
#[test]
fn a_hand_edit_between_read_and_rename_is_kept() {
    let test = Test::new();
    test.write_config("# mine\n");
    let config = ConfigFile::load(&test.config(), ConfigOrigin::Default).unwrap().unwrap();
    let mut calls = 0;
    let applied = edit::apply(&config, |text| {
        calls += 1;
        if calls == 1 {
            test.write_config("# mine\n# by hand\n");
        }
        Ok(format!("{text}# by a command\n"))
    });
    applied.unwrap().unwrap();
    let text = test.read_config();
    assert_eq!((text.as_str(), calls), ("# mine\n# by hand\n# by a command\n", 2));
    // Somebody who never stops is not written over either.
    let applied = edit::apply(&config, |text| {
        test.write_config(&format!("{text}#\n"));
        Ok(String::from("# by a command\n"))
    });
    assert!(applied.unwrap().is_err());
    assert!(test.read_config().contains("# by hand"));
}

/// The config with the new client used to be lost in a power cut that the removal of the old secrets survived.
#[test]
fn the_config_is_on_disk_before_the_old_login_is_removed() {
    if !have("strace") {
        return;
    }
    let test = Test::new().with_profile();
    let trace = test.dir.path().join("trace");
    let calls = "trace=rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync";
    let strace = ["strace", "-f", "-qq", "-y", "-s", "4096", "-e", calls, "-o", trace.to_str().unwrap()];
    let login = test.call("login crm --flow refresh-token --no-verify --client-id 1000.OTHER").under(strace);
    login.file("--client-secret-file", "x").file("--refresh-token-file", "1000.other").run().ok();
    let trace = std::fs::read_to_string(trace).unwrap();
    let lines: Vec<&str> = trace.lines().collect();
    let folder = test.config().parent().unwrap().display().to_string();
    let find = |after: usize, what: &dyn Fn(&str) -> bool| {
        let found = lines.iter().skip(after).position(|line| what(line));
        after + found.unwrap_or_else(|| panic!("{trace}"))
    };
    let renamed = find(0, &|line| line.contains("rename") && line.contains("config.toml"));
    let synced = find(renamed, &|line| line.contains("sync(") && line.contains(&format!("<{folder}>")));
    let settled = find(renamed, &|line| line.contains("rename") && line.contains("profile-"));
    let removed = find(renamed, &|line| line.contains("unlink") && line.contains("refresh-token-"));
    assert!(synced < settled && synced < removed, "{trace}");
}
