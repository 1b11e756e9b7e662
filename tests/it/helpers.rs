//! Helper modes: which hosts get a token, and that stderr stays empty on success.

use crate::harness::call::Call;
use crate::harness::{Outcome, PROGRAM, Test, files_below, http_status};
use jiff::Timestamp;
use std::io::Write;
use std::time::Duration;

fn host(test: &Test) -> String {
    test.sandbox.url().trim_start_matches("http://").to_owned()
}

fn git(test: &Test, operation: &str, request: &str) -> Outcome {
    test.run_with_stdin(["helper", "git", operation], request)
}

fn ask(host: &str) -> String {
    format!("capability[]=authtype\nprotocol=http\nhost={host}\n\n")
}

/// When the token expires, in seconds since 1970.
fn expiry(test: &Test) -> i64 {
    let json = test.run("get -o json").json();
    json["expires_at"].as_str().unwrap().parse::<Timestamp>().unwrap().as_second()
}

#[track_caller]
fn nothing(outcome: &Outcome) {
    assert_eq!((outcome.code, &*outcome.stdout, &*outcome.stderr), (0, "", ""), "{outcome:?}");
}

#[test]
fn git_gets_the_scheme_that_zoho_wants() {
    let test = Test::new();
    let token = test.token();
    let outcome = git(&test, "get", &ask(&host(&test)));
    let expiry = expiry(&test) - 60;
    let answer = format!(
        "capability[]=authtype\nauthtype=Zoho-oauthtoken\ncredential={token}\nephemeral=1\n\
         password_expiry_utc={expiry}"
    );
    assert_eq!(outcome.says_nothing().ok(), answer);
    assert_eq!(git(&test, "capability", "").stdout, "version 0\ncapability authtype\n");
    nothing(&git(&test, "store", "protocol=http\nhost=x\n\n"));
    nothing(&git(&test, "frobnicate", ""));
}

#[test]
fn an_old_git_gets_nothing_unless_it_may_have_a_password() {
    let test = Test::new();
    let token = test.token();
    let request = format!("protocol=http\nhost={}\n\n", host(&test));
    nothing(&git(&test, "get", &request));
    let outcome = test.run_with_stdin("helper git --allow-basic get", request.as_bytes());
    let expiry = expiry(&test) - 60;
    assert_eq!(outcome.ok(), format!("username=zoho\npassword={token}\npassword_expiry_utc={expiry}"));
}

#[test]
fn other_hosts_get_nothing_and_cost_nothing() {
    let test = Test::new();
    test.get().ok();
    let host = host(&test);
    let (name, port) = host.split_once(':').unwrap();
    let others = format!(
        " github.com {name} {name}:1 user@{host} user:pass@{host} {host}@evil.example {host}.evil.example \
         127.0.0.2:{port} localhost:{port} www.zohoapis.com"
    );
    for other in others.split(' ') {
        nothing(&git(&test, "get", &ask(other)));
        let uri = format!("{{\"uri\":\"http://{other}/crm\"}}");
        test.run_with_stdin("helper uri get", uri.as_bytes()).failed(65, "bad_input");
    }
    nothing(&git(&test, "get", "capability[]=authtype\nprotocol=cert\npath=/x\n\n"));
    nothing(&git(&test, "get", &ask(&host).replace("=http", "=ftp")));
    assert_eq!(test.sandbox.log().len(), 1, "nobody was asked about them");
}

#[test]
fn a_host_known_from_an_answer_is_served_once_there_was_one() {
    let test = Test::new();
    nothing(&git(&test, "get", &ask(&host(&test))));
    assert_eq!(test.sandbox.token_requests(), 0);
    test.get().ok();
    assert!(git(&test, "get", &ask(&host(&test))).ok().contains("credential="));
}

#[test]
fn settings_that_cannot_be_read_matter_to_zohos_hosts_only() {
    let test = Test::new().without_environment();
    test.write_config("frobnicate = 1\n");
    let https = |host: &str| ask(host).replace("protocol=http", "protocol=https");
    nothing(&git(&test, "get", &https("github.com")));
    git(&test, "get", &https("www.zohoapis.jp")).failed(78, "config");
}

#[test]
fn erase_drops_the_token_that_was_refused_and_no_other() {
    let test = Test::new();
    let token = test.token();
    let with =
        |host: &str, token: &str| format!("protocol=http\nhost={host}\nauthtype=x\ncredential={token}\n\n");
    let host = host(&test);
    nothing(&git(&test, "erase", &with(&host, "1000.other.token")));
    nothing(&git(&test, "erase", &with("github.com", &token)));
    nothing(&git(&test, "erase", &format!("protocol=http\nhost={host}\n\n")));
    assert_eq!(test.run("get --offline").ok(), token);
    nothing(&git(&test, "erase", &with(&host, &token)));
    test.run("get --offline").failed(69, "unavailable");
    assert_ne!(test.get().ok(), token, "the credential is still there");
}

