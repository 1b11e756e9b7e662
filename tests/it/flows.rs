//! Every login flow, end to end against the sandbox: after the login, `get` prints a token without another request.

use crate::harness::consent::{GOOGLE, http, visit, world};
use crate::harness::{Running, Test, read_json, until};
use crate::person::Person;
use std::net::TcpStream;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Endpoint, Fault, FaultKind, Language};

const SCOPE: &str = "--scope ZohoCRM.modules.ALL,ZohoCRM.org.READ";

/// Asserts that the token from the login is cached and works.
#[track_caller]
fn in_use(test: &Test, requests: usize) {
    let token = test.run("get crm").ok().to_owned();
    assert_eq!(test.sandbox.token_requests(), requests);
    let leads = http().get(format!("{}/crm/v8/Leads?fields=Last_Name", test.sandbox.api_domain()));
    let answer = leads.header("authorization", format!("Zoho-oauthtoken {token}")).send().unwrap();
    assert_eq!(answer.status(), 200);
    let status = test.run("status -o json").json();
    assert_eq!(status["budget"]["used"], 1);
}

/// A login that waits for the browser.
fn browser_login(test: &Test, kind: ClientKind, callback: &str) -> Running {
    let login = test.login("crm", kind).args(SCOPE).args("--flow browser --no-browser --redirect-uri");
    login.arg(callback).start()
}

/// A login that waits for the redirected URL on its stdin.
fn paste_login(test: &Test, flag: &str) -> Running {
    let login = test.login("crm", ClientKind::ServerBased).args(SCOPE).args(flag);
    login.args(["--flow", "paste", "--redirect-uri", GOOGLE]).open_stdin().start()
}

fn self_client_code(test: &Test) -> String {
    test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180))
}

#[test]
fn a_pasted_address_of_another_login_is_refused() {
    let (test, _) = world();
    let stale = paste_login(&test, "");
    let landed = stale.consent("accept");
    stale.kill();
    let mut login = paste_login(&test, "");
    login.said("http");
    login.type_in(&landed);
    login.wait().failed(65, "bad_input");
    assert_eq!(test.sandbox.token_requests(), 0);
}

/// `code=…` was taken for a code, which Zoho refused. A code with what follows it in the URL was not accepted.
#[test]
fn a_code_is_accepted_with_anything_that_zoho_appended() {
    let (test, _) = world();
    let forms: [fn(&str, &str) -> String; 4] = [
        |query, _| query.to_owned(),
        |_, code| format!("code={code}"),
        |_, code| format!("{code}&location=us&"),
        |_, code| code.to_owned(),
    ];
    for form in forms {
        let mut login = paste_login(&test, "");
        let landed = login.consent("accept");
        let (_, query) = landed.split_once('?').unwrap();
        let code = query.split('&').find_map(|pair| pair.strip_prefix("code=")).unwrap();
        login.type_in(&form(query, code));
        login.wait().exits(0);
    }
}

/// A code is refused for the usual reasons, or because the client does not support PKCE, which was used unless switched off.
#[test]
fn a_refusal_that_pkce_may_explain_names_the_way_out() {
    let (test, _) = world();
    let faults = [FaultKind::InvalidCode, FaultKind::Error { error: "invalid_request".into(), status: 400 }];
    for (fault, code) in faults.into_iter().zip([77, 69]) {
        test.sandbox.clear_faults();
        test.fault(fault);
        for (flag, named) in [("", true), ("--no-pkce", false)] {
            let mut login = paste_login(&test, flag);
            login.type_in(&login.consent("accept"));
            let outcome = login.wait();
            assert_eq!(outcome.exits(code).stderr.contains("add --no-pkce"), named, "{outcome:?}");
        }
    }
    let mut login = paste_login(&test, "");
    let landed = login.consent("accept");
    let state = landed.split(['?', '&']).find(|pair| pair.starts_with("state=")).unwrap();
    login.type_in(&format!("{GOOGLE}?{state}&error=invalid_request"));
    let outcome = login.wait();
    outcome.failed_with(77, "login_required", "add --no-pkce").hides(&["Reject"]);
}

