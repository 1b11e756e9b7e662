//! Every login flow, end to end against the sandbox: after the login, `get` prints a token without another request.

use crate::harness::consent::{GOOGLE, http, press, visit, world};
use crate::harness::{Outcome, Running, Test, until};
use crate::person::Person;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Endpoint, Fault, FaultKind};

struct Login {
    running: Running,
}

fn start(test: &Test, kind: ClientKind, more: &[&str]) -> Login {
    let client = test.sandbox.client(kind);
    let secret = test.file("secret", &client.client_secrets["us"]);
    let mut command =
        test.command(["login", "crm", "--secrets", "file", "--accounts-url", test.sandbox.url()]);
    command.args(["--client-id", &client.client_id, "--client-secret-file"]).arg(secret);
    command.args(more).stdin(Stdio::piped());
    Login { running: test.start(command) }
}

impl Login {
    fn said(&self, begin: &str) -> String {
        crate::harness::said(&self.running, begin)
    }

    /// Opens the consent page, presses a button, and returns the redirect URL.
    fn consent(&self, decision: &str) -> String {
        press(decision, &self.said("http"))
    }

    fn type_in(&mut self, text: &str) {
        self.running.stdin().write_all(text.as_bytes()).unwrap();
        self.running.close_stdin();
    }

    fn wait(self) -> Outcome {
        self.running.wait()
    }
}

/// Asserts that the token from the login is cached and works.
#[track_caller]
fn in_use(test: &Test, requests: usize) {
    let token = test.run(["get", "crm"]).ok().to_owned();
    assert_eq!(test.sandbox.token_requests(), requests);
    let leads = http().get(format!("{}/crm/v8/Leads?fields=Last_Name", test.sandbox.api_domain()));
    let answer = leads.header("authorization", format!("Zoho-oauthtoken {token}")).send().unwrap();
    assert_eq!(answer.status(), 200);
    let status = test.run(["status", "-o", "json"]).json();
    assert_eq!(status["budget"]["used"], 1);
}

const SELF_CLIENT: [&str; 4] = ["--flow", "self-client", "--code-file", "-"];
const SCOPE: [&str; 2] = ["--scope", "ZohoCRM.modules.ALL,ZohoCRM.org.READ"];

/// A login that waits for the browser at the returned redirect URI.
fn browser_login(kind: ClientKind) -> (Test, String, Login) {
    let (test, callback) = world();
    let flow = ["--flow", "browser", "--no-browser", "--redirect-uri", &callback];
    let login = start(&test, kind, &[&SCOPE[..], &flow].concat());
    (test, callback, login)
}

#[test]
fn a_pasted_address_of_another_login_is_refused() {
    let (test, _) = world();
    let arguments = [&SCOPE[..], &["--flow", "paste", "--redirect-uri", GOOGLE]].concat();
    let stale = start(&test, ClientKind::ServerBased, &arguments);
    let landed = stale.consent("accept");
    stale.running.signal("KILL");
    let mut login = start(&test, ClientKind::ServerBased, &arguments);
    login.said("http");
    login.type_in(&landed);
    login.wait().failed(65, "bad_input");
    assert_eq!(test.sandbox.token_requests(), 0);
}

/// A code is refused for the usual reasons, or because the client does not support PKCE, which was used unless switched off.
#[test]
fn a_refusal_that_pkce_may_explain_names_the_way_out() {
    let (test, _) = world();
    let paste = [&SCOPE[..], &["--flow", "paste", "--redirect-uri", GOOGLE]].concat();
    let faults = [FaultKind::InvalidCode, FaultKind::Error { error: "invalid_request".into(), status: 400 }];
    for (fault, code) in faults.into_iter().zip([77, 69]) {
        test.sandbox.clear_faults();
        test.fault(fault);
        for (more, named) in [(&[][..], true), (&["--no-pkce"], false)] {
            let mut login = start(&test, ClientKind::ServerBased, &[&paste[..], more].concat());
            let landed = login.consent("accept");
            login.type_in(&landed);
            let outcome = login.wait();
            assert_eq!(
                (outcome.code, outcome.stderr.contains("add --no-pkce")),
                (code, named),
                "{outcome:?}"
            );
        }
    }
    let mut login = start(&test, ClientKind::ServerBased, &paste);
    let state = login.consent("accept");
    let state = state.split(['?', '&']).find(|pair| pair.starts_with("state=")).unwrap();
    login.type_in(&format!("{GOOGLE}?{state}&error=invalid_request"));
    let outcome = login.wait();
    outcome.failed(77, "login_required");
    assert!(outcome.stderr.contains("add --no-pkce") && !outcome.stderr.contains("Reject"), "{outcome:?}");
}

