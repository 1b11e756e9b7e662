//! `--watch`: the file contains a valid token whenever one can be obtained.

use crate::harness::{Running, Test, Tmpfs, files_below, http_status, root, set_mode, until};
use crate::in_process::{HookedClock, ManualClock, run_on, system};
use crate::person::Person;
use std::cell::{Cell, RefCell};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};
use zoho_cred::oauth::userinfo;
use zoho_cred::oauth::userinfo::Liveness;
use zoho_cred::sandbox::Options;
use zoho_cred::secret::Secret;
use zoho_cred::system::{Clock, Http, HttpRequest, Https, Method, Roots, Signals, System};

fn is_valid(test: &Test, token: &str) -> bool {
    let request = HttpRequest {
        method: Method::Get,
        url: format!("{}{}", test.sandbox.url(), userinfo::PATH),
        form: &[],
        authorization: Some(Secret::new(format!("Zoho-oauthtoken {token}"))),
        timeout: Duration::from_secs(10),
    };
    let answer = Https::new(&Roots::default()).send(&request).unwrap();
    userinfo::liveness(answer.status, &answer.body) == Liveness::Alive
}

fn short_lived() -> Rc<Test> {
    let mut options = Options::default();
    options.limits.token_life = Duration::from_secs(200);
    options.limits.budget = 100;
    options.limits.live_tokens = 100;
    let test = Test::with(options).with_profile();
    test.configure("budget = { tokens = 100, window = '10m' }");
    Rc::new(test)
}

/// One look at the files: the elapsed seconds, the token, whether it was valid, and whether the health file said so.
type Seen = Rc<RefCell<Vec<(u64, String, bool, bool)>>>;

#[test]
fn more_than_ten_minutes_with_a_reject_and_an_outage() {
    const REJECTED: u64 = 230;
    const OUTAGE: std::ops::Range<u64> = 300..500;
    const RECOVERED: u64 = 500 + 90;
    let test = short_lived();
    let [out, health] = ["token", "health"].map(|name| test.dir.path().join(name));
    let (clock, signals) = (ManualClock::new(), Signals::default());
    let (begun, seen) = (clock.monotonic(), Seen::default());
    let (rejected, broken, mended) = (Cell::new(false), Cell::new(false), Cell::new(false));
    let once = |flag: &Cell<bool>| !flag.replace(true);
    let step = {
        let (test, clock, signals, seen) =
            (Rc::clone(&test), Rc::clone(&clock), signals.clone(), Rc::clone(&seen));
        let (out, health, said) = (out.clone(), health.clone(), RefCell::default());
        let last = Cell::new(Instant::now());
        move |by: Duration| {
            // The sandbox's clock also advances with real time, which is long on a busy machine.
            test.sandbox.advance(by.saturating_sub(last.replace(Instant::now()).elapsed()));
            let second = (clock.monotonic() - begun).as_secs();
            let text = std::fs::read_to_string(&out).unwrap_or_default();
            if second > 1 || !text.is_empty() {
                let token = text.strip_suffix('\n').expect("a whole file");
                assert!(token.starts_with("1000.") && token.len() > 20, "a whole token: {token:?}");
                let healthy: String = std::fs::read_to_string(&health).unwrap();
                let looked = said.replace(healthy.clone()) != healthy;
                seen.borrow_mut().push((second, token.to_owned(), is_valid(&test, token), looked));
            }
            if second >= REJECTED && once(&rejected) {
                let token = text.trim().to_owned();
                let stdin = Box::new(io::Cursor::new(token));
                run_on(&test, System { stdin, ..system(&clock) }, "reject crm").ok();
            }
            if OUTAGE.contains(&second) && once(&broken) {
                test.fault(http_status(503));
            }
            if second >= OUTAGE.end && once(&mended) {
                test.sandbox.clear_faults();
            }
            if second >= 700 {
                signals.raise(15);
            }
        }
    };
    let life = HookedClock { inner: Rc::clone(&clock), on_read: Box::new(|| {}), on_sleep: Box::new(step) };
    let [out, health] = [&out, &health].map(|path| path.to_str().unwrap());
    let args = ["get", "crm", "--watch", "--output-file", out, "--health-file", health];
    run_on(&test, System { signals, ..system(&Rc::new(life)) }, args).exits(143);

    let seen = seen.borrow();
    assert!(seen.len() > 300, "{}", seen.len());
    for (second, token, living, healthy) in seen.iter() {
        let may_be_dead =
            *second >= OUTAGE.start && *second < RECOVERED || (REJECTED..REJECTED + 3).contains(second);
        assert!(*living || may_be_dead, "a dead token at second {second}: {token}");
        assert!(*healthy || may_be_dead, "no look at second {second}");
        assert!(*living || !healthy, "healthy with a dead token at second {second}");
    }
    assert!(seen.iter().any(|(_, _, living, _)| !living), "the outage was longer than a token's life");
    let at = |second: u64| &seen.iter().find(|(at, ..)| *at >= second).unwrap().1;
    assert_ne!(at(REJECTED - 1), at(REJECTED + 3), "a reject is followed");
    assert_eq!(at(5), at(170), "nothing is renewed without need");
    let first_change = seen.iter().find(|(_, token, ..)| token != at(5)).unwrap().0;
    // The refresh-ahead window starts at 180 s, and the refresh is in its first third. A stale token would be refreshed at 190 s.
    assert!((180..=188).contains(&first_change), "in the early window: {first_change}");
}

