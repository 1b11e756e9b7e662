//! `--output-file`, and the output formats for CI systems.

use crate::harness::call::Call;
use crate::harness::{PROGRAM, Test, files_below, folder, have, mkfifo, mode, root, set_mode};
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[test]
fn a_file_is_replaced_for_its_reader_alone() {
    let test = Test::new();
    let token = test.get().stdout;
    let out = test.dir.path().join("token");
    let path = out.to_str().unwrap();
    let found = || (std::fs::read_to_string(&out).unwrap(), mode(&out));
    assert_eq!(test.run(["get", "--output-file", path]).ok(), "", "nothing goes to stdout");
    assert_eq!(found(), (token.clone(), 0o600));
    set_mode(&out, 0o666);
    let mut old = std::fs::File::open(&out).unwrap();
    test.run(["get", "-o", "header", "--output-file", path, "--mode", "0640"]).ok();
    assert_eq!(found(), (format!("Authorization: Zoho-oauthtoken {token}"), 0o640));
    assert_eq!(std::io::read_to_string(&mut old).unwrap(), token, "an open file was replaced");
    test.shell("umask 077; exec $0 get --output-file $1 --mode 644", &[path]).run().ok();
    assert_eq!(mode(&out), 0o644, "a mode that was asked for does not depend on the umask");
}

#[test]
fn the_old_name_of_the_flag_works_and_is_not_shown() {
    let test = Test::new();
    let out = test.dir.path().join("token");
    test.run(["get", "--out", out.to_str().unwrap()]).ok();
    assert_eq!(std::fs::read_to_string(out).unwrap(), test.get().stdout);
    let help = test.run("get --help");
    assert!(help.ok().contains("--output-file <FILE>") && !help.stdout.contains("--out "), "{help:?}");
}

#[test]
fn what_is_unsafe_is_refused_before_a_request_is_spent() {
    let test = Test::new();
    let dir = test.dir.path();
    let target = test.file("elsewhere", "untouched");
    symlink(&target, dir.join("link")).unwrap();
    symlink(dir.join("nowhere"), dir.join("dangling")).unwrap();
    let open = folder(dir.join("open"), 0o777);
    folder(dir.join("sticky"), 0o1777);
    let named = ["link", "dangling", "open/token", "sticky/token", ""];
    for bad in named.into_iter().chain(["/dev/null", "/dev/null/token", "/proc/nonexistent/token"]) {
        test.call("get --output-file").arg(dir.join(bad)).run().failed(74, "store");
    }
    assert_eq!(std::fs::read_to_string(target).unwrap(), "untouched");
    assert!(!dir.join("nowhere").exists() && !open.join("token").exists());
    for bad in ["0999", "1777", "0400", "x", ""] {
        test.run(["get", "--output-file", "x", "--mode", bad]).failed(2, "usage");
    }
    test.run("get --mode 0600").failed(2, "usage");
    assert_eq!(test.sandbox.token_requests(), 0);
}

/// A Kubernetes emptyDir has mode 0777.
#[test]
fn the_hint_for_an_open_folder_works_as_it_is() {
    let test = Test::new();
    let open = folder(test.dir.path().join("empty-dir"), 0o777);
    let get = |out: &Path| test.call("get --output-file").arg(out).run();
    let hinted = open.join("zoho-cred/token");
    let hint = format!("hint: use --output-file {};", hinted.display());
    get(&open.join("token")).failed_with(74, "store", &hint);
    get(&hinted).ok();
    assert_eq!((mode(&open.join("zoho-cred")), mode(&hinted)), (0o700, 0o600));
    assert_eq!(mode(&open), 0o777, "a folder that was there is left as it is");
}

#[test]
fn missing_folders_are_private_whatever_the_umask() {
    let test = Test::new();
    for (umask, file_mode, folder_mode) in
        [("000", "0600", 0o700), ("077", "0640", 0o750), ("027", "0644", 0o750), ("000", "0604", 0o700)]
    {
        let folder = test.dir.path().join(format!("{umask}-{file_mode}"));
        let out = folder.join("a/b/token");
        let script = "umask $2; exec $0 get --output-file $1 --mode $3";
        test.shell(script, &[out.to_str().unwrap(), umask, file_mode]).run().ok();
        for made in [&*folder, &folder.join("a"), &folder.join("a/b")] {
            assert_eq!(mode(made), folder_mode, "{}", made.display());
        }
        assert_eq!(mode(&out), u32::from_str_radix(file_mode, 8).unwrap());
    }
}

