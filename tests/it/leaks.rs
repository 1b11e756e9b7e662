//! Secrets appear only where they are supposed to.

use crate::harness::Test;
use zoho_cred::sandbox::{FaultKind, Language};

#[test]
fn canaries_stay_where_they_belong() {
    let test = Test::new().with_profile();
    let token = test.token();
    let canaries = [test.sandbox.client_secret().to_owned(), test.sandbox.refresh_token().to_owned(), token];
    let faults = [
        None,
        Some(FaultKind::Html),
        Some(FaultKind::InvalidCode),
        Some(FaultKind::InvalidClient),
        Some(FaultKind::Reset),
        Some(FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None }),
    ];
    for fault in faults {
        if let Some(kind) = fault {
            test.fault(kind);
        }
        for args in ["get -vv", "get -vv --refresh", "status -vv", "status -o json"] {
            let outcome = test.run(args);
            let said = match &args[..3] {
                "get" => outcome.stderr,
                _ => outcome.stdout + &outcome.stderr,
            };
            for canary in &canaries {
                assert!(!said.contains(canary.as_str()), "{args:?}: {said}");
            }
        }
        let rejected = test.run_with_stdin("reject -vv", canaries[2].as_bytes());
        assert!(!rejected.stderr.contains(&canaries[2]));
        test.sandbox.clear_faults();
    }
    for file in test.state_files() {
        let is_secret = file.starts_with(test.state().join("secrets"));
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for canary in &canaries[..2] {
            assert!(is_secret || !text.contains(canary.as_str()), "{}", file.display());
        }
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
