//! Stored secrets are sent only to the accounts server, client and grant of their login.

use crate::harness::web::{Answer, Web};
use crate::harness::{Outcome, Test, files_below};
use crate::person::Person;
use zoho_cred::sandbox::{ClientKind, Endpoint};

/// A server of somebody else, which answers everything with a token.
fn other_server() -> Web {
    let token = r#"{"access_token":"1000.aa.bb","expires_in":3600}"#;
    Web::start(move |_| Answer("200 OK", String::new(), token.to_owned()))
}

/// Changes the accounts server in the config to one of somebody else.
fn moved(test: &Test) -> Web {
    let elsewhere = other_server();
    test.write_config(&test.read_config().replace(test.sandbox.url(), &elsewhere.url()));
    elsewhere
}

/// Everything that it received.
fn received(server: &Web) -> String {
    let requests = server.seen().into_iter();
    requests.map(|request| format!("{}\n{:?}\n{}\n", request.line, request.headers, request.body)).collect()
}

/// One-line config edits after which no stored secret may be used.
fn edits(test: &Test, elsewhere: &Web) -> [String; 3] {
    let text = test.read_config();
    [
        text.replace(test.sandbox.url(), &elsewhere.url()),
        text.replace(test.sandbox.client_id(), "1000.OTHER"),
        format!("{text}grant = \"client_credentials\"\nscopes = [\"ZohoCRM.modules.ALL\"]\n"),
    ]
}

#[track_caller]
fn refused(outcome: &Outcome) {
    let changed = "settings changed since the login";
    outcome.failed_with(77, "login_required", changed).says("run 'zoho-cred login crm'");
}

