//! Two users on one machine with the same `$TMPDIR`, one of them hostile.

use crate::harness::{PROGRAM, Test, files_below, have, root};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Command, Output};

const HOSTILE: u32 = 65534;

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs a program as the hostile user.
fn as_hostile(program: &str) -> Command {
    let user = HOSTILE.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", program]);
    command
}

fn hostile(script: &str, args: &[&Path]) -> Output {
    as_hostile("sh").args(["-c", script, "sh"]).args(args).output().unwrap()
}

/// Makes the hostile user a home directory of its own. Returns what runs our program there.
fn at_home(test: &Test) -> impl Fn(&[&str]) -> Command {
    let home = test.dir.path().join("home");
    std::fs::create_dir(&home).unwrap();
    chown(&home, Some(HOSTILE), Some(HOSTILE)).unwrap();
    move |args| {
        let mut command = as_hostile(PROGRAM);
        command.args(args).env_clear().envs(test.vars()).env("HOME", &home);
        command.env("ZOHO_CRED_STATE_DIR", home.join("state"));
        command
    }
}

/// An environment whose directories others can list, with a shared directory for `$TMPDIR`.
fn shared_world() -> Option<Test> {
    if !root() || !have("setpriv") || !have("flock") {
        return None;
    }
    let test = Test::new();
    mode(test.dir.path(), 0o755);
    let shared = test.dir.path().join("tmp");
    std::fs::create_dir(&shared).unwrap();
    mode(&shared, 0o1777);
    Some(test.var("TMPDIR", shared.to_str().unwrap()))
}

#[test]
fn nothing_of_ours_can_be_read_or_blocked() {
    let Some(test) = shared_world() else { return };
    let test = test.with_profile();
    test.get().ok();
    let shared = test.dir.path().join("tmp");
    assert!(files_below(&shared).is_empty(), "nothing is put where others can meet it");
    assert!(hostile("true", &[]).status.success(), "the hostile user can run programs");
    let files = test.state_files();
    assert!(files.iter().any(|file| file.to_string_lossy().contains("locks")));
    for file in &files {
        for script in ["cat \"$1\"", "flock -n \"$1\" true", "flock -sn \"$1\" true", "echo junk > \"$1\""] {
            let output = hostile(script, &[file]);
            assert!(!output.status.success() && output.stdout.is_empty(), "{script} {}", file.display());
        }
    }
    let script = "rm -rf \"$1\"; mv \"$1\" \"$1.gone\"; ls \"$1\" || ln -s /tmp \"$1/locks\"";
    assert!(!hostile(script, &[&test.state()]).status.success());
    test.run("get --refresh").ok();
}

#[test]
fn nothing_planted_is_used() {
    let Some(mut test) = shared_world() else { return };
    let shared = test.dir.path().join("tmp");
    let target = test.dir.path().join("target");
    std::fs::create_dir(&target).unwrap();
    mode(&target, 0o777);
    // A state directory in the shared directory, created first by the hostile user as a directory, a symlink or a file.
    let plants = ["mkdir -p \"$1/locks\"; chmod -R 777 \"$1\"", "ln -s \"$2\" \"$1\"", "echo x > \"$1\""];
    for (index, plant) in plants.iter().enumerate() {
        let state = shared.join(format!("state{index}"));
        assert!(hostile(plant, &[&state, &target]).status.success());
        test.set("ZOHO_CRED_STATE_DIR", state.to_str().unwrap());
        test.get().failed(74, "store");
    }
    assert!(files_below(&target).is_empty());
    assert_eq!(test.sandbox.token_requests(), 0, "nothing was sent on the strength of planted state");
    // Subdirectories, files and locks of other users in our state directory, as after restoring a backup.
    let state = test.dir.path().join("state");
    test.set("ZOHO_CRED_STATE_DIR", state.to_str().unwrap());
    test.get().ok();
    let lock = files_below(&state.join("locks")).remove(0);
    std::fs::remove_file(&lock).unwrap();
    symlink(target.join("lock"), &lock).unwrap();
    test.run("get --refresh").failed(74, "store");
    assert!(files_below(&target).is_empty(), "a planted link is not followed");
    std::fs::remove_file(&lock).unwrap();
    std::fs::write(&lock, "").unwrap();
    mode(&lock, 0o666);
    chown(&lock, Some(HOSTILE), None).unwrap();
    test.run("get --refresh").failed(74, "store");
    std::fs::remove_file(&lock).unwrap();
    test.run("get --refresh").ok();
    chown(state.join("locks"), Some(HOSTILE), None).unwrap();
    test.run("get --refresh").failed(74, "store");
}

/// In a directory that everybody can write to, any user can replace a subdirectory.
#[test]
fn a_state_folder_that_another_user_can_replace_is_refused() {
    let Some(mut test) = shared_world() else { return };
    let open = test.dir.path().join("open");
    std::fs::create_dir(&open).unwrap();
    mode(&open, 0o777);
    let state = open.join("state");
    std::fs::create_dir(&state).unwrap();
    mode(&state, 0o700);
    assert!(hostile("mv \"$1\" \"$2\" && mv \"$2\" \"$1\"", &[&state, &open.join("away")]).status.success());
    test.set("ZOHO_CRED_STATE_DIR", state.to_str().unwrap());
    test.get().failed(74, "store");
    assert!(files_below(&state).is_empty());
    assert_eq!(test.sandbox.log().len(), 0);
}

#[test]
fn two_users_do_not_meet() {
    let Some(test) = shared_world() else { return };
    let ours = test.token();
    let theirs = test.start(at_home(&test)(&["get"])).wait();
    assert_ne!(theirs.ok(), ours);
    assert_eq!(test.get().ok(), ours);
}

#[test]
fn not_even_the_same_user_reads_the_memory_of_a_running_call() {
    let Some(test) = shared_world() else { return };
    test.fault(zoho_cred::sandbox::FaultKind::Hang);
    let running = test.start(at_home(&test)(&["get", "--timeout", "20s"]));
    crate::harness::until("the request", || test.sandbox.token_requests() == 1);
    let process = std::path::PathBuf::from(format!("/proc/{}", running.pid()));
    for file in ["environ", "maps", "mem"] {
        let output = hostile("head -c 1 \"$1\"", &[&process.join(file)]);
        assert!(!output.status.success() && output.stdout.is_empty(), "{file}");
    }
    running.terminate();
}

/// Root ignores file modes, so this runs as another user.
#[test]
fn a_ledger_that_its_mode_keeps_from_us_counts_as_all_but_two_used() {
    let Some(test) = shared_world() else { return };
    let command = at_home(&test);
    let refresh = || test.start(command(&["get", "--refresh"])).wait();
    refresh().ok();
    let state = test.dir.path().join("home/state");
    for file in files_below(&state.join("ledgers")).iter().chain(&files_below(&state.join("credentials"))) {
        mode(file, 0);
    }
    refresh().ok();
    refresh().ok();
    refresh().failed(75, "rate_limited");
    assert_eq!(test.sandbox.token_requests(), 3);
}
