//! `setup systemd`: systemd verifies the unit, and the test runs it as systemd would.

use crate::harness::{PROGRAM, Test, until};
use crate::world::{have_all, run};
use std::os::unix::fs::PermissionsExt;

fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

#[test]
fn the_unit_keeps_a_file_fresh_from_loaded_credentials() {
    let test = Test::new();
    test.get().ok();
    let unit = test.run(["setup", "systemd"]).stdout;
    for secret in [test.sandbox.client_secret(), test.sandbox.refresh_token()] {
        assert!(!unit.contains(secret));
    }
    if have_all(&["systemd-analyze"]) {
        let file = test.file("zoho-cred.service", &unit);
        let outcome = run(&test, "systemd-analyze", &["verify", "--man=no", file.to_str().unwrap()]);
        assert!(!outcome.stderr.contains("zoho-cred.service"), "{outcome:?}");
    }
    let (credentials, runtime, state) =
        (test.dir.path().join("credentials"), test.dir.path().join("run"), test.dir.path().join("lib"));
    for folder in [&credentials, &runtime.join("zoho-cred"), &state.join("zoho-cred")] {
        std::fs::create_dir_all(folder).unwrap();
    }
    for loaded in values(&unit, "LoadCredential") {
        let (name, _) = loaded.split_once(':').unwrap();
        let secret = match name {
            "zoho-client-secret" => test.sandbox.client_secret(),
            "zoho-refresh-token" => test.sandbox.refresh_token(),
            other => panic!("{other}"),
        };
        let file = credentials.join(name);
        std::fs::write(&file, secret).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o400)).unwrap();
    }
    let expand =
        |text: &str| text.replace("%t", runtime.to_str().unwrap()).replace("%S", state.to_str().unwrap());
    let exec = values(&unit, "ExecStart");
    let words: Vec<String> = expand(exec[0]).split_whitespace().map(str::to_owned).collect();
    assert_eq!(words[0], PROGRAM);
    let mut command = std::process::Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env("CREDENTIALS_DIRECTORY", &credentials);
    for setting in values(&unit, "Environment") {
        let (name, value) = setting.split_once('=').unwrap();
        command.env(name, expand(value));
    }
    let running = test.start(command);
    let token = runtime.join("zoho-cred/token");
    until("a token", || token.exists());
    assert!(std::fs::read_to_string(&token).unwrap().starts_with("1000."));
    assert_eq!(std::fs::metadata(&token).unwrap().permissions().mode() & 0o777, 0o640);
    running.signal("TERM");
    assert_eq!(running.wait().code.to_string(), values(&unit, "SuccessExitStatus")[0]);
}
