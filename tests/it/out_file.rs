//! `--output-file`, and the outputs for CI systems.

use crate::harness::{Test, files_below};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

#[test]
fn a_file_is_replaced_for_its_reader_alone() {
    let test = Test::new();
    let token = test.get().stdout;
    let out = test.dir.path().join("token");
    let path = out.to_str().unwrap();
    let mode = || std::fs::metadata(&out).unwrap().mode() & 0o777;
    assert_eq!(test.run(["get", "--output-file", path]).ok(), "", "nothing goes to stdout");
    assert_eq!((std::fs::read_to_string(&out).unwrap(), mode()), (token.clone(), 0o600));
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o666)).unwrap();
    let mut old = std::fs::File::open(&out).unwrap();
    test.run(["get", "-o", "header", "--output-file", path, "--mode", "0640"]).ok();
    assert_eq!(
        (std::fs::read_to_string(&out).unwrap(), mode()),
        (format!("Authorization: Zoho-oauthtoken {token}"), 0o640)
    );
    assert_eq!(
        std::io::read_to_string(&mut old).unwrap(),
        token,
        "an open file stays whole: it was replaced"
    );
    let mut masked = std::process::Command::new("sh");
    let script = "umask 077; exec \"$0\" get --output-file \"$1\" --mode 644";
    masked.args(["-c", script, crate::harness::PROGRAM, path]).env_clear().envs(test.vars());
    test.start(masked).wait().ok();
    assert_eq!(mode(), 0o644, "a mode that was asked for does not depend on the umask");
}

#[test]
fn the_old_name_of_the_flag_works_and_is_not_shown() {
    let test = Test::new();
    let out = test.dir.path().join("token");
    test.run(["get", "--out", out.to_str().unwrap()]).ok();
    assert_eq!(std::fs::read_to_string(out).unwrap(), test.get().stdout);
    let help = test.run(["get", "--help"]);
    assert!(help.ok().contains("--output-file <FILE>") && !help.stdout.contains("--out "), "{help:?}");
}

#[test]
fn what_is_unsafe_is_refused_before_a_request_is_spent() {
    let test = Test::new();
    let dir = test.dir.path();
    let target = test.file("elsewhere", "untouched");
    symlink(&target, dir.join("link")).unwrap();
    symlink(dir.join("nowhere"), dir.join("dangling")).unwrap();
    let open = dir.join("open");
    std::fs::create_dir(&open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
    for bad in
        [dir.join("link"), dir.join("dangling"), open.join("token"), dir.to_owned(), "/dev/null".into()]
    {
        test.run(["get", "--output-file", bad.to_str().unwrap()]).failed(74, "store");
    }
    test.run(["get", "--output-file", "/nonexistent/token"]).failed(74, "store");
    assert_eq!(std::fs::read_to_string(target).unwrap(), "untouched");
    assert!(!dir.join("nowhere").exists() && !open.join("token").exists());
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o1777)).unwrap();
    for bad in ["0999", "1777", "0400", "x", ""] {
        test.run(["get", "--output-file", "x", "--mode", bad]).failed(2, "usage");
    }
    test.run(["get", "--mode", "0600"]).failed(2, "usage");
    assert_eq!(test.sandbox.token_requests(), 0);
    test.run(["get", "--output-file", open.join("token").to_str().unwrap()]).ok();
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
    let mut test = Test::new();
    test.set("GITHUB_ENV", test.dir.path().join("no/such/file").to_str().unwrap());
    test.run(["get", "-o", "github"]).failed(74, "store");
}

#[test]
fn github_masks_before_it_sets_and_appends() {
    let mut test = Test::new();
    let token = test.get().ok().to_owned();
    test.run(["get", "-o", "github"]).failed(78, "config");
    let file = test.file("github-env", "BEFORE=1\n");
    test.set("GITHUB_ENV", file.to_str().unwrap());
    let outcome = test.run(["get", "-o", "github"]);
    assert_eq!(outcome.ok(), format!("::add-mask::{token}"));
    let text = std::fs::read_to_string(&file).unwrap();
    let rest = text.strip_prefix("BEFORE=1\nZOHO_ACCESS_TOKEN<<").expect(&text);
    let delimiter = rest.lines().next().unwrap();
    assert!(delimiter.len() > 30, "{delimiter}");
    assert!(rest.contains(&format!("\n{token}\n{delimiter}\nZOHO_API_DOMAIN<<{delimiter}\n")), "{text}");
    test.run(["get", "-o", "github"]).ok();
    let twice = std::fs::read_to_string(&file).unwrap();
    assert!(twice.starts_with(&text) && twice.len() > text.len());
    assert_eq!(twice.matches(delimiter).count(), 6, "each call has a delimiter of its own");
    test.run(["get", "-o", "github", "--output-file", "x"]).failed(2, "usage");
    test.run(["get", "-o", "azure", "--output-file", "x"]).failed(2, "usage");
}

#[test]
fn a_mask_that_does_not_arrive_sets_nothing() {
    let mut test = Test::new();
    test.get().ok();
    let file = test.file("github-env", "");
    test.set("GITHUB_ENV", file.to_str().unwrap());
    let mut command = test.command(["get", "-o", "github"]);
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
            let outcome = test.run(["get", "-o", output]);
            outcome.ok();
            assert!(!outcome.stdout.to_lowercase().contains("evil") && !outcome.stdout.contains("set-env"));
        }
        let exec = test.run(["exec", "--", "env"]);
        assert!(!exec.ok().contains("https://x"), "{exec:?}");
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("EVIL") && !text.contains("set-env"), "{text}");
}

#[test]
fn azure_marks_the_token_secret_before_it_sets_it() {
    let test = Test::new();
    let token = test.get().ok().to_owned();
    let outcome = test.run(["get", "-o", "azure"]);
    let lines: Vec<&str> = outcome.ok().lines().collect();
    assert_eq!(lines[0], format!("##vso[task.setsecret]{token}"));
    assert_eq!(lines[1], format!("##vso[task.setvariable variable=ZOHO_ACCESS_TOKEN;issecret=true]{token}"));
    assert_eq!(lines.len(), 4);
}

#[test]
fn shells_evaluate_env() {
    let test = Test::new();
    let token = test.get().ok().to_owned();
    for (shell, syntax) in [("sh", "sh"), ("bash", "sh"), ("zsh", "sh"), ("fish", "fish")] {
        if !crate::harness::have(shell) {
            continue;
        }
        let script = match shell {
            "fish" => "$argv[1] get -o env --shell fish | source; echo $ZOHO_ACCESS_TOKEN $ZOHO_API_DOMAIN",
            _ => "eval \"$($0 get -o env)\"; sh -c 'echo $ZOHO_ACCESS_TOKEN $ZOHO_API_DOMAIN'",
        };
        let mut command = std::process::Command::new(shell);
        command.args(["-c", script, crate::harness::PROGRAM]).env_clear().envs(test.vars());
        let outcome = test.start(command).wait();
        assert_eq!(outcome.ok(), format!("{token} {}", test.sandbox.api_domain()), "{shell} {syntax}");
    }
    let dotenv = test.run(["get", "-o", "dotenv"]);
    assert_eq!(dotenv.ok().lines().next(), Some(&*format!("ZOHO_ACCESS_TOKEN={token}")));
}
