//! Secrets appear only where they are supposed to.

use crate::harness::Test;
use zoho_cred::sandbox::{FaultKind, Language};

#[test]
fn canaries_stay_where_they_belong() {
    let test = Test::new().with_profile();
    let token = test.token();
    let [secret, refresh_token] = test.canaries();
    let throttle = FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None };
    let [code, client] = [FaultKind::InvalidCode, FaultKind::InvalidClient];
    for fault in [FaultKind::Delay { ms: 0 }, FaultKind::Html, code, client, FaultKind::Reset, throttle] {
        test.fault(fault);
        for args in ["get -vv", "get -vv --refresh", "status -vv", "status -o json", "reject -vv"] {
            let stdin = if args.starts_with("reject") { &*token } else { "" };
            let outcome = test.run_with_stdin(args, stdin);
            let printed = if args.starts_with("get") { "" } else { &outcome.stdout };
            let said = outcome.stderr.clone() + printed;
            for canary in [secret, refresh_token, &token] {
                assert!(!said.contains(canary), "{args:?}: {said}");
            }
        }
        test.sandbox.clear_faults();
    }
    for file in test.state_files().iter().filter(|file| !file.starts_with(test.state().join("secrets"))) {
        let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
        assert!(!text.contains(secret) && !text.contains(refresh_token), "{}", file.display());
    }
}

#[test]
fn a_running_call_shows_its_token_in_no_argument_and_no_core() {
    let test = Test::new();
    test.fault(FaultKind::Hang);
    let running = test.start_request("get");
    let argv = std::fs::read(format!("/proc/{}/cmdline", running.pid())).unwrap();
    assert!(!String::from_utf8_lossy(&argv).contains(test.sandbox.refresh_token()));
    // A non-dumpable process cannot be traced, and its /proc files belong to root.
    let auxv = std::fs::metadata(format!("/proc/{}/environ", running.pid())).unwrap();
    assert!(std::os::unix::fs::MetadataExt::uid(&auxv) == 0);
    let script = format!("ulimit -c unlimited; kill -ABRT {}", running.pid());
    assert!(std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success());
    assert_eq!(running.wait().code, 128 + 6);
}

#[test]
fn a_secret_command_gets_no_secret_from_us() {
    let test = Test::new();
    let seen = test.dir.path().join("seen");
    let script = format!("printenv > {}; echo '{}'", seen.display(), test.secrets_json());
    test.write_config(&test.command_profile("crm", &script));
    let test = test.var("ZOHO_CRED_STORE", "none").var("ZOHO_CRED_STORE_KEY", "store-key-canary");
    test.run("get crm -q").exits(0);
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("HOME="), "{seen}");
    for canary in [test.sandbox.client_secret(), test.sandbox.refresh_token(), "store-key-canary"] {
        assert!(!seen.contains(canary), "{seen}");
    }
}
