//! A login killed at any point leaves a usable credential: the old one or the new one.

use crate::harness::call::Call;
use crate::harness::{Outcome, Test, have};
use crate::keyring::{Open, apart, have_keyring};
use crate::world::run;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Endpoint, Limits, Options};

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
    killed_at_every_step(|steps, nth| !is_through(&test, &begin, steps, &format!("signal=KILL:when={nth}")));
}

/// Calls `is_killed` with every step until it is not.
fn killed_at_every_step(is_killed: impl Fn(&str, usize) -> bool) {
    let of = |steps| (1..=MOST).take_while(|nth| is_killed(steps, *nth)).count();
    let kills: usize = STEPS.into_iter().map(of).sum();
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
        let [login, after] = outcome(&test, &begin, STEPS[0], &format!("signal=KILL:when={nth}"));
        assert!(after.code == 0 || (login.code != 0 && after.code == 77), "{nth}: {after:?}");
        if login.code == 0 {
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
    killed_at_every_step(|steps, nth| {
        assert_ne!(nth, MOST, "{steps}");
        test.sandbox.reset();
        test.sandbox.set_limits(|limits| limits.rotate_refresh_tokens = true).unwrap();
        restore(&test, &begin);
        let killer = meddling(steps, &format!("signal=KILL:when={nth}"));
        let refresh = test.call("get crm --refresh").under(killer).run();
        for _ in 0..2 {
            let after = test.run("get crm --refresh");
            assert_eq!(after.code, 0, "{steps}: {nth}: {after:?}");
        }
        refresh.code != 0
    });
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
    log_in(&test, before, "file").run().ok();
    let begin = test.dir.path().join("begin");
    copy(&test.state(), &begin.join("state"));
    copy(test.config().parent().unwrap(), &begin.join("config"));
    Some((test, begin))
}

/// Whether a login succeeds while strace interferes with one of its `steps`. Asserts that a token is available either way.
#[track_caller]
fn is_through(test: &Test, begin: &Path, steps: &str, what: &str) -> bool {
    assert!(!what.ends_with(&format!("={MOST}")), "{steps}");
    let [login, after] = outcome(test, begin, steps, what);
    assert_eq!(after.code, 0, "{steps}: {what}: {after:?}");
    login.code == 0
}

/// The results of a login with which strace interferes at one of its `steps`, and of a refresh after it.
fn outcome(test: &Test, begin: &Path, steps: &str, what: &str) -> [Outcome; 2] {
    restore(test, begin);
    let login = log_in(test, ClientKind::SelfClient, "file").under(meddling(steps, what)).run();
    [login, test.run("get crm --refresh")]
}

fn restore(test: &Test, begin: &Path) {
    for (from, to) in [("state", test.state()), ("config", test.config().parent().unwrap().to_owned())] {
        std::fs::remove_dir_all(&to).unwrap();
        copy(&begin.join(from), &to);
    }
}

/// strace, which interferes with one of the `steps` of the program that it runs.
fn meddling(steps: &str, what: &str) -> Vec<String> {
    let trace = format!("strace -f -qq -o /dev/null -e trace={steps} -e inject={steps}:{what}");
    trace.split(' ').map(str::to_owned).collect()
}

/// A login of a client of this type.
fn log_in<'t>(test: &'t Test, client: ClientKind, secrets: &str) -> Call<'t> {
    let login = match client {
        ClientKind::SelfClient => test.self_client_login("crm"),
        _ => {
            let login = test.login("crm", client).args("--flow refresh-token --no-verify");
            login.file("--refresh-token-file", test.sandbox.refresh_token())
        }
    };
    login.args(["-q", "--secrets", secrets])
}

#[test]
fn while_it_asks_a_keyring() {
    dies_on_the_way_to_a_keyring("sendmsg", 2, 5);
}

/// The keyring uses a separate connection to write, read back and remove each secret.
#[test]
fn between_two_questions_to_a_keyring() {
    dies_on_the_way_to_a_keyring(STEPS[4], 3, 5);
}

#[test]
fn when_a_keyring_has_the_secrets() {
    dies_on_the_way_to_a_keyring(STEPS[0], 1, 2);
}

/// The same with a keyring. It cannot be reset, so each login replaces what the last one left. Each kill leaves more for the
/// next login to remove, so with a stride other steps come at each place.
fn dies_on_the_way_to_a_keyring(steps: &str, stride: usize, least: usize) {
    if !have("strace") || !have_keyring() {
        return;
    }
    let mut test = apart(generous());
    let _open = Open::keyring(&mut test);
    let login = || log_in(&test, ClientKind::SelfClient, "keyring");
    login().run().ok();
    test.configure("budget = { tokens = 1000, window = '10m' }");
    let survives = |nth: &usize| {
        let killed = login().under(meddling(steps, &format!("signal=KILL:when={nth}"))).run();
        let after = test.run("get crm --refresh");
        assert_eq!(after.code, 0, "{steps}: {nth}: {after:?}");
        killed.code != 0
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
        refresh.ok();
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
        if refresh.code != 0 {
            refresh.exits(75).says("came before this command was done");
        }
    });
    for entry in test.sandbox.log() {
        assert!(entry.endpoint != Endpoint::Token || entry.outcome == "granted", "{entry:?}");
    }
}

/// Logs in repeatedly, alternating between `clients`, while slowed-down refreshes run.
fn refreshes_during_logins(test: &Test, clients: &[ClientKind], judge: impl Fn(&Outcome)) {
    let mut clients = clients.iter().cycle();
    let mut log_in = || {
        log_in(test, *clients.next().unwrap(), "file").run().ok();
    };
    log_in();
    test.configure("budget = { tokens = 1000, window = '10m' }");
    // Delays every `openat`, so that a login can happen between any two of them.
    let slow = || test.call("get crm --refresh").under(meddling("openat", "delay_exit=20000")).start();
    // Without pauses, logins would be faster than a reader that takes 20 ms per directory and file.
    let mut pauses = [0, 30, 0, 60, 120, 0, 800].into_iter().map(Duration::from_millis).cycle();
    for _ in 0..8 {
        let mut refresh = slow();
        while refresh.is_running() {
            log_in();
            std::thread::sleep(pauses.next().unwrap());
        }
        judge(&refresh.wait());
    }
}