fn start(test: &Test, extra: &str) -> (Running, PathBuf) {
    let out = test.dir.path().join("token");
    let running = test.call("get --watch --output-file").arg(&out).args(extra).start();
    until("a token", || !content(&out).is_empty());
    (running, out)
}

fn content(out: &PathBuf) -> String {
    std::fs::read_to_string(out).unwrap_or_default().trim().to_owned()
}

/// Rejects the token in the file, and waits for another one.
fn replaces(test: &Test, out: &PathBuf) {
    let token = content(out);
    test.reject(&token).ok();
    until("another token", || !content(out).is_empty() && content(out) != token);
}

#[test]
fn a_signal_ends_it_and_a_reject_is_followed() {
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let test = Test::new();
        let (running, out) = start(&test, "-o token");
        replaces(&test, &out);
        running.signal(signal);
        assert_eq!(running.wait().exits(code).stdout, "");
        let left = files_below(test.dir.path());
        let is_litter = |path: &PathBuf| path.file_name().unwrap().as_encoded_bytes()[0] == b'.';
        assert!(!left.iter().any(is_litter), "{left:?}");
    }
}

#[test]
fn another_callers_refresh_is_followed_without_one_of_its_own() {
    let test = Test::new();
    let (running, out) = start(&test, "");
    let new = test.refresh();
    until("the other caller's token", || content(&out) == new);
    assert_eq!(test.sandbox.token_requests(), 2);
    running.terminate();
}

/// Regression: it kept the settings of its start, and its token until that was dead.
#[test]
fn a_login_with_another_client_is_followed() {
    let test = Test::new().with_profile();
    let (running, out) = start(&test, "");
    test.self_client_login("crm").run().ok();
    let new = test.token();
    until("the token of the new login", || content(&out) == new);
    running.terminate();
}

