//! A config or state directory that others could have written is refused, and no file makes a call hang.

use crate::harness::{Outcome, Test, Tmpfs, folder, mkfifo, root, set_mode, until};
use std::fs::{create_dir, remove_file, rename, set_permissions, write};
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use zoho_cred::sandbox::{Certificate, Options};

const SOMEBODY: u32 = 65534;

/// A profile in its own directory whose `secret_command` creates the file [`mark`].
fn world() -> Test {
    let test = Test::new();
    let script = format!("touch '{}'; echo '{}'", mark(&test).display(), test.secrets_json());
    test.write_config(&test.command_profile("crm", &script));
    test.without_environment()
}

fn mark(test: &Test) -> PathBuf {
    test.dir.path().join("mark")
}

fn folder_of_config(test: &Test) -> PathBuf {
    test.config().parent().unwrap().to_owned()
}

/// Asserts that nothing runs, nothing is sent, and the hint contains `fix`.
#[track_caller]
fn refused(test: &Test, args: &[&str], fix: &str) {
    test.run(args).failed_with(78, "config", fix);
    assert!(!mark(test).exists(), "the secret_command ran");
    assert_eq!(test.sandbox.log().len(), 0);
}

/// Asserts that the command runs and a token request is sent.
#[track_caller]
fn obeyed(test: &Test, args: &[&str]) {
    test.run(args).ok();
    remove_file(mark(test)).unwrap();
    assert_eq!(test.sandbox.log().len(), 1);
}

#[test]
fn a_config_that_others_can_write_to_runs_nothing() {
    let test = world();
    let fix = format!("chmod o-w {}", test.config().display());
    for open in [0o646, 0o602] {
        set_mode(test.config(), open);
        refused(&test, &["get"], &fix);
        refused(&test, &["get", "--config", test.config().to_str().unwrap()], &fix);
    }
    set_mode(test.config(), 0o644);
    set_mode(folder_of_config(&test), 0o757);
    refused(&test, &["get"], &format!("chmod o-w {}", folder_of_config(&test).display()));
    set_mode(folder_of_config(&test), 0o1777);
    refused(&test, &["get"], "move the config");
    set_mode(folder_of_config(&test), 0o755);
    obeyed(&test, &["get"]);
}

#[test]
fn only_the_users_own_group_may_write_the_config() {
    let test = world();
    if !root() {
        return;
    }
    for path in [test.config(), folder_of_config(&test)] {
        let before = path.metadata().unwrap().permissions();
        set_mode(&path, 0o770);
        chown(&path, None, Some(SOMEBODY)).unwrap();
        refused(&test, &["get"], &format!("chmod g-w {}", path.display()));
        chown(&path, None, Some(0)).unwrap();
        test.run("list").ok();
        let _ = remove_file(mark(&test));
        set_permissions(&path, before).unwrap();
    }
    set_mode(test.config(), 0o660);
    obeyed(&test, &["get"]);
}

#[test]
fn a_config_of_another_user_runs_nothing_unless_it_is_named() {
    if !root() {
        return;
    }
    let mut test = world();
    for path in [folder_of_config(&test), test.config()] {
        chown(&path, Some(SOMEBODY), None).unwrap();
        refused(&test, &["get"], &format!("chown 0 {}", path.display()));
        chown(&path, Some(0), None).unwrap();
    }
    chown(test.config(), Some(SOMEBODY), None).unwrap();
    let config = test.config().display().to_string();
    obeyed(&test, &["get", "--config", &config]);
    test.set("ZOHO_CRED_CONFIG", &config);
    test.run("get --refresh").ok();
}

#[test]
fn a_linked_config_is_as_good_as_the_file_and_every_link() {
    let test = world();
    let (kept, open) = (test.dir.path().join("dotfiles"), test.dir.path().join("open"));
    create_dir(&kept).unwrap();
    folder(open.clone(), 0o777);
    let real = kept.join("zoho.toml");
    rename(test.config(), &real).unwrap();
    symlink(&real, open.join("link.toml")).unwrap();
    symlink(open.join("link.toml"), test.config()).unwrap();
    refused(&test, &["get"], &format!("chmod o-w {}", open.display()));
    let direct = open.join("link.toml").display().to_string();
    refused(&test, &["get", "--config", &direct], "chmod o-w");
    remove_file(test.config()).unwrap();
    symlink(&real, test.config()).unwrap();
    set_mode(&kept, 0o777);
    refused(&test, &["get"], &format!("chmod o-w {}", kept.display()));
    set_mode(&kept, 0o700);
    obeyed(&test, &["get"]);
}

