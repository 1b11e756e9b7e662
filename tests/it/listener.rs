//! The loopback listener: other clients cannot stop the redirect of the login's own browser.

use crate::harness::consent::{http, world};
use crate::harness::{Running, Test, http_status, read_json, until};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use zoho_cred::sandbox::{ClientKind, Endpoint, Fault, FaultKind};

/// Starts a login on its own port and returns it with the expected redirect.
fn waiting() -> (Test, Running, String) {
    waiting_with(|_| "--no-browser")
}

/// The same, with additional flags and a prepared environment.
fn waiting_with(more: impl FnOnce(&mut Test) -> &'static str) -> (Test, Running, String) {
    let (mut test, callback) = world();
    let more = more(&mut test);
    let login = test.login("crm", ClientKind::ServerBased).args("--flow browser --scope ZohoCRM.modules.ALL");
    let running = login.arg("--redirect-uri").arg(callback).args(more).start();
    let landed = running.consent("accept");
    (test, running, landed)
}

fn address(landed: &str) -> String {
    let url = url::Url::parse(landed).unwrap();
    format!("127.0.0.1:{}", url.port().unwrap())
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let (test, running, landed) = waiting();
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(address(&landed)).unwrap()).collect();
    let begun = Instant::now();
    let page = http().get(&landed).send().unwrap().text().unwrap();
    assert!(page.contains("Access granted"), "{page}");
    assert!(begun.elapsed() < Duration::from_secs(8), "it had to wait until the others were given up");
    assert_eq!(running.wait().code, 0);
    drop(silent);
    test.run("get crm").ok();
}

#[test]
fn a_request_that_never_ends_is_given_up() {
    let (_test, running, landed) = waiting();
    let mut slow = TcpStream::connect(address(&landed)).unwrap();
    slow.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    slow.write_all(b"GET /callback HTTP/1.1\r\nX: ").unwrap();
    let begun = Instant::now();
    // One byte at a time, each well within the timeout of a single read.
    while slow.write_all(b"x").is_ok() && !matches!(slow.read(&mut [0]), Ok(0)) {
        assert!(begun.elapsed() < Duration::from_secs(15), "it is still being read");
    }
    assert_eq!(http().get(&landed).send().unwrap().status(), 200);
    assert_eq!(running.wait().code, 0);
}

#[test]
fn what_is_no_get_is_answered_404() {
    let (test, running, landed) = waiting();
    assert_eq!(http().post(&landed).body("x").send().unwrap().status(), 404);
    assert_eq!(http().head(&landed).send().unwrap().status(), 404);
    assert_eq!(test.sandbox.token_requests(), 0);
    assert_eq!(http().get(&landed).send().unwrap().status(), 200);
    assert_eq!(running.wait().code, 0);
}

/// A browser that writes its arguments and environment to the file `seen`.
fn noting_browser(test: &mut Test) {
    let seen = test.dir.path().join("seen");
    let script = format!(
        "#!/bin/sh\n{{ echo \"$@\"; env; }} > {0}.new; echo noise; echo noise >&2\nmv {0}.new {0}\n",
        seen.display()
    );
    let browser = test.executable("browser", &script);
    test.set("BROWSER", browser.to_str().unwrap());
}

#[test]
fn the_browser_inherits_nothing_that_mints_a_token() {
    let secrets = [
        ("ZOHO_CLIENT_SECRET", "canary"),
        ("ZOHO_REFRESH_TOKEN", "canary"),
        ("ZOHO_CRED_STORE", "rediss://fleet:canary@redis.invalid"),
        ("ZOHO_CRED_STORE_KEY", "canary"),
        ("ZOHO_CRED_STORE_KEY_OLD", "canary"),
    ];
    let (test, running, _) = waiting_with(|test| {
        noting_browser(test);
        secrets.iter().for_each(|(name, value)| test.set(name, value));
        ""
    });
    let seen = test.dir.path().join("seen");
    until("the browser", || seen.exists());
    running.signal("KILL");
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("/oauth/v2/auth?") && seen.contains("\nZOHO_CRED_STATE_DIR="), "{seen}");
    for (name, _) in secrets {
        assert!(!seen.contains(&format!("\n{name}=")), "{seen}");
    }
    assert!(!seen.contains("canary"), "{seen}");
}

#[test]
fn without_any_browser_the_address_is_still_shown() {
    let (test, running, landed) = waiting_with(|test| {
        test.set("PATH", "/nonexistent");
        "-v"
    });
    assert_eq!(http().get(&landed).send().unwrap().status(), 200);
    running.wait().exits(0).says("no browser was opened");
    test.run("get crm").ok();
}