/// Regression: a deleted or overwritten file was not restored until the next refresh.
#[test]
fn a_file_that_was_changed_is_restored() {
    let test = Test::new();
    let out = test.dir.path().join("out/token");
    let args = ["get", "--watch", "-o", "json", "--output-file", out.to_str().unwrap(), "--mode", "0640"];
    let running = test.call(args).start();
    let is_whole = || {
        let mode = std::fs::symlink_metadata(&out).map(|found| found.permissions().mode() & 0o777);
        content(&out).contains("access_token") && mode.is_ok_and(|mode| mode == 0o640)
    };
    until("a token", is_whole);
    let before = content(&out);
    let changes: [&dyn Fn(); 4] = [
        &|| std::fs::remove_file(&out).unwrap(),
        &|| std::fs::write(&out, "junk").unwrap(),
        &|| set_mode(&out, 0o666),
        &|| std::fs::remove_dir_all(out.parent().unwrap()).unwrap(),
    ];
    for change in changes {
        change();
        until("the file to be restored", is_whole);
        assert_eq!(content(&out), before);
    }
    running.terminate().says_nothing();
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Regression: either of these ended `--watch` with 74.
#[test]
fn an_unwritable_file_and_an_unreadable_state_are_outlasted() {
    let test = Test::new();
    let (running, out) = start(&test, "");
    let token = content(&out);

    std::fs::remove_file(&out).unwrap();
    std::fs::create_dir(&out).unwrap();
    running.said("zoho-cred: warning:");
    std::fs::remove_dir(&out).unwrap();
    until("the file to be restored", || content(&out) == token);

    let away = test.dir.path().join("away");
    std::fs::rename(test.state(), &away).unwrap();
    std::fs::write(test.state(), "not a folder").unwrap();
    let warnings = || running.stderr().matches("the file keeps its token meanwhile").count();
    until("another warning", || warnings() == 2);
    assert_eq!(content(&out), token);
    std::fs::remove_file(test.state()).unwrap();
    std::fs::rename(&away, test.state()).unwrap();
    replaces(&test, &out);
    running.signal("INT");
    running.wait().exits(130);
}

#[test]
fn a_disk_that_is_full_for_a_moment_is_outlasted() {
    let test = Test::new();
    let folder = test.dir.path().join("small");
    let Some(_disk) = Tmpfs::mount(&folder, "size=32k,mode=700") else { return };
    let out = folder.join("token");
    let running = test.call(["get", "--watch", "--output-file", out.to_str().unwrap()]).start();
    until("a token", || !content(&out).is_empty());
    let token = content(&out);
    std::fs::write(folder.join("filler"), vec![0; 1 << 20]).unwrap_err();
    let new = test.refresh();
    running.said("zoho-cred: warning:");
    assert_eq!(content(&out), token, "the file keeps its token");
    std::fs::remove_file(folder.join("filler")).unwrap();
    until("the new token", || content(&out) == new);
    running.terminate();
    assert_eq!(test.sandbox.token_requests(), 2);
}

#[test]
fn a_terminal_shows_one_status_line_until_ctrl_c() {
    let test = Test::new();
    let out = test.dir.path().join("token");
    let mut person = Person::calls(&test, ["get", "--watch", "--output-file", out.to_str().unwrap()]);
    person.reads("token: the token is valid for 59 min");
    assert!(!content(&out).is_empty());
    person.pty.send_control('c').unwrap();
    let shown = person.ends(130);
    assert!(shown.ends_with("\r\u{1b}[2K"), "the line is gone: {shown:?}");
    assert!(!shown.contains('\n') && !shown.contains("error"), "{shown:?}");
}

#[test]
fn a_login_that_is_needed_ends_it() {
    let test = Test::new();
    let (running, out) = start(&test, "");
    let token = content(&out);
    test.sandbox.kill_token(test.sandbox.refresh_token());
    test.reject(&token).ok();
    running.wait().failed(77, "login_required");
    assert_eq!(content(&out), token, "the file is left as it is");
    test.run("get --watch").failed(2, "usage");
    test.run("get --watch --output-file x --offline").failed(2, "usage");
}

#[test]
fn it_may_begin_before_the_server_does() {
    let test = Test::new();
    test.fault(http_status(503));
    let out = test.dir.path().join("token");
    let running = test.call("get --watch --output-file").arg(&out).start();
    until("a first attempt", || test.sandbox.token_requests() > 0);
    assert!(!out.exists());
    test.sandbox.clear_faults();
    until("a token", || !content(&out).is_empty());
    let outcome = running.terminate();
    assert!(outcome.stderr.matches("warning").count() <= 1, "{outcome:?}");
}

/// The number of occurrences of `needle` in the memory of the process `pid`.
fn in_memory(pid: i32, needle: &str) -> usize {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mem = std::fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut found = 0;
    for map in maps.lines().filter(|map| map.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw"))) {
        let (from, to) = map.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut bytes = vec![0; (to - from) as usize];
        if mem.read_exact_at(&mut bytes, from).is_ok() {
            found += bytes.windows(needle.len()).filter(|window| *window == needle.as_bytes()).count();
        }
    }
    found
}

/// Regression: request bodies and read buffers with secrets stayed in memory until they were overwritten.
#[test]
fn a_waiting_process_has_no_secret_in_its_memory() {
    if !root() {
        return;
    }
    let test = Test::new().with_profile();
    let (running, out) = start(&test, "-o token");
    for refreshes in [1, 2] {
        let token = content(&out);
        assert!(in_memory(running.pid(), &token) > 0, "what it needs is found");
        for secret in [test.sandbox.refresh_token(), test.sandbox.client_secret()] {
            until("no secret in its memory", || in_memory(running.pid(), secret) == 0);
        }
        if refreshes == 1 {
            replaces(&test, &out);
        }
    }
    running.terminate();
    assert_eq!(test.sandbox.token_requests(), 2);
}