#[test]
fn a_folder_of_another_user_is_refused() {
    if !root() || !have("setpriv") {
        return;
    }
    const US: u32 = 65533;
    const OTHER: u32 = 65532;
    let test = Test::new();
    set_mode(test.dir.path(), 0o755);
    let [_, ours, theirs] = [("state", US), ("ours", US), ("theirs", OTHER)].map(|(name, owner)| {
        let folder = folder(test.dir.path().join(name), 0o755);
        chown(&folder, Some(owner), Some(owner)).unwrap();
        folder
    });
    let run = |folder: &Path| {
        let user = US.to_string();
        let call = test.call("get --output-file").arg(folder.join("token"));
        call.under(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"]).run()
    };
    run(&ours).ok();
    run(&theirs).failed_with(74, "store", "another user");
}

/// Whether another user can read a file below `base`, which is open to everybody.
fn others_can_read(base: &Path, file: &Path) -> bool {
    let folders = file.ancestors().skip(1).take_while(|folder| *folder != base);
    mode(file) & 0o004 != 0 && folders.into_iter().all(|folder| mode(folder) & 0o001 != 0)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Regression: a call killed before the rename left a file with a token and the final mode.
#[test]
fn a_killed_call_leaves_nothing_that_others_can_read_and_the_next_call_cleans_up() {
    if !have("strace") {
        return;
    }
    let test = Test::new();
    let token = test.token();
    let out_folder = test.dir.path().join("out");
    let out = out_folder.join("token");
    let args = ["get", "--output-file", out.to_str().unwrap(), "--mode", "0644"];
    let steps = [
        "mkdir,mkdirat",
        "flock",
        "write",
        "chmod,fchmod,fchmodat",
        "fsync,fdatasync",
        "rename,renameat,renameat2",
        "unlink,unlinkat,rmdir",
    ];
    let mut littered = 0;
    for step in steps {
        let mut kills = 0;
        for nth in 1.. {
            let _ = std::fs::remove_dir_all(&out_folder);
            folder(out_folder.clone(), 0o755);
            let inject = format!("inject={step}:signal=KILL:when={nth}");
            let strace = format!("strace -f -qq -o /dev/null -e trace={step} -e {inject}");
            let done = test.call(args).under(&*strace).run().code == 0;
            for file in files_below(&out_folder) {
                if std::fs::read_to_string(&file).unwrap().contains(&token) && file != out {
                    littered += 1;
                    assert!(!others_can_read(&out_folder, &file), "{step} {nth}: {}", file.display());
                }
            }
            test.run(args).ok();
            assert_eq!(entries(&out_folder), [&*out], "{step} {nth}");
            assert_eq!((std::fs::read_to_string(&out).unwrap(), mode(&out)), (format!("{token}\n"), 0o644));
            if done {
                break;
            }
            kills += 1;
        }
        assert!(kills > 0, "{step}: strace did not do its work");
    }
    assert!(littered > 0, "no kill left a token to be removed");
}

#[test]
fn files_of_a_running_call_and_of_others_are_kept() {
    let test = Test::new();
    let folder = test.dir.path().join("out");
    let staging = folder.join(".zoho-cred-0123456789abcdef");
    std::fs::create_dir_all(&staging).unwrap();
    std::fs::write(staging.join("new"), "1000.token").unwrap();
    for kept in [".zoho-cred-backup.json", ".zoho-cred-header"] {
        std::fs::write(folder.join(kept), "not ours").unwrap();
    }
    let out = folder.join("token");
    let left = || {
        test.call("get --output-file").arg(&out).run().ok();
        let mut names: Vec<_> =
            entries(&folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let living = std::fs::File::open(&staging).unwrap();
    living.lock().unwrap();
    let staging = ".zoho-cred-0123456789abcdef";
    assert_eq!(left(), [staging, ".zoho-cred-backup.json", ".zoho-cred-header", "token"]);
    drop(living);
    assert_eq!(left(), [".zoho-cred-backup.json", ".zoho-cred-header", "token"]);
}

#[test]
fn callers_that_write_one_file_at_once_do_not_disturb_each_other() {
    let test = Test::new();
    let token = test.token();
    let folder = test.dir.path().join("new/out");
    let out = folder.join("token");
    for outcome in test.run_many(20, ["get", "--output-file", out.to_str().unwrap()]) {
        outcome.ok();
    }
    assert_eq!(entries(&folder), [&*out]);
    assert_eq!(std::fs::read_to_string(&out).unwrap().trim(), token);
}

#[test]
fn a_missing_github_file_is_created_for_its_owner_alone() {
    let test = Test::new();
    let file = test.dir.path().join("github-env");
    test.call("get -o github").env("GITHUB_ENV", &file).run().ok();
    assert_eq!(mode(&file), 0o600);
    assert!(std::fs::read_to_string(&file).unwrap().contains("ZOHO_ACCESS_TOKEN"));
}

#[test]
fn a_failed_call_leaves_the_file_alone_and_no_litter() {
    let test = Test::new();
    let folder = test.dir.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    let out = folder.join("token");
    std::fs::write(&out, "old").unwrap();
    test.sandbox.kill_token(test.sandbox.refresh_token());
    test.run(["get", "--output-file", out.to_str().unwrap()]).failed(77, "login_required");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "old");
    assert_eq!(files_below(&folder).len(), 1);
}

#[test]
fn a_github_file_that_cannot_be_written_leaves_stdout_empty() {
    let test = Test::new();
    let fifo = test.dir.path().join("fifo");
    mkfifo(&fifo);
    // Opening a FIFO that nobody reads would wait forever.
    for file in [&test.dir.path().join("no/such/file"), &fifo, Path::new("/dev/null")] {
        let outcome = test.call("get -o github").env("GITHUB_ENV", file).run();
        outcome.failed(74, "store").within(Duration::from_secs(10));
    }
}

#[test]
fn github_masks_before_it_sets_and_appends() {
    let mut test = Test::new();
    let token = test.token();
    test.run("get -o github").failed(78, "config");
    let file = test.file("github-env", "BEFORE=1\n");
    test.set("GITHUB_ENV", file.to_str().unwrap());
    let outcome = test.run("get -o github");
    assert_eq!(outcome.ok(), format!("::add-mask::{token}"));
    let text = std::fs::read_to_string(&file).unwrap();
    let rest = text.strip_prefix("BEFORE=1\nZOHO_ACCESS_TOKEN<<").expect(&text);
    let delimiter = rest.lines().next().unwrap();
    assert!(delimiter.len() > 30, "{delimiter}");
    assert!(rest.contains(&format!("\n{token}\n{delimiter}\nZOHO_API_DOMAIN<<{delimiter}\n")), "{text}");
    test.run("get -o github").ok();
    let twice = std::fs::read_to_string(&file).unwrap();
    assert!(twice.starts_with(&text) && twice.len() > text.len());
    assert_eq!(twice.matches(delimiter).count(), 8, "each call has a delimiter of its own");
    test.run("get -o github --output-file x").failed(2, "usage");
    test.run("get -o azure --output-file x").failed(2, "usage");
}

#[test]
fn a_mask_that_does_not_arrive_sets_nothing() {
    let mut test = Test::new();
    test.get().ok();
    let file = test.file("github-env", "");
    test.set("GITHUB_ENV", file.to_str().unwrap());
    let mut command = test.command("get -o github");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command.stdout(full).stderr(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
}

#[test]
fn a_poisoned_cache_forges_no_command() {
    let mut test = Test::new();
    test.get().ok();
    let file = test.file("github-env", "");
    test.set("GITHUB_ENV", file.to_str().unwrap());
    for evil in
        ["https://x\n::set-env name=A::b", "https://x\r\nEVIL=1", "https://x/%0AEVIL=1", "https://x'; evil '"]
    {
        test.edit_state("credentials", |json| json["api_domain"] = evil.into());
        for output in ["github", "azure", "env", "dotenv"] {
            test.run(["get", "-o", output]).exits(0).hides(&["evil", "EVIL", "set-env"]);
        }
        test.run("exec -- env").exits(0).hides(&["https://x"]);
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("EVIL") && !text.contains("set-env"), "{text}");
}

#[test]
fn azure_marks_the_token_secret_before_it_sets_it() {
    let test = Test::new();
    let token = test.token();
    let outcome = test.run("get -o azure");
    let lines: Vec<&str> = outcome.ok().lines().collect();
    assert_eq!(lines[0], format!("##vso[task.setsecret]{token}"));
    assert_eq!(lines[1], format!("##vso[task.setvariable variable=ZOHO_ACCESS_TOKEN;issecret=true]{token}"));
    assert_eq!(lines[4], "##vso[task.setvariable variable=ZOHO_CRED_PROFILE]env");
    assert_eq!(lines.len(), 5);
}

#[test]
fn shells_evaluate_env() {
    let test = Test::new();
    let token = test.token();
    let posix = "eval \"$($0 get -o env)\"; sh -c 'echo $ZOHO_ACCESS_TOKEN $ZOHO_API_DOMAIN'";
    let fish = "$argv[1] get -o env --shell fish | source; echo $ZOHO_ACCESS_TOKEN $ZOHO_API_DOMAIN";
    for (shell, script) in [("sh", posix), ("bash", posix), ("zsh", posix), ("fish", fish)] {
        if have(shell) {
            let outcome = Call::new(&test, [shell, "-c", script, PROGRAM]).run();
            assert_eq!(outcome.ok(), format!("{token} {}", test.sandbox.api_domain()), "{shell}");
        }
    }
    let dotenv = test.run("get -o dotenv");
    assert_eq!(dotenv.ok().lines().next(), Some(&*format!("ZOHO_ACCESS_TOKEN={token}")));
}
