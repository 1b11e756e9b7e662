//! git: version 2.46, which supports custom schemes, and Debian's, which does not.

use crate::harness::{Outcome, Test, or_skipped};
use crate::world::{Answer, Web, have_all, on_path, run_with};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// The path of a git that is new enough or old enough. A machine may have only one of them; with `CI=true`, the new one is
/// required.
fn git(new: bool) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(["/usr/local/bin".into(), "/usr/bin".into()]);
    let candidates = places.map(|folder| folder.join("git").display().to_string());
    let found = candidates.into_iter().find(|path| {
        let output = Command::new(path).arg("--version").output().ok();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let version = text.as_deref().and_then(|text| text.split_whitespace().nth(2));
        let mut parts = version.unwrap_or_default().split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        version > (0, 0) && (version >= (2, 46)) == new
    });
    if new {
        or_skipped(found.is_some(), "git 2.46 or later is missing");
    } else if found.is_none() {
        eprintln!("SKIPPED: no git before 2.46 is here");
    }
    found
}

/// A web server as a git remote: answers 401 until the token is right, then serves a repository with one branch.
fn remote(good: Arc<Mutex<Option<String>>>) -> Web {
    Web::start(move |request| {
        let accepted = match (request.authorization(), &*good.lock().unwrap()) {
            (Some(given), Some(good)) => given == format!("Zoho-oauthtoken {good}"),
            (given, None) => given.is_some(),
            (None, Some(_)) => false,
        };
        match accepted {
            true => {
                let refs = format!("{}\trefs/heads/main\n", "a".repeat(40));
                Answer("200 OK", "Content-Type: text/plain\r\n".into(), refs)
            }
            false => Answer("401 Unauthorized", "WWW-Authenticate: Bearer\r\n".into(), String::new()),
        }
    })
}

/// A profile that allows the remote's host, with the settings from `setup git`.
fn world(web: &Web) -> Test {
    let mut test = on_path(Test::new().with_profile());
    test.configure(&format!("hosts = ['{}']", web.host));
    let settings = test.run("setup git").stdout.replace("https://", "http://");
    let file = test.file("gitconfig", &settings);
    test.set("GIT_CONFIG_GLOBAL", file.to_str().unwrap());
    test.set("GIT_CONFIG_NOSYSTEM", "1");
    test.set("GIT_TERMINAL_PROMPT", "0");
    test
}

fn ls_remote(test: &Test, git: &str, web: &Web) -> Outcome {
    run_with(test, git, &["ls-remote", &format!("{}/x.git", web.url())], "")
}

#[test]
fn a_new_git_sends_zohos_scheme_and_rejects_what_was_refused() {
    let Some(git) = git(true) else { return };
    let good = Arc::new(Mutex::new(None));
    let web = remote(Arc::clone(&good));
    let test = world(&web);
    let outcome = ls_remote(&test, &git, &web);
    assert!(outcome.ok().contains("refs/heads/main"), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    let token = test.token();
    let seen = web.seen();
    assert_eq!(seen[0].authorization(), None, "git asks for a credential after a 401");
    assert_eq!(seen[1].authorization(), Some(&*format!("Zoho-oauthtoken {token}")));

    *good.lock().unwrap() = Some("1000.another.token".into());
    assert_ne!(ls_remote(&test, &git, &web).code, 0);
    test.run("get --offline").failed(69, "unavailable");
    let new = test.token();
    assert_ne!(new, token, "git's erase dropped the token that was refused");
    *good.lock().unwrap() = Some(new);
    assert!(ls_remote(&test, &git, &web).ok().contains("refs/heads/main"));
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_needed_login_ends_git_without_a_prompt() {
    let Some(git) = git(true) else { return };
    let web = remote(Arc::default());
    let test = world(&web);
    test.sandbox.kill_token(test.sandbox.refresh_token());
    let outcome = ls_remote(&test, &git, &web);
    assert_eq!(outcome.code, 128);
    outcome.says("told us to quit").says("error[login_required]");
}

#[test]
fn an_old_git_gets_nothing_and_nobody_is_asked() {
    if !have_all(&["bash"]) {
        return;
    }
    let Some(git) = git(false) else { return };
    let web = remote(Arc::default());
    let test = world(&web);
    test.get().ok();
    let request = format!("capability[]=authtype\nprotocol=http\nhost={}\n\n", web.host);
    let outcome = run_with(&test, &git, &["credential", "fill"], &request);
    assert_eq!((outcome.code, &*outcome.stdout), (128, ""), "{outcome:?}");
    outcome.says("terminal prompts disabled");
    assert_eq!(ls_remote(&test, &git, &web).code, 128);
    assert!(web.seen().iter().all(|request| request.authorization().is_none()));
}

#[test]
fn another_host_is_not_told() {
    let Some(git) = git(true) else { return };
    let (ours, other) = (Web::echo(), remote(Arc::default()));
    let mut test = world(&ours);
    test.get().ok();
    let settings = test.file("all-hosts", "[credential]\n\thelper = zoho\n");
    test.set("GIT_CONFIG_GLOBAL", settings.to_str().unwrap());
    let outcome = ls_remote(&test, &git, &other);
    assert_eq!(outcome.code, 128);
    assert!(!outcome.stderr.contains("zoho-cred"), "{outcome:?}");
    assert!(other.seen().iter().all(|request| request.authorization().is_none()));
}
