//! A user whose account is in another data center than the client. A proxy redirects Zoho's host names to the sandbox.

use crate::harness::call::Call;
use crate::harness::consent::{GOOGLE, press};
use crate::harness::web::{read_request, serve, tunnel};
use crate::harness::{Outcome, Test};
use crate::person::Person;
use std::io::Write;
use std::net::TcpStream;
use zoho_cred::sandbox::{Certificate, Client, ClientKind, Endpoint, Limits, Options};

/// A sandbox with Zoho's host names in the US and the EU, for an EU user.
fn world(single_secret: bool) -> Test {
    let limits = Limits { user_location: Some("eu".into()), ..Limits::default() };
    let (others, tls) = (vec!["eu".to_owned()], Some(Certificate::Valid));
    let options = Options { tls, other_data_centers: others, single_secret, limits, ..Options::default() };
    let mut test = Test::with(options).without_environment();
    let servers = [("accounts.zoho.com", "us"), ("accounts.zoho.eu", "eu")];
    let servers = servers.map(|(host, dc)| {
        let address = test.sandbox.url_of(dc).unwrap().trim_start_matches("https://").to_owned();
        (format!("CONNECT {host}:443 "), address)
    });
    let proxy = serve(move |mut stream| {
        let wanted = read_request(&stream).unwrap().line;
        let (_, address) = servers.iter().find(|(begin, _)| wanted.starts_with(begin)).expect(&wanted);
        let server = TcpStream::connect(address).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        tunnel(&stream, &server);
    });
    test.set("HTTPS_PROXY", &format!("http://{proxy}"));
    let ca = test.file("ca.pem", test.sandbox.ca_pem().unwrap());
    test.set("SSL_CERT_FILE", ca.to_str().unwrap());
    test
}

fn client(test: &Test) -> &Client {
    test.sandbox.client(ClientKind::ServerBased)
}

fn login(test: &Test) -> Call<'_> {
    let login =
        test.call("login crm --flow paste --secrets file --data-center us --scope ZohoCRM.modules.ALL");
    login.args(["--redirect-uri", GOOGLE, "--client-id", &client(test).client_id])
}

/// Accepts in a login without a terminal, and writes the redirected URL to its stdin.
fn without_a_terminal(test: &Test, login: Call<'_>) -> Outcome {
    let mut login = login.open_stdin().start();
    login.type_in(&accepted(test, &login.said("https://accounts.zoho.com/")));
    login.wait()
}

/// Accepts on the consent page and returns the redirect URL that Zoho's EU server would use.
fn accepted(test: &Test, page: &str) -> String {
    let page = page.replace("https://accounts.zoho.com", test.sandbox.url());
    let landed = press("accept", &page);
    let (before, _) = landed.split_once("&accounts-server=").unwrap();
    assert!(before.ends_with("&location=eu"), "{landed}");
    format!("{before}&accounts-server=https%3A%2F%2Faccounts.zoho.eu&")
}

/// The hosts that received token requests, and the answers.
fn exchanges(test: &Test) -> Vec<(String, String)> {
    let asked = test.sandbox.log().into_iter().filter(|entry| entry.endpoint == Endpoint::Token);
    asked.map(|entry| (entry.data_center, entry.outcome)).collect()
}

/// Logs in on a terminal and returns the output.
#[track_caller]
fn log_in(test: &Test, secret_of_europe: &str) -> String {
    let mut person = Person::runs(login(test));
    person.answers("Client Secret (not shown): ", &client(test).client_secrets["us"]);
    goes_on(test, person, secret_of_europe)
}

/// Accepts, then answers the remaining prompts.
#[track_caller]
fn goes_on(test: &Test, mut person: Person, secret_of_europe: &str) -> String {
    let landed = accepted(test, &person.finds("https://accounts.zoho.com/"));
    person.answers("Paste the whole URL: ", &landed);
    person.answers("Client Secret for 'eu', or Enter to use the same (not shown): ", secret_of_europe);
    person.ends(0)
}

#[track_caller]
fn at_home_in_europe(test: &Test) {
    assert_eq!(exchanges(test), [("eu".to_owned(), "granted".to_owned())]);
    test.run("get crm --refresh").ok();
    assert_eq!(exchanges(test)[1..], [("eu".to_owned(), "granted".to_owned())]);
    let config = test.read_config();
    assert!(config.contains("data_center = \"eu\""), "{config}");
}

#[test]
fn a_person_is_asked_for_the_secret_of_the_other_data_center() {
    let test = world(false);
    let secret = client(&test).client_secrets["eu"].clone();
    let shown = log_in(&test, &secret);
    assert!(!shown.contains(&secret) && !shown.contains(&client(&test).client_secrets["us"]), "{shown}");
    at_home_in_europe(&test);
}

#[test]
fn a_secret_from_a_file_is_followed_by_the_same_prompt() {
    let test = world(false);
    let login = login(&test).file("--client-secret-file", &client(&test).client_secrets["us"]);
    let person = Person::runs(login);
    goes_on(&test, person, &client(&test).client_secrets["eu"]);
    at_home_in_europe(&test);
}

#[test]
fn enter_keeps_the_same_secret() {
    let test = world(true);
    log_in(&test, "");
    at_home_in_europe(&test);
}

#[test]
fn a_script_cannot_be_asked_and_is_told_what_is_wrong() {
    let test = world(false);
    let login = login(&test).file("--client-secret-file", &client(&test).client_secrets["us"]);
    without_a_terminal(&test, login).failed_with(78, "client_rejected", "accounts.zoho.eu");
    assert_eq!(exchanges(&test), [("eu".to_owned(), "invalid_client_secret".to_owned())]);
    assert!(!test.config().exists());
}

/// Without a terminal, nobody can approve the other data center.
#[test]
fn a_stored_secret_goes_to_no_other_data_center() {
    let test = world(true);
    let before = test.call("login crm --flow refresh-token --secrets file --no-verify --data-center us");
    let before = before.arg("--client-id").arg(&client(&test).client_id);
    let before = before.file("--client-secret-file", &client(&test).client_secrets["us"]);
    before.file("--refresh-token-file", test.sandbox.refresh_token()).run().ok();
    without_a_terminal(&test, login(&test)).failed_with(2, "usage", "--client-secret-file");
    assert_eq!(exchanges(&test), []);
}
