//! The user's side of a login: a browser that presses a button on the consent page.

use super::Test;
use reqwest::blocking::{Client, Response};
use std::time::Duration;
use zoho_cred::sandbox::Options;

/// A redirect URI that leads nowhere, from Zoho's walkthroughs.
pub const GOOGLE: &str = "https://www.google.com/";

/// A sandbox with a registered redirect URI on a free port, and that URI.
pub fn world() -> (Test, String) {
    let callback = format!("http://localhost:{}/callback", super::free_port());
    let options = Options { redirect_uris: vec![callback.clone(), GOOGLE.into()], ..Options::default() };
    (Test::with(options).without_environment(), callback)
}

/// A client that follows no redirect.
pub fn http() -> Client {
    let builder = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.danger_accept_invalid_certs(true).timeout(Duration::from_secs(20)).build().unwrap()
}

pub fn visit(url: &str) -> Response {
    http().get(url).send().unwrap()
}

/// Opens the consent page, presses a button (`accept` or `reject`), and returns the redirect URL.
pub fn press(button: &str, page: &str) -> String {
    let shown = visit(page).text().unwrap();
    let consent = shown.split(r#"name="consent" value=""#).nth(1).unwrap().split('"').next().unwrap();
    let form = [("consent", consent), ("decision", button)];
    let pressed = http().post(page.split('?').next().unwrap()).form(&form).send().unwrap();
    pressed.headers()["location"].to_str().unwrap().to_owned()
}
