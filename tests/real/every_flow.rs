//! Every login flow in a script, on Linux and on Windows: a login, a token that works, and a logout. The sandbox tells which
//! tokens were revoked. (`tests/it/wizard.rs` and `pages.rs` go through the flows at a terminal.)

use crate::harness::call::Call;
use crate::harness::consent::{GOOGLE, http, visit, world};
use crate::harness::{Test, files_below, read_json};
use crate::windows::under_wine;
use reqwest::blocking::Response;
use std::path::PathBuf;
use std::time::Duration;
use zoho_cred::sandbox::{ClientKind, Endpoint};

/// Where the program runs, and whether its secrets are in files or in Credential Manager.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Linux,
    Windows,
    CredentialManager,
}

/// A sandbox at this place, and a redirect URI.
fn at(place: Place) -> Option<(Test, String)> {
    let (test, callback) = world();
    Some((if place == Place::Linux { test } else { under_wine(test)? }, callback))
}

fn login<'t>(test: &'t Test, place: Place, client: ClientKind, flow: &str) -> Call<'t> {
    let secrets = if place == Place::CredentialManager { "keyring" } else { "file" };
    let login = test.login("crm", client).arg("--secrets").arg(secrets).arg("--flow").arg(flow);
    login.args("--scope ZohoCRM.modules.ALL").open_stdin()
}

/// Accepts on the page of the device flow, given the output line with its URL and the code.
#[track_caller]
pub fn connect(line: &str) {
    let (page, code) = line.trim_start_matches("zoho-cred: or visit ").split_once("?user_code=").unwrap();
    let form = [("user_code", code), ("decision", "accept")];
    let answer = http().post(page).form(&form).send().unwrap().text().unwrap();
    assert!(answer.contains("Connected"), "{answer}");
}

fn leads(test: &Test, token: &str) -> Response {
    let request = http().get(format!("{}/crm/v8/Leads?fields=Last_Name", test.sandbox.api_domain()));
    request.header("authorization", format!("Zoho-oauthtoken {token}")).send().unwrap()
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

/// The end of the login, a token, and a logout: afterwards no secret is left here, and the refresh token is revoked.
#[track_caller]
fn used_and_left(test: &Test, client: ClientKind, login: crate::harness::Running, given: &[&str]) {
    let shown = login.wait();
    assert_eq!(shown.says("logged in").ok(), "");
    let requests = test.sandbox.token_requests();
    let token = test.run("get crm").ok().to_owned();
    assert_eq!(test.sandbox.token_requests(), requests, "the login's own token is in the cache");
    assert_eq!(leads(test, &token).status(), 200);
    let item = test.secrets().into_iter().find(|file| file.to_string_lossy().contains("/refresh-token-"));
    let refresh_token = item.map(|file| read_json(&file)["secret"].as_str().unwrap().to_owned());
    let secret = test.sandbox.client(client).client_secrets["us"].as_str();
    let secrets: Vec<&str> = [secret, &token].into_iter().chain(refresh_token.as_deref()).collect();
    shown.hides(&secrets).hides(given);
    let logout = test.run("logout crm");
    logout.ok();
    let revokes = test.sandbox.log().iter().filter(|entry| entry.endpoint == Endpoint::Revoke).count();
    if logout.stderr.contains("client credentials have nothing to revoke") {
        assert_eq!((revokes, &refresh_token), (0, &None));
        assert_eq!(leads(test, &token).status(), 200, "Zoho lets it live until it expires");
    } else {
        logout.says("its refresh token is revoked");
        assert_eq!(revokes, 1);
        assert_eq!(leads(test, &token).status(), 401, "its access tokens died with it");
        if let Some(refresh_token) = &refresh_token {
            assert_eq!(refreshed(test, client, refresh_token)["error"], "invalid_code");
        }
    }
    assert_eq!(files_below(&test.state().join("secrets")), Vec::<PathBuf>::new());
    for file in test.state_files() {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret} in {}", file.display());
        }
    }
    test.run("get crm").failed(77, "login_required");
}

fn browser(place: Place) {
    let Some((test, callback)) = at(place) else { return };
    let login = login(&test, place, ClientKind::ServerBased, "browser").arg("--no-browser");
    let login = login.arg("--redirect-uri").arg(callback).start();
    let answer = visit(&login.consent("accept")).text().unwrap();
    assert!(answer.contains("Access granted") && !answer.contains("1000."), "{answer}");
    used_and_left(&test, ClientKind::ServerBased, login, &[]);
}

fn paste(place: Place) {
    let Some((test, _)) = at(place) else { return };
    let login = login(&test, place, ClientKind::ServerBased, "paste");
    let mut login = login.args(["--redirect-uri", GOOGLE]).start();
    let landed = login.consent("accept");
    assert!(landed.starts_with(GOOGLE) && landed.ends_with('&'), "{landed}");
    login.type_in(&landed);
    used_and_left(&test, ClientKind::ServerBased, login, &[]);
    assert!(test.read_config().contains(&format!("redirect_uri = \"{GOOGLE}\"")));
}

fn device(place: Place) {
    let Some((test, _)) = at(place) else { return };
    let login = login(&test, place, ClientKind::Device, "device").start();
    connect(&login.said("zoho-cred: or visit "));
    used_and_left(&test, ClientKind::Device, login, &[]);
}

fn self_client(place: Place) {
    let Some((test, _)) = at(place) else { return };
    let code = test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
    let mut login = login(&test, place, ClientKind::SelfClient, "self-client").start();
    login.type_in(&code);
    used_and_left(&test, ClientKind::SelfClient, login, &[&code]);
}

fn client_credentials(place: Place) {
    let Some((test, _)) = at(place) else { return };
    let login = login(&test, place, ClientKind::SelfClient, "client-credentials");
    let login = login.arg("--soid").arg(test.sandbox.soid()).start();
    used_and_left(&test, ClientKind::SelfClient, login, &[]);
}

fn refresh_token(place: Place) {
    let Some((test, _)) = at(place) else { return };
    let mut login = login(&test, place, ClientKind::Any, "refresh-token").start();
    login.type_in(test.sandbox.refresh_token());
    used_and_left(&test, ClientKind::Any, login, &[test.sandbox.refresh_token()]);
}

/// The same flows at each place.
macro_rules! flows {
    ($module:ident, $place:ident) => {
        flows!($module, $place: browser, paste, device, self_client, client_credentials, refresh_token);
    };
    ($module:ident, $place:ident: $($flow:ident),+) => {
        mod $module {
            $(#[test]
            fn $flow() {
                super::$flow(super::Place::$place);
            })+
        }
    };
}

flows!(in_credential_manager, CredentialManager);
flows!(on_windows, Windows);
flows!(without_a_terminal, Linux);