#[test]
fn forged_callbacks_lead_to_no_request() {
    let (test, callback) = world();
    let login = browser_login(&test, ClientKind::ServerBased, &callback);
    let landed = login.consent("accept");
    let url = url::Url::parse(&landed).unwrap();
    let of = |name: &str| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
    let (state, code) = (of("state"), of("code"));
    for forged in [
        format!("?code={code}"),
        format!("?state=guess&code={code}"),
        format!("/x?state={state}&code={code}"),
        "?error=access_denied".into(),
    ] {
        assert_eq!(visit(&format!("{callback}{forged}")).status(), 404, "{forged}");
    }
    let _half_open =
        TcpStream::connect(callback.split('/').nth(2).unwrap().replace("localhost", "127.0.0.1")).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| drop(http().get(format!("{callback}?state=no")).send()));
        }
    });
    let server = "https%3A%2F%2Faccounts.zoho.eu.evil.example";
    let misled = format!("{callback}?state={state}&code={code}&accounts-server={server}");
    assert_eq!(visit(&misled).status(), 400);
    login.wait().failed(65, "bad_input");
    assert_eq!(test.sandbox.token_requests(), 0);
    assert!(!test.config().exists());
}

#[test]
fn a_self_clients_code() {
    let (test, _) = world();
    let code = self_client_code(&test);
    let login = || {
        test.login("crm", ClientKind::SelfClient).args("--flow self-client --code-file -").stdin(&code).run()
    };
    login().ok();
    in_use(&test, 1);
    assert!(!test.sandbox.log()[0].params.contains_key("redirect_uri"), "{:?}", test.sandbox.log()[0]);
    login().failed(77, "login_required");
    test.run("get crm").ok();
}

/// Its client has no consent page, so a login with the default flow would fail at Zoho.
#[test]
fn a_login_goes_the_way_of_the_last_one_where_there_is_no_consent_page() {
    let (test, _) = world();
    test.self_client_login("crm").run().ok();
    let login = |kind| test.login("crm", kind);
    let again = login(ClientKind::SelfClient).stdin(self_client_code(&test)).run();
    again.exits(0).hides(&["/oauth/v2/auth"]);
    login(ClientKind::ServerBased).args(SCOPE).stdin("no code").run().says("/oauth/v2/auth");

    let (test, _) = world();
    let login = || test.login("crm", ClientKind::SelfClient);
    login().args(SCOPE).args("--flow client-credentials --soid").arg(test.sandbox.soid()).run().ok();
    in_use(&test, 1);
    login().run().ok();
    assert!(test.read_config().contains("grant = \"client_credentials\""));
}

#[test]
fn a_login_without_a_refresh_token_fails_and_leaves_the_old_one() {
    let (test, _) = world();
    test.self_client_login("crm").run().ok();
    let fault = FaultKind::Missing { fields: vec!["refresh_token".into()] };
    test.sandbox.set_fault(Fault::new(Endpoint::Token, fault).times(1));
    test.self_client_login("crm").run().failed_with(77, "login_required", "Connected Apps");
    test.run("get crm --refresh").ok();
}