#[test]
fn the_browser_comes_back() {
    let (test, callback, login) = browser_login(ClientKind::Mobile);
    let landed = login.consent("accept");
    let root = callback.trim_end_matches("/callback");
    assert_eq!(visit(&format!("{root}/favicon.ico")).status(), 404);
    let page = visit(&landed).text().unwrap();
    assert!(page.contains("Access granted") && !page.contains("1000."), "{page}");
    let outcome = login.wait();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(!outcome.stderr.contains(test.sandbox.client_secret()));
    in_use(&test, 1);
    assert!(test.sandbox.log().iter().any(|entry| entry.params.contains_key("code_verifier")));
}

#[test]
fn reject_is_77_and_a_page_says_so() {
    let (test, _, login) = browser_login(ClientKind::ServerBased);
    let landed = login.consent("reject");
    assert!(visit(&landed).text().unwrap().contains("Access denied"));
    login.wait().failed(77, "login_required");
    assert_eq!(test.sandbox.token_requests(), 0);
}

#[test]
fn forged_callbacks_lead_to_no_request() {
    let (test, callback, login) = browser_login(ClientKind::ServerBased);
    let landed = login.consent("accept");
    let url = url::Url::parse(&landed).unwrap();
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let (state, code) = (of("state"), of("code"));
    assert_eq!(visit(&format!("{callback}?code={code}")).status(), 404);
    assert_eq!(visit(&format!("{callback}?state=guess&code={code}")).status(), 404);
    assert_eq!(visit(&format!("{callback}/x?state={state}&code={code}")).status(), 404);
    assert_eq!(visit(&format!("{callback}?error=access_denied")).status(), 404);
    let _half_open =
        TcpStream::connect(callback.split('/').nth(2).unwrap().replace("localhost", "127.0.0.1")).unwrap();
    let flood: Vec<_> = (0..100)
        .map(|_| {
            std::thread::spawn({
                let callback = callback.clone();
                move || drop(http().get(format!("{callback}?state=no")).send())
            })
        })
        .collect();
    flood.into_iter().for_each(|thread| thread.join().unwrap());
    let server = "https%3A%2F%2Faccounts.zoho.eu.evil.example";
    assert_eq!(
        visit(&format!("{callback}?state={state}&code={code}&accounts-server={server}")).status(),
        400
    );
    login.wait().failed(65, "bad_input");
    assert_eq!(test.sandbox.token_requests(), 0);
    assert!(!test.config().exists());
}

#[test]
fn a_port_that_is_taken_stops_the_login_before_it_begins() {
    let (test, callback) = world();
    let port = url::Url::parse(&callback).unwrap().port().unwrap();
    let _taken =
        TcpListener::bind(("::1", port)).or_else(|_| TcpListener::bind(("127.0.0.1", port))).unwrap();
    let flow = ["--flow", "browser", "--no-browser", "--redirect-uri", &callback];
    let outcome = start(&test, ClientKind::ServerBased, &[&SCOPE[..], &flow].concat()).wait();
    outcome.failed(75, "busy");
    assert!(outcome.stderr.contains(&format!("port {port}")) && !outcome.stderr.contains("/oauth/v2/auth"));
}

#[test]
fn a_self_clients_code() {
    let (test, _) = world();
    let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let mut login = start(&test, ClientKind::SelfClient, &SELF_CLIENT);
    login.type_in(&code);
    assert_eq!(login.wait().code, 0);
    in_use(&test, 1);
    let exchange = test.sandbox.log().into_iter().find(|entry| entry.endpoint == Endpoint::Token).unwrap();
    assert!(!exchange.params.contains_key("redirect_uri"), "{exchange:?}");
    let mut again = start(&test, ClientKind::SelfClient, &SELF_CLIENT);
    again.type_in(&code);
    again.wait().failed(77, "login_required");
    test.run(["get", "crm"]).ok();
}