/// Regression: `store` waited for the end of stdin.
#[test]
fn store_ends_with_its_request() {
    let test = Test::new();
    let mut running = test.call("helper git store").open_stdin().start();
    let mut pipe = running.stdin();
    pipe.write_all(ask(&host(&test)).as_bytes()).unwrap();
    nothing(&running.wait());
}

#[test]
fn an_outage_is_no_reason_to_quit() {
    let test = Test::new();
    test.get().ok();
    test.age_token(3600);
    test.fault(http_status(503));
    git(&test, "get", &ask(&host(&test))).failed(69, "unavailable");
}

#[test]
fn a_uri_gets_headers_and_their_expiry() {
    let test = Test::new();
    let token = test.token();
    let uri = format!("{{\"uri\":\"{}/crm/v8/org\",\"future\":[]}}", test.sandbox.url());
    let outcome = test.run_with_stdin("helper uri get", uri.as_bytes());
    let expires = Timestamp::from_second(expiry(&test) - 60).unwrap();
    let answer =
        format!(r#"{{"headers":{{"Authorization":["Zoho-oauthtoken {token}"]}},"expires":"{expires}"}}"#);
    assert_eq!((outcome.ok(), &*outcome.stderr), (&*answer, ""));
    test.run("helper uri frobnicate").failed(2, "usage");
}

#[test]
fn what_is_no_request_is_65() {
    let test = Test::new();
    let huge = vec![b'a'; (1 << 20) + 1];
    let binary: Vec<u8> = (0..=255).collect();
    let cut = ask("x").trim_end().as_bytes().to_vec();
    for bad in [&b""[..], b"\n", b"garbage\n\n", &binary, &cut, b"{\"uri\":\"https://www.zo"] {
        for helper in [["helper", "git", "get"], ["helper", "git", "erase"], ["helper", "uri", "get"]] {
            test.run_with_stdin(helper, bad).failed(65, "bad_input");
        }
    }
    // `erase` reads its request like `get`.
    for helper in [["helper", "git", "get"], ["helper", "uri", "get"]] {
        test.run_with_stdin(helper, &huge).failed(65, "bad_input");
    }
    test.shell("exec $0 helper git get <&-", &[]).run().failed(65, "bad_input");
}

#[test]
fn a_warning_does_not_reach_a_helpers_stderr() {
    let test = Test::new();
    let token = test.token();
    test.age_token(3570);
    test.fault(http_status(503));
    for outcome in [git(&test, "get", &ask(&host(&test))), test.run("get -o exec-credential")] {
        outcome.exits(0).says_nothing().prints(&token);
    }
}

#[test]
fn a_name_says_which_helper_it_is() {
    let test = Test::new();
    let token = test.token();
    let run = |name: &str, args: &str, stdin: &str| {
        let link = test.dir.path().join(name);
        let _ = std::os::unix::fs::symlink(PROGRAM, &link);
        Call::new(&test, [link]).args(args).stdin(stdin).run()
    };
    let request = ask(&host(&test));
    assert!(run("git-credential-zoho", "get", &request).ok().contains(&token));
    assert!(run("git-credential-zoho", "--profile env get", &request).ok().contains(&token));
    let uri = format!("{{\"uri\":\"{}\"}}", test.sandbox.url());
    assert!(run("credential-helper-zoho", "get", &uri).ok().contains(&token));
    run("credential-helper-zoho", "", &uri).failed(2, "usage");
}

#[test]
fn a_helper_that_cannot_get_the_lock_says_so_in_time() {
    let test = Test::new();
    let token = test.token();
    let lock = files_below(&test.state().join("locks")).remove(0);
    let held = std::fs::File::open(lock).unwrap();
    held.lock().unwrap();
    let request = format!("protocol=http\nhost={}\ncredential={token}\n\n", host(&test));
    let outcome = git(&test, "erase", &request);
    outcome.failed(75, "busy").within(Duration::from_secs(10));
    assert!(outcome.took >= Duration::from_secs(2), "{outcome:?}");
}

/// Callers such as libgit2 keep the pipe open until they have the answer.
#[test]
fn a_request_ends_although_its_pipe_stays_open() {
    let test = Test::new();
    let token = test.token();
    let host = host(&test);
    let uri = format!("{{\"uri\":\"http://{host}/crm\"}}");
    for (protocol, request) in [("git", ask(&host)), ("uri", uri)] {
        let mut running = test.call(["helper", protocol, "get"]).open_stdin().start();
        let mut pipe = running.stdin();
        for piece in request.as_bytes().chunks(20) {
            pipe.write_all(piece).unwrap();
        }
        assert!(running.wait().ok().contains(&token));
        let _ = pipe.flush();
    }
}