#[test]
fn a_lost_answer_is_not_asked_for_twice() {
    let (test, _) = world();
    test.fault(FaultKind::MintThenReset);
    test.self_client_login("crm").run().failed(69, "unavailable");
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn the_token_that_a_login_replaces_is_revoked_when_asked() {
    let (test, _) = world();
    let login = || test.self_client_login("crm");
    login().run().ok();
    let before = test.valid_grants();
    login().run().exits(0).says("--revoke-old");
    assert_eq!(test.valid_grants(), before + 1);
    login().arg("--revoke-old").run().exits(0).says("was revoked");
    assert_eq!(test.valid_grants(), before + 1);
    test.run("get crm --refresh").ok();
}

#[test]
fn a_token_of_our_making_is_revoked_when_another_is_taken_over_and_never_when_it_is_the_same() {
    let (test, _) = world();
    test.self_client_login("crm").run().ok();
    let before = test.valid_grants();
    let own = read_json(&test.secret("refresh-token-"))["secret"].as_str().unwrap().to_owned();
    let take_over = |token: &str, client: ClientKind| {
        let login = test.login("crm", client).args("--flow refresh-token --revoke-old");
        login.file("--refresh-token-file", token).run()
    };
    take_over(&own, ClientKind::SelfClient).exits(0).hides(&["revoked"]);
    assert_eq!(test.valid_grants(), before);
    test.run("get crm --refresh").ok();
    // The imported refresh token was not created by us. The next login creates one, which a login with another client replaces.
    test.self_client_login("crm").run().ok();
    let outcome = take_over(test.sandbox.refresh_token(), ClientKind::Any);
    outcome.exits(0).says("the old refresh token was revoked");
    assert_eq!(test.valid_grants(), before);
}

/// Zoho keeps 20 refresh tokens per client and revokes the oldest. Tokens that a login revoked do not count.
/// It said that a refresh token was throttled, of which there was none.
#[test]
fn a_throttled_login_blames_no_refresh_token() {
    let (test, _) = world();
    test.fault(FaultKind::Throttle { status: 400, language: Language::En, retry_after_s: None });
    let outcome = test.self_client_login("crm").run();
    outcome.failed_with(75, "rate_limited", "Zoho throttled this login").hides(&["refresh token"]);
}

#[test]
fn many_logins_warn_before_the_20th() {
    let (test, _) = world();
    let login = || test.self_client_login("crm");
    for _ in 0..17 {
        login().run().exits(0).hides(&["refresh tokens for this client"]);
    }
    login().arg("--revoke-old").run().exits(0).says("has created 18").says("was revoked");
    login().run().exits(0).says("has created 18");
    let nineteenth = login().run().exits(0).hides(&["has created 19"]).stderr.clone();
    assert_eq!(nineteenth.matches("has created 18").count(), 1, "said once, before: {nineteenth}");
}

#[test]
fn without_a_keyring_the_login_stops_and_names_the_flag() {
    let (test, _) = world();
    let login = test.call("login crm --client-id 1000.X --scope a --accounts-url").arg(test.sandbox.url());
    let login = login.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    login.file("--client-secret-file", "x").run().failed_with(74, "store", "--secrets file");
    assert!(!test.state().join("secrets").exists());
    let all = "PROFILE, --data-center, --client-id, --client-secret-file, --scope, --secrets file";
    test.call("login").env("DBUS_SESSION_BUS_ADDRESS", "x").run().failed_with(2, "usage", all);
}

#[test]
fn a_login_that_a_signal_ends_says_so_by_its_code() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (test, callback) = world();
        let login = browser_login(&test, ClientKind::Mobile, &callback);
        login.said("zoho-cred: waiting");
        login.signal(signal);
        login.wait().exits(code);
    }
}

#[test]
fn ctrl_c_at_a_hidden_question_leaves_a_terminal_that_shows_what_is_typed() {
    let (test, _) = world();
    let login = test.call("login crm --flow self-client --secrets file --client-id 1000.X --accounts-url");
    let mut person = Person::runs(login.arg(test.sandbox.url()));
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
    let (test, callback) = world();
    let login = browser_login(&test, ClientKind::Mobile, &callback);
    let landed = login.consent("accept");
    test.write_config("[profile.books\n");
    visit(&landed);
    let outcome = login.wait();
    outcome.exits(0);
    assert!(outcome.stderr.contains("add these lines to it") && outcome.stderr.contains("[profile.crm]"));
    let lines = outcome.stderr.split("lines to it:").nth(1).unwrap().split("zoho-cred:").next().unwrap();
    test.write_config(lines);
    in_use(&test, 1);
}
