//! `setup systemd`: systemd verifies the unit, and the test runs it as systemd would.

use crate::harness::call::Call;
use crate::harness::{PROGRAM, Running, Test, mode, set_mode, until};
use crate::world::{have_all, run};
use std::path::{Path, PathBuf};
use std::process::Command;

fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=')).collect()
}

/// The words of a setting as systemd reads them: quotes and escapes removed, specifiers expanded.
fn words(value: &str, specifier: impl Fn(char) -> String) -> Vec<String> {
    let (mut words, mut quoted, mut chars) = (vec![String::new()], false, value.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            '\\' => words.last_mut().unwrap().push(chars.next().unwrap()),
            '%' => words.last_mut().unwrap().push_str(&specifier(chars.next().unwrap())),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// A unit that runs as systemd would run it.
struct Unit {
    running: Running,
    program: PathBuf,
    runtime: PathBuf,
}

impl Unit {
    fn start(test: &Test, unit: &str) -> Self {
        let (credentials, runtime, state) =
            (test.dir.path().join("credentials"), test.dir.path().join("run"), test.dir.path().join("lib"));
        for folder in [&credentials, &runtime.join("zoho-cred"), &state.join("zoho-cred")] {
            std::fs::create_dir_all(folder).unwrap();
        }
        for loaded in values(unit, "LoadCredential") {
            let (name, _) = loaded.split_once(':').unwrap();
            let secret = match name {
                "zoho-client-secret" => test.sandbox.client_secret(),
                "zoho-refresh-token" => test.sandbox.refresh_token(),
                other => panic!("{other}"),
            };
            let file = credentials.join(name);
            std::fs::write(&file, secret).unwrap();
            set_mode(file, 0o400);
        }
        let specifier = |c| match c {
            't' => runtime.display().to_string(),
            'S' => state.display().to_string(),
            '%' => "%".to_owned(),
            other => panic!("%{other}"),
        };
        let exec = words(values(unit, "ExecStart")[0], specifier);
        let mut command = Command::new(&exec[0]);
        command.args(&exec[1..]).env_clear().env("CREDENTIALS_DIRECTORY", &credentials);
        for setting in values(unit, "Environment") {
            let settings = words(setting, specifier);
            assert_eq!(settings.len(), 1, "{setting}");
            let (name, value) = settings[0].split_once('=').unwrap();
            command.env(name, value);
        }
        let program = exec[0].clone().into();
        Unit { running: test.start(command), program, runtime }
    }
}

/// Asserts that systemd has nothing to say about the unit.
#[track_caller]
fn verified(test: &Test, unit: &str) {
    if have_all(&["systemd-analyze"]) {
        let file = test.file("zoho-cred.service", unit);
        let outcome = run(test, "systemd-analyze", &["verify", "--man=no", file.to_str().unwrap()]);
        assert!(!outcome.stderr.contains("zoho-cred"), "{outcome:?}");
    }
}

#[test]
fn the_unit_keeps_a_file_fresh_from_loaded_credentials() {
    let test = Test::new();
    test.get().ok();
    let unit = test.run("setup systemd").stdout;
    assert!(!test.canaries().iter().any(|secret| unit.contains(secret)));
    verified(&test, &unit);
    let Unit { running, program, runtime } = Unit::start(&test, &unit);
    assert_eq!(program, Path::new(PROGRAM));
    let token = runtime.join("zoho-cred/token");
    until("a token", || token.exists());
    assert!(std::fs::read_to_string(&token).unwrap().starts_with("1000."));
    assert_eq!(mode(&token), 0o640);
    running.signal("TERM");
    assert_eq!(running.wait().code.to_string(), values(&unit, "SuccessExitStatus")[0]);
}

/// Regression: the path stood in the unit as it is, and systemd ended it at a blank and took `%` for a specifier.
#[test]
fn the_unit_runs_a_program_whose_path_has_blanks_and_percent_signs() {
    let test = Test::new();
    test.get().ok();
    let folder = test.dir.path().join("my 100%t tools $HOME");
    std::fs::create_dir(&folder).unwrap();
    let program = folder.join("zoho-cred");
    std::fs::copy(PROGRAM, &program).unwrap();
    let unit = Call::new(&test, [&program]).args("setup systemd").run().stdout;
    verified(&test, &unit);
    let started = Unit::start(&test, &unit);
    assert_eq!(started.program, program);
    until("a token", || started.runtime.join("zoho-cred/token").exists());
    started.running.terminate();
}
