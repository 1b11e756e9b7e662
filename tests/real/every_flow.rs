//! Every login flow, interactive and in a script: a login, a token that works, and a logout. The sandbox tells which tokens
//! were revoked.

use crate::harness::consent::{GOOGLE, http, press, visit, world};
use crate::harness::{Outcome, Running, Test, files_below, said, until};
use crate::person::Person;
use crate::windows::under_wine;
use reqwest::blocking::Response;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Endpoint};

const SCOPE: &str = "ZohoCRM.modules.ALL";

/// Whether a user at a terminal or a script runs the command, or a script on Windows, with secrets in files or in Credential
/// Manager.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Person,
    Script,
    Windows,
    CredentialManager,
}

/// A login flow: its `--flow` value, its client type, and its flags.
struct Flow {
    word: &'static str,
    kind: ClientKind,
    flags: Vec<String>,
}

/// A running login.
enum Login {
    AtTerminal(Person),
    Without(Running),
}

impl Login {
    /// Answers a prompt on a terminal. Without a terminal, flags have given the answer.
    fn asked(&mut self, question: &str, answer: &str) {
        if let Login::AtTerminal(person) = self {
            person.answers(question, answer);
        }
    }

    /// Answers the flow's prompt, or writes the answer to stdin.
    fn given(&mut self, question: &str, answer: &str) {
        match self {
            Login::AtTerminal(person) => person.answers(question, answer),
            Login::Without(running) => {
                running.stdin().write_all(answer.as_bytes()).unwrap();
                running.close_stdin();
            }
        }
    }

    /// The first line that starts with this text.
    fn found(&mut self, begin: &str) -> String {
        match self {
            Login::AtTerminal(person) => person.finds(begin),
            Login::Without(running) => said(running, begin),
        }
    }

    /// Asserts that the login succeeded and returns its output.
    #[track_caller]
    fn ended_well(self) -> String {
        match self {
            Login::AtTerminal(person) => {
                let (code, shown) = person.leaves();
                assert_eq!(code, 0, "{shown}");
                shown
            }
            Login::Without(running) => {
                let outcome = running.wait();
                assert_eq!((outcome.code, &*outcome.stdout), (0, ""), "{outcome:?}");
                outcome.stderr
            }
        }
    }
}

/// A sandbox for this caller, and a redirect URI.
fn place(caller: Caller) -> Option<(Test, String)> {
    let (test, callback) = world();
    let windows = matches!(caller, Caller::Windows | Caller::CredentialManager);
    Some((if windows { under_wine(test)? } else { test }, callback))
}

/// Starts a login. A user is prompted for client, scopes and secret; a script passes them as flags.
fn begin(test: &Test, caller: Caller, flow: &Flow) -> Login {
    let client = test.sandbox.client(flow.kind);
    let secret = client.client_secrets["us"].as_str();
    let url = test.sandbox.url();
    let secrets = if caller == Caller::CredentialManager { "keyring" } else { "file" };
    let mut args = vec!["login", "crm", "--secrets", secrets, "--flow", flow.word, "--accounts-url", url];
    args.extend(flow.flags.iter().map(String::as_str));
    if caller != Caller::Person {
        let file = test.file("client-secret", secret);
        let mut command = test.command(args);
        command.args(["--client-id", &client.client_id, "--scope", SCOPE, "--client-secret-file"]).arg(file);
        command.stdin(Stdio::piped());
        return Login::Without(test.start(command));
    }
    let mut login = Login::AtTerminal(Person::calls(test, args));
    login.asked("Client ID: ", &client.client_id);
    login.asked("Client Secret (not shown): ", secret);
    match flow.word {
        "refresh-token" => {}
        "self-client" => login.asked("Scopes, or Enter to choose them in the API console: ", SCOPE),
        _ => login.asked("Scopes: ", SCOPE),
    }
    login
}

/// Accepts on the page of the device flow, given the output line with its URL and the code.
#[track_caller]
pub fn connect(line: &str) {
    let (page, code) = line.trim_start_matches("zoho-cred: or visit ").split_once("?user_code=").unwrap();
    let form = [("user_code", code), ("decision", "accept")];
    let answer = http().post(page).form(&form).send().unwrap().text().unwrap();
    assert!(answer.contains("Connected"), "{answer}");
}

