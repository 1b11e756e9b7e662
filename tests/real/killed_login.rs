//! A login killed at any point leaves a usable credential: the old one or the new one.

use crate::harness::{Outcome, PROGRAM, Test, have};
use crate::keyring::{Open, apart, have_keyring};
use crate::world::run;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;
use zoho_cred::sandbox::{Client, ClientKind, Endpoint, Limits, Options};

/// The system calls with lasting effects. `strace` kills the login at the start of the nth call of one group.
const STEPS: [&str; 6] =
    ["rename,renameat,renameat2", "unlink,unlinkat", "fsync,fdatasync", "mkdir,mkdirat", "connect", "flock"];

/// More calls than any login makes of one group. A login that is still killed then is stuck.
const MOST: usize = 60;

#[test]
fn of_the_same_client() {
    dies_everywhere(ClientKind::SelfClient);
}

#[test]
fn of_another_client() {
    dies_everywhere(ClientKind::Any);
}

/// Logs in as a client of type `before`, then repeatedly as a Self Client, and kills it once at every step.
fn dies_everywhere(before: ClientKind) {
    let Some((test, begin)) = logged_in(before) else { return };
    let mut kills = 0;
    for steps in STEPS {
        kills += (1..=MOST)
            .take_while(|nth| !is_through(&test, &begin, steps, &format!("signal=KILL:when={nth}")))
            .count();
    }
    assert!(kills >= 10, "only {kills} kills: strace did not do its work");
}

/// Regression: a login killed before it wrote the config file left its secrets to the client from before the logout.
#[test]
fn of_another_client_after_a_logout() {
    let Some((test, begin)) = logged_in(ClientKind::Any) else { return };
    test.run("logout crm --local").ok();
    std::fs::remove_dir_all(begin.join("state")).unwrap();
    copy(&test.state(), &begin.join("state"));
    let mut killed = 0;
    for nth in 1..MOST {
        let (status, after) = outcome(&test, &begin, STEPS[0], &format!("signal=KILL:when={nth}"));
        assert!(after.code == 0 || (!status.success() && after.code == 77), "{nth}: {after:?}");
        if status.success() {
            break;
        }
        killed += 1;
    }
    assert!((3..MOST - 1).contains(&killed), "{killed} kills: strace did not do its work");
    for entry in test.sandbox.log() {
        assert!(entry.endpoint != Endpoint::Token || entry.outcome == "granted", "{entry:?}");
    }
}

/// The accounts server returns a new refresh token, and the old one works until the new one is used.
#[test]
fn of_a_refresh_that_replaces_the_refresh_token() {
    let Some((test, begin)) = logged_in(ClientKind::Any) else { return };
    let mut kills = 0;
    for steps in STEPS {
        kills += (1..=MOST)
            .take_while(|nth| {
                assert_ne!(*nth, MOST, "{steps}");
                test.sandbox.reset();
                test.sandbox.set_limits(|limits| limits.rotate_refresh_tokens = true).unwrap();
                restore(&test, &begin);
                let mut refresh = meddling(steps, &format!("signal=KILL:when={nth}"));
                refresh.args(["get", "crm", "--refresh"]).env_clear().envs(test.vars());
                let status = refresh.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
                for _ in 0..2 {
                    let after = test.run("get crm --refresh");
                    assert_eq!(after.code, 0, "{steps}: {nth}: {after:?}");
                }
                !status.success()
            })
            .count();
    }
    assert!(kills >= 10, "only {kills} kills: strace did not do its work");
}

#[test]
fn one_that_cannot_write_a_file() {
    let Some((test, begin)) = logged_in(ClientKind::Any) else { return };
    let failed = (1..=10)
        .filter(|nth| !is_through(&test, &begin, STEPS[0], &format!("error=EROFS:when={nth}")))
        .count();
    assert!(failed >= 3, "only {failed} failed: strace did not do its work");
}

/// A sandbox with limits that allow hundreds of logins.
fn generous() -> Test {
    let usual = Limits::default();
    let limits = Limits { budget: 1000, codes: 1000, live_tokens: 1000, refresh_tokens: 1000, ..usual };
    Test::with(Options { limits, ..Options::default() }).without_environment()
}

/// An environment with a login of a client of type `before`, and a copy of its directories.
fn logged_in(before: ClientKind) -> Option<(Test, PathBuf)> {
    if !have("strace") || !have("cp") {
        return None;
    }
    let test = generous();
    let mut old = log_in(&test, test.sandbox.client(before), "file", Command::new(PROGRAM));
    assert!(old.status().unwrap().success());
    let begin = test.dir.path().join("begin");
    copy(&test.state(), &begin.join("state"));
    copy(test.config().parent().unwrap(), &begin.join("config"));
    Some((test, begin))
}

/// Whether a login succeeds while strace interferes with one of its `steps`. Asserts that a token is available either way.
#[track_caller]
fn is_through(test: &Test, begin: &Path, steps: &str, what: &str) -> bool {
    assert!(!what.ends_with(&format!("={MOST}")), "{steps}");
    let (status, after) = outcome(test, begin, steps, what);
    assert_eq!(after.code, 0, "{steps}: {what}: {after:?}");
    status.success()
}

/// The results of a login with which strace interferes at one of its `steps`, and of a refresh after it.
fn outcome(test: &Test, begin: &Path, steps: &str, what: &str) -> (ExitStatus, Outcome) {
    restore(test, begin);
    let strace = meddling(steps, what);
    let status = log_in(test, test.sandbox.client(ClientKind::SelfClient), "file", strace).status().unwrap();
    (status, test.run("get crm --refresh"))
}

fn restore(test: &Test, begin: &Path) {
    for (from, to) in [("state", test.state()), ("config", test.config().parent().unwrap().to_owned())] {
        std::fs::remove_dir_all(&to).unwrap();
        copy(&begin.join(from), &to);
    }
}