#[test]
fn no_command_obeys_or_changes_a_config_that_others_can_write_to() {
    let test = world();
    set_mode(test.config(), 0o666);
    let before = std::fs::read(test.config()).unwrap();
    for command in [
        &["list"][..],
        &["status", "crm"],
        &["logout", "crm", "--local"],
        &["exec", "crm", "--", "touch", mark(&test).to_str().unwrap()],
        &["setup", "curl", "crm"],
        &["login", "new", "--flow", "refresh-token", "--secrets", "file", "--data-center", "eu"],
    ] {
        refused(&test, command, "chmod ");
    }
    assert_eq!(std::fs::read(test.config()).unwrap(), before);
}

#[test]
fn doctor_reports_a_config_that_others_can_write_to() {
    let test = world();
    set_mode(test.config(), 0o666);
    let outcome = test.run("doctor -o json");
    outcome.exits(1).found("config", "failed", "| check the config, then run 'chmod ");
    outcome.found("state folder", "ok", "");
    assert!(!mark(&test).exists());
}

#[test]
fn the_state_folder_is_checked_before_a_command_runs() {
    let mut test = world();
    let open = test.dir.path().join("open");
    folder(open.clone(), 0o777);
    let inner = open.join("ours");
    folder(inner.clone(), 0o700);
    symlink(&inner, test.dir.path().join("linked")).unwrap();
    let cases = [
        (open.join("state"), format!("chmod go-w {}", open.display())),
        (inner.join("state"), format!("chmod go-w {}", open.display())),
        (test.dir.path().join("linked/state"), format!("chmod go-w {}", open.display())),
        (test.dir.path().join("linked"), "is a link".to_owned()),
    ];
    for (state, words) in cases {
        test.set("ZOHO_CRED_STATE_DIR", state.to_str().unwrap());
        test.get().failed_with(74, "store", &words);
        test.run("doctor -o json").found("state folder", "failed", &words);
        assert!(!mark(&test).exists(), "the secret_command ran");
        assert_eq!(test.sandbox.token_requests(), 0);
    }
    // In a sticky directory such as /tmp, other users cannot replace our directory.
    set_mode(&open, 0o1777);
    test.set("ZOHO_CRED_STATE_DIR", inner.join("state").to_str().unwrap());
    test.get().ok();
    if root() {
        chown(&open, Some(SOMEBODY), None).unwrap();
        test.get().failed(74, "store");
    }
}

/// Asserts that the call ended long before its `--timeout` of 30 s.
#[track_caller]
fn at_once(outcome: &Outcome, code: i32, word: &str) {
    outcome.failed(code, word).within(Duration::from_secs(8));
}

#[test]
fn a_config_that_is_no_file_or_too_large_does_not_hang() {
    let test = Test::new();
    test.write_config("");
    remove_file(test.config()).unwrap();
    mkfifo(&test.config());
    at_once(&test.get(), 78, "config");
    let config = test.config().display().to_string();
    // A file named on the command line may be a pipe, but this pipe has no writer.
    for path in [config.as_str(), "/dev/zero", "/dev/null", "/tmp"] {
        at_once(&test.run(["get", "--config", path]), 78, "config");
    }
    remove_file(test.config()).unwrap();
    test.write_config(&"#".repeat((1 << 20) + 1));
    let outcome = test.get();
    at_once(&outcome, 78, "config");
    outcome.says("1024 KiB").says(&config);
    test.write_config(&"#".repeat(1 << 20));
    test.get().ok();
}

#[test]
fn a_config_that_the_command_line_names_may_be_a_pipe() {
    let test = world();
    let (script, config) = ("exec $0 get --config <(sleep 0.3; cat $1)", test.config());
    test.shell(script, &[config.to_str().unwrap()]).run().ok();
}

#[test]
fn a_secret_file_that_is_no_file_or_too_large_does_not_hang() {
    let test = Test::new().unset("ZOHO_REFRESH_TOKEN");
    let pipe = test.dir.path().join("pipe");
    mkfifo(&pipe);
    let long = test.file("long", &"x".repeat((64 << 10) + 1));
    let mut test = test;
    for path in [pipe.to_str().unwrap(), "/dev/zero", long.to_str().unwrap()] {
        test.set("ZOHO_REFRESH_TOKEN_FILE", path);
        at_once(&test.get(), 74, "store");
    }
    let login = "login crm --flow refresh-token --secrets file --data-center eu --client-id 1000.A";
    at_once(&test.call(login).args("--client-secret-file /dev/zero").run(), 74, "store");
    assert_eq!(test.sandbox.log().len(), 0);
}