/// Runs a command as this caller and returns its output.
#[track_caller]
fn call(test: &Test, caller: Caller, args: &[&str]) -> String {
    match caller {
        Caller::Script | Caller::Windows | Caller::CredentialManager => {
            let Outcome { code, stdout, stderr, .. } = test.run(args.iter().copied());
            assert_eq!(code, 0, "{stderr}");
            stdout + &stderr
        }
        Caller::Person => Login::AtTerminal(Person::calls(test, args.iter().copied())).ended_well(),
    }
}

fn leads(test: &Test, token: &str) -> Response {
    let request = http().get(format!("{}/crm/v8/Leads?fields=Last_Name", test.sandbox.api_domain()));
    request.header("authorization", format!("Zoho-oauthtoken {token}")).send().unwrap()
}

/// The refresh token in the secret file of the login.
fn kept(test: &Test) -> Option<String> {
    let files = files_below(&test.state().join("secrets"));
    let file = files.iter().find(|file| file.to_string_lossy().contains("/refresh-token-"))?;
    let item: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    Some(item["secret"].as_str().unwrap().to_owned())
}

/// The sandbox's answer to a refresh sent directly, without `zoho-cred`.
fn refreshed(test: &Test, kind: ClientKind, token: &str) -> serde_json::Value {
    let client = test.sandbox.client(kind);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &client.client_id),
        ("client_secret", &client.client_secrets["us"]),
        ("refresh_token", token),
    ];
    http().post(format!("{}/oauth/v2/token", test.sandbox.url())).form(&form).send().unwrap().json().unwrap()
}

/// Login, token, logout: afterwards the refresh token is revoked at the sandbox and no local secret is left.
#[track_caller]
fn used_and_left(test: &Test, caller: Caller, flow: &Flow, shown: &str, given: &[&str]) {
    assert!(shown.contains("logged in"), "{shown}");
    let requests = test.sandbox.token_requests();
    let token = call(test, caller, &["get", "crm"]).trim().to_owned();
    assert_eq!(test.sandbox.token_requests(), requests, "the login's own token is in the cache");
    assert_eq!(leads(test, &token).status(), 200);
    let refresh_token = kept(test);
    let secret = &test.sandbox.client(flow.kind).client_secrets["us"];
    let secrets = [secret, token.as_str()].into_iter().chain(refresh_token.as_deref());
    for secret in secrets.clone().chain(given.iter().copied()) {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let said = call(test, caller, &["logout", "crm"]);
    let revokes = test.sandbox.log().iter().filter(|entry| entry.endpoint == Endpoint::Revoke).count();
    assert_eq!(
        refresh_token.is_some(),
        flow.word != "client-credentials" && caller != Caller::CredentialManager
    );
    match flow.word {
        "client-credentials" => {
            assert!(said.contains("client credentials have nothing to revoke"), "{said}");
            assert_eq!(revokes, 0);
            assert_eq!(leads(test, &token).status(), 200, "Zoho lets it live until it expires");
        }
        _ => {
            assert!(said.contains("its refresh token is revoked"), "{said}");
            assert_eq!(revokes, 1);
            if let Some(refresh_token) = &refresh_token {
                assert_eq!(refreshed(test, flow.kind, refresh_token)["error"], "invalid_code");
            }
            assert_eq!(leads(test, &token).status(), 401, "its access tokens died with it");
        }
    }
    assert_eq!(files_below(&test.state().join("secrets")), Vec::<PathBuf>::new());
    for file in test.state_files() {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for secret in secrets.clone() {
            assert!(!text.contains(secret), "{secret} in {}", file.display());
        }
    }
    test.run(["get", "crm"]).failed(77, "login_required");
}

fn browser(caller: Caller) {
    let Some((mut test, callback)) = place(caller) else { return };
    let mut flags = vec!["--redirect-uri".to_owned(), callback];
    let seen = test.dir.path().join("seen");
    match caller {
        Caller::Script | Caller::Windows | Caller::CredentialManager => flags.push("--no-browser".into()),
        Caller::Person => {
            let script = format!("#!/bin/sh\necho \"$1\" > {0}.new\nmv {0}.new {0}\n", seen.display());
            test.set("BROWSER", program(&test, &script).to_str().unwrap());
        }
    }
    let flow = Flow { word: "browser", kind: ClientKind::ServerBased, flags };
    let mut login = begin(&test, caller, &flow);
    let page = login.found("http://127");
    if caller == Caller::Person {
        until("the browser", || seen.exists());
        assert_eq!(std::fs::read_to_string(&seen).unwrap().trim(), page);
    }
    let answer = visit(&press("accept", &page)).text().unwrap();
    assert!(answer.contains("Access granted"), "{answer}");
    used_and_left(&test, caller, &flow, &login.ended_well(), &[]);
}

pub fn program(test: &Test, script: &str) -> PathBuf {
    let path = test.file("browser", script);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&path, mode).unwrap();
    path
}