/// Its client has no consent page, so a login with the default flow would fail at Zoho.
#[test]
fn a_login_goes_the_way_of_the_last_one_where_there_is_no_consent_page() {
    let (test, _) = world();
    let code = || test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let mut first = start(&test, ClientKind::SelfClient, &["--flow", "self-client"]);
    first.type_in(&code());
    assert_eq!(first.wait().code, 0);
    let mut again = start(&test, ClientKind::SelfClient, &[]);
    again.type_in(&code());
    let outcome = again.wait();
    assert!(outcome.code == 0 && !outcome.stderr.contains("/oauth/v2/auth"), "{outcome:?}");
    let mut other = start(&test, ClientKind::ServerBased, &SCOPE);
    other.type_in("no code");
    assert!(other.wait().stderr.contains("/oauth/v2/auth"));

    let (test, _) = world();
    let flow = ["--flow", "client-credentials", "--soid", test.sandbox.soid()];
    let first = start(&test, ClientKind::SelfClient, &[&SCOPE[..], &flow].concat()).wait();
    assert_eq!(first.code, 0, "{first:?}");
    in_use(&test, 1);
    assert_eq!(start(&test, ClientKind::SelfClient, &[]).wait().code, 0);
    assert!(test.read_config().contains("grant = \"client_credentials\""));
}

#[test]
fn a_login_without_a_refresh_token_fails_and_leaves_the_old_one() {
    let (test, _) = world();
    let code =
        |test: &Test| test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let mut login = start(&test, ClientKind::SelfClient, &SELF_CLIENT);
    login.type_in(&code(&test));
    assert_eq!(login.wait().code, 0);
    let fault = FaultKind::Missing { fields: vec!["refresh_token".into()] };
    test.sandbox.set_fault(Fault::new(Endpoint::Token, fault).times(1));
    let mut login = start(&test, ClientKind::SelfClient, &SELF_CLIENT);
    login.type_in(&code(&test));
    let outcome = login.wait();
    outcome.failed(77, "login_required");
    assert!(outcome.stderr.contains("Connected Apps"), "{outcome:?}");
    test.run(["get", "crm", "--refresh"]).ok();
}

#[test]
fn a_lost_answer_is_not_asked_for_twice() {
    let (test, _) = world();
    test.fault(FaultKind::MintThenReset);
    let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let mut login = start(&test, ClientKind::SelfClient, &SELF_CLIENT);
    login.type_in(&code);
    login.wait().failed(69, "unavailable");
    assert_eq!(test.sandbox.token_requests(), 1);
}

/// Logs in with a new Self Client code, which creates a refresh token.
fn self_client_login(test: &Test, more: &[&str]) -> Outcome {
    let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let mut login = start(test, ClientKind::SelfClient, &[&SELF_CLIENT[..], more].concat());
    login.type_in(&code);
    let outcome = login.wait();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    outcome
}

/// The number of valid refresh tokens in the sandbox.
fn valid_grants(test: &Test) -> usize {
    test.sandbox.counts().grants.iter().filter(|grant| grant.alive).count()
}

#[test]
fn the_token_that_a_login_replaces_is_revoked_when_asked() {
    let (test, _) = world();
    let login = |more: &[&str]| self_client_login(&test, more);
    let alive = || valid_grants(&test);
    login(&[]);
    let before = alive();
    assert!(login(&[]).stderr.contains("--revoke-old"));
    assert_eq!(alive(), before + 1);
    assert!(login(&["--revoke-old"]).stderr.contains("was revoked"));
    assert_eq!(alive(), before + 1);
    test.run(["get", "crm", "--refresh"]).ok();
}

#[test]
fn a_token_of_our_making_is_revoked_when_another_is_taken_over_and_never_when_it_is_the_same() {
    let (test, _) = world();
    self_client_login(&test, &[]);
    let before = valid_grants(&test);
    let item = crate::harness::files_below(&test.state().join("secrets"))
        .into_iter()
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("refresh-token"))
        .unwrap();
    let own: serde_json::Value = serde_json::from_slice(&std::fs::read(item).unwrap()).unwrap();
    let own = own.as_object().unwrap().values().find_map(|value| value.as_str()).unwrap().to_owned();
    let take_over = |token: &str, client: ClientKind| {
        let file = test.file("taken", token).display().to_string();
        let flow = ["--flow", "refresh-token", "--refresh-token-file", &file, "--revoke-old"];
        let outcome = start(&test, client, &flow).wait();
        assert_eq!(outcome.code, 0, "{outcome:?}");
        outcome.stderr
    };
    assert!(!take_over(&own, ClientKind::SelfClient).contains("revoked"));
    assert_eq!(valid_grants(&test), before);
    test.run(["get", "crm", "--refresh"]).ok();
    // The imported refresh token was not created by us. The next login creates one, which a login with another client replaces.
    self_client_login(&test, &[]);
    let said = take_over(test.sandbox.refresh_token(), ClientKind::Any);
    assert!(said.contains("the old refresh token was revoked"), "{said}");
    assert_eq!(valid_grants(&test), before);
}