/// The program under strace, which interferes with one of its `steps`.
fn meddling(steps: &str, what: &str) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={steps}")]);
    strace.args(["-e", &format!("inject={steps}:{what}"), PROGRAM]);
    strace
}

/// The command for a login of this client.
fn log_in(test: &Test, client: &Client, secrets: &str, mut command: Command) -> Command {
    let mut flow = vec!["login", "crm", "--secrets", secrets, "-q", "--accounts-url", test.sandbox.url()];
    let (code, token);
    let secret = test.file("secret", &client.client_secrets["us"]);
    match client.kind {
        ClientKind::SelfClient => {
            code = test.file(
                "code",
                &test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(60)),
            );
            flow.extend(["--flow", "self-client", "--code-file", code.to_str().unwrap()]);
        }
        _ => {
            token = test.file("token", test.sandbox.refresh_token());
            flow.extend([
                "--flow",
                "refresh-token",
                "--no-verify",
                "--refresh-token-file",
                token.to_str().unwrap(),
            ]);
        }
    }
    command.args(flow).args(["--client-id", &client.client_id, "--client-secret-file"]).arg(secret);
    command.env_clear().envs(test.vars()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn while_it_asks_a_keyring() {
    dies_on_the_way_to_a_keyring("sendmsg", 1, 5);
}

/// The keyring uses a separate connection to write, read back and remove each secret.
#[test]
fn between_two_questions_to_a_keyring() {
    // Each kill leaves more for the next login to remove, so every third step reaches all of them.
    dies_on_the_way_to_a_keyring(STEPS[4], 3, 5);
}

#[test]
fn when_a_keyring_has_the_secrets() {
    dies_on_the_way_to_a_keyring(STEPS[0], 1, 2);
}

/// The same with a keyring. It cannot be reset, so each login replaces what the last one left.
fn dies_on_the_way_to_a_keyring(steps: &str, stride: usize, least: usize) {
    if !have("strace") || !have_keyring() {
        return;
    }
    let mut test = apart(generous());
    let _open = Open::keyring(&mut test);
    let client = test.sandbox.client(ClientKind::SelfClient);
    let logs_in = |command| log_in(&test, client, "keyring", command).status().unwrap().success();
    assert!(logs_in(Command::new(PROGRAM)));
    let config = test.read_config();
    test.write_config(&(config + "budget = { tokens = 1000, window = \"10m\" }\n"));
    let survives = |nth: &usize| {
        let through = logs_in(meddling(steps, &format!("signal=KILL:when={nth}")));
        let after = test.run("get crm --refresh");
        assert_eq!(after.code, 0, "{steps}: {nth}: {after:?}");
        !through
    };
    let kills = (1..stride * MOST).step_by(stride).take_while(survives).count();
    assert!((least..MOST - 1).contains(&kills), "{kills} kills: strace did not do its work");
    let found = "secret-tool search --all service zoho-cred 2>&1 | grep -c '^secret = '";
    let found = run(&test, "bash", &["-c", found]).stdout;
    assert_eq!(found, "2\n", "what the killed logins left behind is gone with the next");
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let status = Command::new("cp").args(["-a"]).args([from, to]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_refresh_during_a_login_finds_the_old_secrets_or_the_new() {
    if !have("strace") {
        return;
    }
    let test = generous();
    refreshes_during_logins(&test, &[ClientKind::Any], |refresh| {
        assert!(refresh.status.success(), "{refresh:?}");
    });
}

/// Regression: a refresh that read the config file before a login sent the new client's secrets as the old client.
#[test]
fn a_refresh_during_a_login_of_another_client_sends_it_no_other_ones_secret() {
    if !have("strace") {
        return;
    }
    let test = generous();
    refreshes_during_logins(&test, &[ClientKind::Any, ClientKind::SelfClient], |refresh| {
        let overtaken =
            String::from_utf8_lossy(&refresh.stderr).contains("came before this command was done");
        let told = refresh.status.code() == Some(75) && overtaken;
        assert!(refresh.status.success() || told, "{refresh:?}");
    });
    for entry in test.sandbox.log() {
        assert!(entry.endpoint != Endpoint::Token || entry.outcome == "granted", "{entry:?}");
    }
}

/// Logs in repeatedly, alternating between `clients`, while slowed-down refreshes run.
fn refreshes_during_logins(test: &Test, clients: &[ClientKind], judge: impl Fn(&Output)) {
    let mut clients = clients.iter().cycle();
    let mut log_in = || {
        let client = test.sandbox.client(*clients.next().unwrap());
        assert!(log_in(test, client, "file", Command::new(PROGRAM)).status().unwrap().success());
    };
    log_in();
    let config = test.read_config();
    test.write_config(&(config + "budget = { tokens = 1000, window = \"10m\" }\n"));
    let slow = || {
        let mut strace = Command::new("strace");
        // Delays every `openat`, so that a login can happen between any two of them.
        strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat"]);
        strace.args(["-e", "inject=openat:delay_exit=20000", PROGRAM, "get", "crm", "--refresh"]);
        strace.env_clear().envs(test.vars()).stdin(Stdio::null()).stdout(Stdio::null());
        strace
    };
    // Without pauses, logins would be faster than a reader that takes 20 ms per directory and file.
    let mut pauses = [0, 30, 0, 60, 120, 0, 800].into_iter().map(Duration::from_millis).cycle();
    for _ in 0..8 {
        let mut refresh = slow().stderr(Stdio::piped()).spawn().unwrap();
        while refresh.try_wait().unwrap().is_none() {
            log_in();
            std::thread::sleep(pauses.next().unwrap());
        }
        judge(&refresh.wait_with_output().unwrap());
    }
}