#[test]
fn a_redirect_that_comes_twice_leads_to_one_exchange() {
    let (test, running, landed) = waiting();
    // The login is still running when the second redirect arrives.
    test.fault(FaultKind::Delay { ms: 3000 });
    let visits = [(); 2].map(|()| {
        let landed = landed.clone();
        std::thread::spawn(move || http().get(&landed).send().unwrap().text().unwrap())
    });
    let pages = visits.map(|visit| visit.join().unwrap());
    for words in ["Access granted", "Nothing more to do"] {
        assert_eq!(pages.iter().filter(|page| page.contains(words)).count(), 1, "{pages:?}");
    }
    until("the exchange", || test.sandbox.token_requests() > 0);
    let late = http().get(&landed).send().unwrap().text().unwrap();
    assert!(late.contains("Nothing more to do"), "{late}");
    assert_eq!(running.wait().code, 0);
    test.run("get crm").ok();
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn canaries_are_in_no_log_page_argument_or_child() {
    let (test, running, landed) = waiting_with(|test| {
        noting_browser(test);
        "-vv"
    });
    let seen = test.dir.path().join("seen");
    until("the browser", || seen.exists());
    let url = url::Url::parse(&landed).unwrap();
    let code = url.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let secret = test.sandbox.client(ClientKind::ServerBased).client_secrets["us"].clone();
    let arguments = std::fs::read(format!("/proc/{}/cmdline", running.pid())).unwrap();
    let page = http().get(&landed).send().unwrap().text().unwrap();
    let outcome = running.wait();
    outcome.exits(0);
    assert_eq!(outcome.stdout, "");
    let token = test.run("get crm").ok().to_owned();
    let item = read_json(&test.secret("refresh-token-"));
    let refresh_token = item["secret"].as_str().unwrap().to_owned();
    assert!(refresh_token.starts_with("1000."));
    let config = test.read_config();
    let arguments = String::from_utf8_lossy(&arguments).into_owned();
    let child = std::fs::read_to_string(seen).unwrap();
    assert!(child.contains("/oauth/v2/auth?"), "{child}");
    for shown in [&outcome.stderr, &page, &config, &arguments, &child] {
        for canary in [&code, &secret, &token, &refresh_token] {
            assert!(!shown.contains(canary.as_str()), "{canary} in {shown}");
        }
        assert!(!shown.contains("code_verifier"), "{shown}");
    }
    assert!(!outcome.stderr.contains("noise"), "the browser's words stay away: {}", outcome.stderr);
}

/// What somebody on this machine sends to the callback, and the first line of the answer.
fn send(landed: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address(landed)).unwrap();
    stream.write_all(format!("GET {request} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn forged_errors_are_shown_once() {
    let (test, running, landed) = waiting();
    for n in 0..50 {
        let answer = send(&landed, &format!("/callback?error=forged{n}%0A%1b[2J%0A::error::x"));
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
    assert_eq!(http().get(&landed).send().unwrap().status(), 200);
    let outcome = running.wait();
    outcome.exits(0);
    assert_eq!(outcome.stderr.matches("forged").count(), 1, "{outcome:?}");
    assert_eq!(outcome.stderr.matches("warning: ").count(), 1, "{outcome:?}");
    assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains("\n::"), "{outcome:?}");
    test.run("get crm").ok();
}

/// Another local user reads the state in the browser's arguments and sends a code of their own: the login would belong
/// to their account.
#[test]
#[cfg(target_os = "linux")]
fn a_redirect_of_another_user_is_refused() {
    use std::process::Command;
    let as_other = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "54321", "--regid", "54321", "--clear-groups", "bash", "-c"]);
        command
    };
    if !as_other().arg("true").status().is_ok_and(|status| status.success()) {
        return;
    }
    let (test, running, landed) = waiting();
    let url = url::Url::parse(&landed).unwrap();
    let port = url.port().unwrap();
    let forged = format!("GET {}?{} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n", url.path(), url.query().unwrap());
    let open = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && printf '{}' >&3", forged.replace('%', "%%"));
    let answer = as_other().arg(format!("{open} && cat <&3")).output().unwrap();
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Not accepted"), "{answer}");
    // One that is closed at once is listed as root's for a moment.
    for _ in 0..20 {
        assert!(as_other().arg(&open).status().unwrap().success());
    }
    // Each of them was looked at when the own one is answered.
    assert_eq!(test.sandbox.token_requests(), 0);
    let page = http().get(&landed).send().unwrap().text().unwrap();
    assert!(page.contains("Access granted"), "{page}");
    let outcome = running.wait();
    outcome.exits(0);
    let refused =
        "rejected a redirect from another user's process; if it was your browser, log in with --flow paste";
    assert_eq!(outcome.stderr.matches(refused).count(), 1, "{outcome:?}");
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn the_account_is_shown_where_the_scope_allows_it() {
    for (flags, wanted) in [
        ("--no-browser --scope AaaServer.profile.READ", "logged in as Sam Sandbox <sam@sandbox.invalid>"),
        ("--no-browser --scope ZohoCRM.settings.ALL", "the scope AaaServer.profile.READ would show"),
    ] {
        let (_test, running, landed) = waiting_with(|_| flags);
        assert_eq!(http().get(&landed).send().unwrap().status(), 200);
        running.wait().exits(0).says(wanted);
    }
    let (test, running, landed) = waiting_with(|_| "--no-browser");
    let problem = http_status(503);
    test.sandbox.set_fault(Fault::new(Endpoint::UserInfo, problem));
    assert_eq!(http().get(&landed).send().unwrap().status(), 200);
    let outcome = running.wait();
    assert_eq!(outcome.code, 0, "a login that succeeded does not fail for it: {outcome:?}");
    outcome.says("did not say whose account it is");
}
