//! Exhausted resources: threads, file descriptors, disk space. Each causes an error with an exit code, never a panic.

use crate::harness::call::Call;
use crate::harness::{Test, files_below, have, set_mode};
use rexpect::process::WaitStatus;
use rexpect::session::spawn_command;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::chown;
use std::process::Stdio;
use zoho_cred::sandbox::Options;

/// An otherwise unused user ID, so that its process limit counts only the test's processes.
const USER: u32 = 65_531;

/// An environment that belongs to that user.
fn of_user() -> Option<Test> {
    if !rustix::process::geteuid().is_root() || !have("setpriv") || !have("prlimit") {
        return None;
    }
    let mut options = Options::default();
    options.limits.budget = 100;
    options.limits.live_tokens = 100;
    let test = Test::with(options);
    set_mode(test.dir.path(), 0o755);
    std::fs::create_dir(test.state()).unwrap();
    chown(test.state(), Some(USER), Some(USER)).unwrap();
    // A host name that requires a DNS lookup.
    let url = test.sandbox.url().replace("127.0.0.1", "localhost");
    Some(test.var("ZOHO_ACCOUNTS_URL", &url))
}

fn as_user<'t>(test: &'t Test, limit: &str, args: &str) -> Call<'t> {
    let user = USER.to_string();
    test.call(args).under(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", limit])
}

#[test]
fn without_a_thread_or_a_descriptor_a_call_fails_cleanly() {
    let Some(test) = of_user() else { return };
    let mut codes = Vec::new();
    // `network.rs` counts descriptors down.
    for limit in (1..=4).map(|n| format!("--nproc={n}")).chain(["--nofile=6".into(), "--nofile=24".into()]) {
        let outcome = as_user(&test, &limit, "get").run();
        assert!([0, 69, 74, 75].contains(&outcome.code), "{limit}: {outcome:?}");
        if outcome.code != 0 {
            let word = ["[unavailable]", "[store]", "[busy]"];
            assert!(word.iter().any(|word| outcome.stderr.contains(word)), "{limit}: {outcome:?}");
        }
        codes.push(outcome.code);
        // Neither a remembered failure nor a cached token may affect the next attempt.
        for room in ["ledgers", "credentials"] {
            let _ = std::fs::remove_dir_all(test.state().join(room));
        }
    }
    assert!(codes[0] != 0 && codes.last() == Some(&0), "{codes:?}");
}

#[test]
fn without_a_thread_a_terminal_shows_no_wait_and_the_call_goes_on() {
    let Some(test) = of_user() else { return };
    as_user(&test, "--nproc=100", "get").run().ok();
    let locks: Vec<_> = files_below(&test.state().join("locks"))
        .into_iter()
        .map(|path| {
            let file = File::open(path).unwrap();
            rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
            file
        })
        .collect();
    assert!(!locks.is_empty());
    let mut command = as_user(&test, "--nproc=1", "get --refresh --timeout 3s").command();
    command.stdin(Stdio::inherit());
    let mut pty = spawn_command(command, Some(30_000)).unwrap();
    let shown = pty.exp_eof().unwrap();
    assert!(shown.contains("error[busy]"), "{shown}");
    assert!(matches!(pty.process().wait().unwrap(), WaitStatus::Exited(_, 75)), "{shown}");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_not_the_end() {
    let test = Test::new();
    let run = |script: &str| {
        let mut command = test.shell(&format!("ulimit -f 0; {script}"), &[]).command();
        command.current_dir(test.dir.path()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().code()
    };
    assert_eq!(run("exec \"$0\" get"), Some(74), "neither ledger nor commit file can be written");
    assert_eq!(test.sandbox.token_requests(), 0);
    test.get().ok();
    assert_eq!(run("exec \"$0\" get"), Some(0));
    assert_eq!(run("exec \"$0\" get > printed"), Some(1));
    assert_eq!(run("exec \"$0\" get --output-file written"), Some(74));
    assert_eq!(std::fs::metadata(test.dir.path().join("printed")).unwrap().len(), 0);
    assert!(!test.dir.path().join("written").exists());
    let of_child = run("exec \"$0\" exec -- sh -c 'head -c 9 /dev/zero > grown'");
    assert_eq!(of_child, Some(128 + 25), "the command finds the signal as it is");
}

#[test]
fn full_streams_are_an_error_and_not_a_panic() {
    let test = Test::new();
    test.get().ok();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let prints = "get, get -vv --refresh, get --help, --version, list, status, doctor, man, keygen, completions bash, \
        setup curl, helper git capability";
    let wrong = ", get --nonsense, get --nonsense --error-format json";
    for (code, calls) in [(1, prints), (2, wrong), (125, "exec -- timeout"), (65, "reject")] {
        for args in calls.split(", ") {
            let mut command = test.command(args);
            let status = command.stdout(full()).stderr(full()).status().unwrap();
            assert_eq!(status.code(), Some(code), "{args:?}");
        }
    }
}