fn paste(caller: Caller) {
    let Some((test, _)) = place(caller) else { return };
    let flags = ["--redirect-uri", GOOGLE].map(String::from).to_vec();
    let flow = Flow { word: "paste", kind: ClientKind::ServerBased, flags };
    let mut login = begin(&test, caller, &flow);
    let landed = press("accept", &login.found("http://127"));
    assert!(landed.starts_with(GOOGLE) && landed.ends_with('&'), "{landed}");
    login.given("Paste the whole URL: ", &landed);
    let config = format!("redirect_uri = \"{GOOGLE}\"");
    used_and_left(&test, caller, &flow, &login.ended_well(), &[]);
    assert!(test.read_config().contains(&config));
}

fn device(caller: Caller) {
    let Some((test, _)) = place(caller) else { return };
    let flow = Flow { word: "device", kind: ClientKind::Device, flags: Vec::new() };
    let mut login = begin(&test, caller, &flow);
    connect(&login.found("zoho-cred: or visit "));
    used_and_left(&test, caller, &flow, &login.ended_well(), &[]);
}

fn self_client(caller: Caller) {
    let Some((test, _)) = place(caller) else { return };
    let flow = Flow { word: "self-client", kind: ClientKind::SelfClient, flags: Vec::new() };
    let code = test.sandbox.self_client_code(&[SCOPE], Duration::from_secs(180));
    let mut login = begin(&test, caller, &flow);
    login.given("Code (not shown): ", &code);
    used_and_left(&test, caller, &flow, &login.ended_well(), &[&code]);
}

fn client_credentials(caller: Caller) {
    let Some((test, _)) = place(caller) else { return };
    let flags = vec!["--soid".to_owned(), test.sandbox.soid().to_owned()];
    let flow = Flow { word: "client-credentials", kind: ClientKind::SelfClient, flags };
    let login = begin(&test, caller, &flow);
    used_and_left(&test, caller, &flow, &login.ended_well(), &[]);
}

fn refresh_token(caller: Caller) {
    let Some((test, _)) = place(caller) else { return };
    let flow = Flow { word: "refresh-token", kind: ClientKind::Any, flags: Vec::new() };
    let mut login = begin(&test, caller, &flow);
    login.given("Refresh token (not shown): ", test.sandbox.refresh_token());
    used_and_left(&test, caller, &flow, &login.ended_well(), &[test.sandbox.refresh_token()]);
}

/// The same flows for each kind of caller.
macro_rules! flows {
    ($module:ident, $caller:ident: $($flow:ident),+) => {
        mod $module {
            $(#[test]
            fn $flow() {
                let manager = super::Caller::$caller == super::Caller::CredentialManager;
                let _lock = manager.then(crate::windows::credential_manager);
                super::$flow(super::Caller::$caller);
            })+
        }
    };
}

flows!(at_a_terminal, Person: browser, paste, device, self_client, client_credentials, refresh_token);
flows!(in_credential_manager, CredentialManager: browser, paste, device, self_client, client_credentials, refresh_token);
flows!(on_windows, Windows: browser, paste, device, self_client, client_credentials, refresh_token);
flows!(without_a_terminal, Script: browser, paste, device, self_client, client_credentials, refresh_token);