/// Zoho keeps 20 refresh tokens per client and revokes the oldest. Tokens that a login revoked do not count.
#[test]
fn many_logins_warn_before_the_20th() {
    let (test, _) = world();
    let login = |more: &[&str]| self_client_login(&test, more).stderr;
    for _ in 0..17 {
        assert!(!login(&[]).contains("refresh tokens for this client"));
    }
    let eighteenth = login(&["--revoke-old"]);
    assert!(eighteenth.contains("has created 18") && eighteenth.contains("was revoked"), "{eighteenth}");
    let again = login(&[]);
    assert!(again.contains("has created 18"), "{again}");
    let nineteenth = login(&[]);
    assert_eq!(nineteenth.matches("has created 18").count(), 1, "said once, before: {nineteenth}");
    assert!(!nineteenth.contains("has created 19"), "{nineteenth}");
}

#[test]
fn without_a_keyring_the_login_stops_and_names_the_flag() {
    let (test, _) = world();
    let test = test.var("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    let secret = test.file("secret", "x").display().to_string();
    let login = "login crm --client-id 1000.X --scope a --accounts-url".split(' ');
    let outcome = test.run(login.chain([test.sandbox.url(), "--client-secret-file", &secret]));
    outcome.failed(74, "store");
    assert!(outcome.stderr.contains("--secrets file"), "{outcome:?}");
    assert!(!test.state().join("secrets").exists());
}

#[test]
fn only_one_thing_can_come_from_stdin() {
    let (test, _) = world();
    let arguments = ["login", "crm", "--client-secret-file", "-", "--code-file", "-"];
    test.run(arguments).failed(2, "usage");
}

#[test]
fn a_login_that_a_signal_ends_says_so_by_its_code() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (test, callback) = world();
        let flow = ["--flow", "browser", "--no-browser", "--redirect-uri", &callback];
        let login = start(&test, ClientKind::Mobile, &[&SCOPE[..], &flow].concat());
        login.said("zoho-cred: waiting");
        login.running.signal(signal);
        assert_eq!(login.running.exit_code(), Some(code));
    }
}

#[test]
fn ctrl_c_at_a_hidden_question_leaves_a_terminal_that_shows_what_is_typed() {
    let (test, _) = world();
    let flow = ["login", "crm", "--flow", "self-client", "--secrets", "file", "--client-id", "1000.X"];
    let mut person = Person::calls(&test, flow.into_iter().chain(["--accounts-url", test.sandbox.url()]));
    person.reads("Client Secret (not shown): ");
    until("the terminal to hide what is typed", || !person.echoes());
    // This handle keeps the terminal open after the program ends.
    let _kept = std::fs::File::options().read(true).write(true).open(&person.tty).unwrap();
    person.pty.send_control('c').unwrap();
    assert_eq!(person.pty.read_line().unwrap(), "", "the shell's prompt begins on a new line");
    let status = person.pty.process().wait().unwrap();
    assert!(matches!(status, rexpect::process::WaitStatus::Exited(_, 130)), "{status:?}");
    assert!(person.echoes());
    assert_eq!(person.pty.read_line().unwrap(), "zoho-cred: error[interrupted]: ended by signal 2");
}

#[test]
fn a_login_whose_config_was_broken_while_it_waited_prints_its_lines() {
    let (test, _, login) = browser_login(ClientKind::Mobile);
    let landed = login.consent("accept");
    test.write_config("[profile.books\n");
    visit(&landed);
    let outcome = login.wait();
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("add these lines to it") && outcome.stderr.contains("[profile.crm]"));
    let lines = outcome.stderr.split("lines to it:").nth(1).unwrap().split("zoho-cred:").next().unwrap();
    test.write_config(lines);
    in_use(&test, 1);
}