/// Asserts that every command that would use a stored secret fails with 77.
#[track_caller]
fn every_command_is_refused(test: &Test, token: &str) {
    let commands =
        ["get", "get --refresh", "get --offline", "exec -- true", "logout crm", "profile remove crm"];
    commands.iter().for_each(|args| refused(&test.run(args)));
    refused(&test.reject(token));
    let request = "capability[]=authtype\nprotocol=https\nhost=www.zohoapis.com\n\n";
    assert_eq!(test.run_with_stdin("helper git get", request).exits(77).stdout, "quit=1\n");
    refused(&test.run_with_stdin("helper uri get", r#"{"uri":"https://www.zohoapis.com/crm"}"#));
    test.run("status").exits(77).prints("settings changed since the login");
    test.run("list -o json").exits(0).prints("login_required");
    test.run("doctor").exits(1).prints("settings changed since the login");
}

/// Asserts that no server received a secret, and that nothing was revoked or checked.
#[track_caller]
fn nothing_left(test: &Test, elsewhere: &Web, requests_before: usize, token: &str) {
    let received = received(elsewhere);
    for secret in [test.sandbox.client_secret(), test.sandbox.refresh_token(), token] {
        assert!(!received.contains(secret), "{received}");
    }
    assert!(!received.contains("POST"), "{received}");
    let log = test.sandbox.log();
    let with_secrets = log.iter().filter(|entry| entry.endpoint != Endpoint::ServerInfo);
    assert_eq!(with_secrets.count(), requests_before, "{log:?}");
}

/// Regression: a one-line config edit sent the refresh token and client secret to any server.
#[test]
fn an_edited_server_client_or_grant_gets_no_stored_secret() {
    let test = Test::new().with_profile();
    test.configure("hosts = ['www.zohoapis.com']");
    let token = test.token();
    let elsewhere = other_server();
    let (before, secrets) = (test.read_config(), files_below(&test.state().join("secrets")));
    for edited in edits(&test, &elsewhere) {
        test.write_config(&edited);
        every_command_is_refused(&test, &token);
        assert_eq!(test.read_config(), edited);
    }
    nothing_left(&test, &elsewhere, 1, &token);
    assert_eq!(files_below(&test.state().join("secrets")), secrets);
    test.write_config(&before);
    assert_eq!(test.get().ok(), token, "the settings of the login serve its token again");
    test.run("get --refresh").ok();
}

/// The command does not run at all, because it may prompt or have side effects.
#[test]
fn an_edited_server_client_or_grant_gets_nothing_from_a_secret_command() {
    let test = Test::new();
    let ran = test.dir.path().join("ran");
    let script = format!("echo x >> '{}'; echo '{}'", ran.display(), test.secrets_json());
    let ours = test.command_profile("crm", &script) + "hosts = ['www.zohoapis.com']\n";
    let test = test.without_environment();
    // Settings that never obtained a token are not bound, so they may be corrected.
    test.write_config(&ours.replace(test.sandbox.client_id(), "1000.TYPO"));
    test.get().failed(78, "client_rejected");
    test.write_config(&ours);
    let token = test.token();
    let (runs, requests) = (std::fs::read(&ran).unwrap(), test.sandbox.log().len());
    let elsewhere = other_server();
    for edited in edits(&test, &elsewhere) {
        test.write_config(&edited);
        every_command_is_refused(&test, &token);
    }
    nothing_left(&test, &elsewhere, requests, &token);
    assert_eq!(std::fs::read(&ran).unwrap(), runs, "the command ran");
    test.write_config(&ours);
    test.run("get --refresh").ok();
    // A login confirms the new settings.
    test.write_config(&ours.replace(test.sandbox.url(), &elsewhere.url()));
    test.run("login crm").ok();
    assert_eq!(test.get().ok(), "1000.aa.bb");
    assert!(received(&elsewhere).contains(test.sandbox.refresh_token()));
    test.write_config(&ours);
    refused(&test.run("get --refresh"));
}

#[test]
fn a_person_is_asked_before_a_secret_command_serves_changed_settings() {
    let test = Test::new().without_environment();
    test.write_config(&test.command_profile("crm", &format!("echo '{}'", test.secrets_json())));
    test.get().ok();
    let elsewhere = moved(&test);
    for (answer, code) in [("n", 77), ("y", 0)] {
        assert_eq!(received(&elsewhere), "");
        let mut person = Person::calls(&test, "login crm");
        person.answers("as client", answer);
        person.ends(code);
    }
    assert!(received(&elsewhere).contains("refresh_token"));
}

#[test]
fn client_credentials_are_bound_too() {
    let test = Test::new().without_environment();
    let login = test.login("crm", ClientKind::SelfClient).args("--flow client-credentials");
    login.args("--scope ZohoCRM.modules.ALL --soid").arg(test.sandbox.soid()).run().ok();
    let text = test.read_config();
    let elsewhere = moved(&test);
    refused(&test.get());
    test.write_config(&text.replace("grant = \"client_credentials\"\n", "").replace("soid = ", "# soid = "));
    refused(&test.get());
    assert_eq!((&*received(&elsewhere), test.sandbox.token_requests()), ("", 1));
    // The same client at the same server may issue tokens with other scopes.
    test.write_config(&text.replace("ZohoCRM.modules.ALL", "ZohoCRM.org.READ"));
    test.get().ok();
}

/// Regression: a login read the previous token and offered to revoke it, whatever the config said.
#[test]
fn a_login_after_an_edit_uses_and_revokes_nothing_of_before() {
    let test = Test::new().without_environment();
    test.self_client_login("crm").run().ok();
    let elsewhere = moved(&test);
    let without_secret = test.call("login crm --flow self-client --code-file - --client-id");
    let without_secret = without_secret.arg(&test.sandbox.client(ClientKind::SelfClient).client_id);
    without_secret.stdin("1000.code.code").run().failed_with(2, "usage", "--client-secret-file");
    assert_eq!(received(&elsewhere), "");
    // The new login uses the old server again, but the config still names the other one.
    let login = || test.self_client_login("crm").arg("--revoke-old").run();
    login().exits(0).says("settings changed since the login");
    let revoked = || test.sandbox.log().iter().any(|it| it.endpoint == Endpoint::Revoke);
    assert!(!revoked());
    login().ok();
    assert!(revoked(), "an unchanged profile's old token is revoked");
}

/// `logout --local` neither reads nor sends the secrets.
#[test]
fn a_changed_profile_can_be_forgotten_here() {
    let test = Test::new().with_profile();
    test.get().ok();
    let elsewhere = moved(&test);
    test.run("logout crm --local -q").ok();
    assert_eq!(received(&elsewhere), "");
    assert_eq!(files_below(&test.state().join("secrets")), Vec::<std::path::PathBuf>::new());
    test.get().failed(77, "login_required");
}

#[test]
fn the_same_server_spelled_otherwise_is_the_same() {
    let test = Test::new().with_profile();
    let token = test.token();
    let (text, url) = (test.read_config(), test.sandbox.url().to_owned());
    for other in [format!("{url}/"), url.to_uppercase().replace("HTTP", "http")] {
        test.write_config(&text.replace(&url, &other));
        assert_eq!(test.get().ok(), token);
    }
    test.run("get --refresh").ok();
}

#[test]
fn a_data_center_is_its_accounts_url() {
    let test = Test::new().without_environment();
    let login = test.call(
        "login crm --flow refresh-token --secrets file --no-verify --data-center jp --client-id 1000.X",
    );
    login.file("--client-secret-file", "secret").file("--refresh-token-file", "1000.token").run().ok();
    let text = test.read_config();
    test.write_config(&text.replace("data_center = \"jp\"", "accounts_url = \"https://accounts.zoho.jp/\""));
    // There is no token yet and no request is allowed, but the login is valid.
    test.run("get --offline").failed(69, "unavailable");
    test.write_config(&text.replace("\"jp\"", "\"eu\""));
    refused(&test.run("get --offline"));
}

#[test]
fn edited_scopes_are_served_and_named_by_status_and_doctor() {
    let test = Test::new().with_profile();
    let login = test.call("login crm --flow refresh-token --no-verify --scope A.b.READ");
    login.file("--refresh-token-file", test.sandbox.refresh_token()).run().ok();
    test.write_config(&test.read_config().replace("A.b.READ", "a.B.read"));
    test.get().says_nothing();
    test.write_config(&test.read_config().replace("a.B.read", "C.d.READ"));
    test.run("get --refresh").warned("scopes of 'crm' were edited");
    test.run("status").exits(0).prints("scopes edited since the login");
    let doctor = test.run("doctor");
    doctor.exits(0).prints("tokens do not have C.d.READ").prints("zoho-cred login crm");
    let json = test.json("status");
    assert_eq!((&json["scopes_edited"], &json["settings_changed"]), (&true.into(), &false.into()));
}

/// Version 0.1 wrote no `login_id`, and a stamp of the record's file into the profile's state.
#[test]
fn records_of_version_0_1_keep_working() {
    let test = Test::new().with_profile();
    let token = test.token();
    test.edit_state("profiles", |json| {
        json["login"] = serde_json::json!({
            "device": 1, "inode": 2, "length": 3, "modified_ns": 4, "changed_ns": 5
        });
    });
    assert_eq!(test.get().ok(), token, "no login and no request is needed");
    assert_eq!(test.sandbox.token_requests(), 1);
    test.run("get --refresh").ok();
    let elsewhere = moved(&test);
    refused(&test.run("get --refresh"));
    assert_eq!(received(&elsewhere), "");
}

/// State of an earlier login is recognized by its `login_id`, not by a file version.
#[test]
fn the_state_of_an_earlier_login_is_not_used() {
    let test = Test::new().with_profile();
    let before = test.token();
    let old_state = std::fs::read(test.state_file("profiles")).unwrap();
    test.log_in("crm", &test.sandbox.new_refresh_token()).wait().ok();
    std::fs::write(test.state_file("profiles"), old_state).unwrap();
    for _ in 0..2 {
        assert_ne!(test.get().ok(), before, "it is the token of the login before");
    }
    assert_eq!(test.sandbox.token_requests(), 2);
}
