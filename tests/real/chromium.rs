//! The browser login in headless Chromium, driven by chromedriver (W3C WebDriver).

use crate::harness::consent::world;
use crate::harness::{Test, until};
use crate::world::have_all;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use zoho_cred::sandbox::ClientKind;

struct Chromium {
    driver: Child,
    session: String,
    http: reqwest::blocking::Client,
}

impl Chromium {
    fn start(profile: &std::path::Path) -> Self {
        let mut driver =
            Command::new("chromedriver").args(["--port=0"]).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let started =
            lines.map(Result::unwrap).find(|line| line.contains("started successfully on port")).unwrap();
        let port: String = started.chars().filter(char::is_ascii_digit).collect();
        let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        let folder = format!("--user-data-dir={}", profile.display());
        let args = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"];
        let quiet =
            ["--disable-background-networking", "--disable-component-update", "--disable-quic", &folder];
        let args = [&args[..], &quiet[..]].concat();
        let options = json!({ "args": args });
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let url = format!("http://127.0.0.1:{port}/session");
        let made: Value = http.post(&url).json(&wanted).send().unwrap().json().unwrap();
        let id = made["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{made}"));
        Chromium { driver, session: format!("{url}/{id}"), http }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.http.post(format!("{}/{path}", self.session)).json(body).send().unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().unwrap());
        answer.json::<Value>().unwrap()["value"].clone()
    }

    fn press(&self, id: &str) {
        let found = self.post("element", &json!({"using": "css selector", "value": format!("#{id}")}));
        let element = found.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        self.post(&format!("element/{element}/click"), &json!({}));
    }

    fn text(&self) -> String {
        let script = json!({"script": "return document.body.innerText", "args": []});
        self.post("execute/sync", &script).as_str().unwrap_or_default().to_owned()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.http.delete(&self.session).send();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Logs in up to the consent page, presses `button`, and returns the next page and the result of the login.
fn press(button: &str) -> Option<(Test, String, crate::harness::Outcome)> {
    if !have_all(&["chromium", "chromedriver"]) {
        return None;
    }
    let (test, callback) = world();
    let login = test.login("crm", ClientKind::ServerBased).args("--scope ZohoCRM.modules.ALL --flow browser");
    let login = login.args("--no-browser --redirect-uri").arg(callback).start();
    let url = login.said("http");
    let chromium = Chromium::start(&test.dir.path().join("chromium"));
    chromium.post("url", &json!({"url": url}));
    assert!(chromium.text().contains("ZohoCRM.modules.ALL"), "{}", chromium.text());
    chromium.press(button);
    until("our page", || chromium.text().contains("Access"));
    let page = chromium.text();
    Some((test, page, login.wait()))
}

#[test]
fn accept_in_the_browser_logs_in() {
    let Some((test, page, outcome)) = press("accept") else { return };
    assert!(page.contains("Access granted") && page.contains("close this window"), "{page}");
    outcome.exits(0);
    test.run("get crm").ok();
}

#[test]
fn reject_in_the_browser_says_so_in_both_places() {
    let Some((test, page, outcome)) = press("reject") else { return };
    assert!(page.contains("Access denied"), "{page}");
    outcome.failed(77, "login_required");
    assert_eq!(test.sandbox.token_requests(), 0);
}