#[test]
fn a_stored_secret_that_is_no_file_or_too_large_does_not_hang() {
    let test = Test::new().with_profile();
    let secret = test.secret("refresh-token-");
    let text = std::fs::read_to_string(&secret).unwrap();
    write(&secret, text.clone() + &" ".repeat(64 << 10)).unwrap();
    at_once(&test.get(), 74, "store");
    remove_file(&secret).unwrap();
    mkfifo(&secret);
    set_mode(&secret, 0o600);
    at_once(&test.get(), 74, "store");
    assert_eq!(test.sandbox.log().len(), 0);
    remove_file(&secret).unwrap();
    write(&secret, text).unwrap();
    set_mode(&secret, 0o600);
    test.get().ok();
}

#[test]
fn a_ca_file_that_cannot_be_used_is_the_callers_own_mistake() {
    let test = Test::with(Options { tls: Some(Certificate::Valid), ..Options::default() });
    let good = test.file("ca.pem", test.sandbox.ca_pem().unwrap()).display().to_string();
    let pipe = test.dir.path().join("pipe");
    mkfifo(&pipe);
    let garbage = test.file("garbage", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n");
    let empty = test.file("empty", "");
    for bad in [&pipe, Path::new("/dev/zero"), Path::new("/nonexistent"), &garbage, &empty] {
        at_once(&test.call("get --ca-file").arg(bad).run(), 78, "config");
        at_once(&test.call("get").env("SSL_CERT_FILE", bad).run(), 78, "config");
    }
    assert_eq!(test.sandbox.log().len(), 0);
    // The failure is not shared with other callers, and no request is counted.
    test.run(["get", "--ca-file", &good]).ok();
    assert_eq!(test.counted(), 1);
    // A valid token is still printed.
    test.age_token(3560);
    test.run("get --ca-file /nonexistent").warned("/nonexistent");
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Whether a process exists and is not a zombie.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

/// Also one whose child only keeps its stdout open.
#[test]
fn a_secret_command_past_its_time_leaves_no_children() {
    let nested = r#"sh -c 'echo $$ >>"$0"; sleep 600; :' PIDS & sleep 600 & echo $! >>PIDS; wait"#;
    for (script, children) in [(nested, 2), ("sleep 600 & echo $! >>PIDS; echo '{}'", 1)] {
        let test = world();
        let pids = test.dir.path().join("pids");
        test.file("crm.sh", &script.replace("PIDS", pids.to_str().unwrap()));
        let outcome = test.run("get --timeout 2s");
        outcome.failed(74, "store").within(Duration::from_secs(5));
        let pids = std::fs::read_to_string(pids).unwrap();
        assert_eq!(pids.lines().count(), children, "{pids:?}");
        until("the children to end", || !pids.lines().any(is_alive));
    }
}

/// Regression: the command has a process group of its own, so a signal to the program, or to the program's group, passed
/// it by, and it went on running.
#[test]
fn a_signal_ends_the_secret_command_and_its_children() {
    for (args, signal, code) in
        [(&["get"][..], "TERM", 143), (&["get"], "INT", 130), (&["exec", "--", "true"], "TERM", 143)]
    {
        let test = world();
        let pids = test.dir.path().join("pids");
        let script = format!("sleep 600 & echo $! >>'{0}'; echo $$ >>'{0}'; wait", pids.display());
        test.file("crm.sh", &script);
        let running = test.start(test.command(args));
        let read = || std::fs::read_to_string(&pids).unwrap_or_default();
        until("the command to run", || read().lines().count() == 2 && read().ends_with('\n'));
        running.signal(signal);
        let outcome = running.wait();
        assert_eq!((outcome.code, outcome.stdout.as_str()), (code, ""), "{outcome:?}");
        until("the command and its child to end", || !read().lines().any(is_alive));
        assert_eq!(test.sandbox.log().len(), 0, "nothing was sent");
        // The lock is free, and nobody remembers the interruption as a failure.
        test.file("crm.sh", &format!("echo '{}'", test.secrets_json()));
        test.get().ok();
    }
}

#[test]
fn a_config_map_is_obeyed() {
    let test = world();
    // As mounted by kubelet: a directory of mode 0777 on a read-only file system, with symlinks to a versioned directory.
    let volume = test.dir.path().join("volume");
    let Some(mounted) = Tmpfs::mount(&volume, "mode=777") else { return };
    let version = volume.join("..2026_01_01");
    create_dir(&version).unwrap();
    std::fs::copy(test.config(), version.join("config.toml")).unwrap();
    symlink("..2026_01_01", volume.join("..data")).unwrap();
    symlink("..data/config.toml", volume.join("config.toml")).unwrap();
    let named = volume.join("config.toml").display().to_string();
    test.run(["get", "--config", &named]).failed(78, "config");
    mounted.remount("ro");
    test.run(["get", "--config", &named]).ok();
}
