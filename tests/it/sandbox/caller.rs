//! An HTTP client with its own sandbox server.

use reqwest::blocking::{RequestBuilder, Response};
use serde_json::Value;
use std::time::Duration;
use zoho_cred::sandbox::{Client, Endpoint, Fault, FaultKind, LogEntry, Options, Server};

pub struct Caller {
    pub server: Server,
    pub http: reqwest::blocking::Client,
}

/// Status and body of a response.
pub type Answered = (u16, Value);

pub fn http() -> reqwest::blocking::ClientBuilder {
    // reqwest is built without a default provider. Installing it twice is harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(60))
}

impl Caller {
    pub fn new() -> Caller {
        Caller::with(Options::default())
    }

    pub fn with(options: Options) -> Caller {
        Caller { server: Server::start(options).unwrap(), http: http().build().unwrap() }
    }

    /// The form parameters of a refresh.
    pub fn refresh_form<'a>(&'a self, refresh_token: &'a str) -> Vec<(&'static str, &'a str)> {
        vec![
            ("grant_type", "refresh_token"),
            ("client_id", self.server.client_id()),
            ("client_secret", self.server.client_secret()),
            ("refresh_token", refresh_token),
        ]
    }

    pub fn refresh(&self) -> Answered {
        self.post("/oauth/v2/token", &self.refresh_form(self.server.refresh_token()))
    }

    /// Requests a new access token.
    pub fn token(&self) -> String {
        let (status, body) = self.refresh();
        assert_eq!(status, 200, "{body}");
        body["access_token"].as_str().unwrap_or_else(|| panic!("no token in {body}")).to_owned()
    }

    /// The response to a refresh, which may fail.
    pub fn try_response(&self) -> reqwest::Result<Response> {
        let form = self.refresh_form(self.server.refresh_token());
        self.http.post(self.url("/oauth/v2/token")).form(&form).send()
    }

    pub fn try_refresh(&self) -> reqwest::Result<String> {
        self.try_response()?.text()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.url())
    }

    /// Posts to one of the sandbox's own endpoints.
    pub fn control(&self, name: &str, body: &Value) -> Answered {
        answered(self.http.post(self.url(&format!("/sandbox/{name}"))).json(body).send().unwrap())
    }

    /// A request with this token in the header.
    pub fn with_token(&self, request: RequestBuilder, token: &str) -> RequestBuilder {
        request.header("authorization", format!("Zoho-oauthtoken {token}"))
    }

    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> Answered {
        self.post_to(self.server.url(), path, form)
    }

    pub fn post_to(&self, base: &str, path: &str, form: &[(&str, &str)]) -> Answered {
        answered(self.http.post(format!("{base}{path}")).form(form).send().unwrap())
    }

    pub fn get(&self, path: &str, token: &str) -> Answered {
        answered(self.with_token(self.http.get(self.url(path)), token).send().unwrap())
    }

    /// Whether the CRM accepts a token.
    pub fn lives(&self, token: &str) -> bool {
        match self.get("/crm/v8/Leads?fields=Last_Name", token) {
            (200, _) => true,
            (401, body) => {
                assert_eq!(body["code"], "INVALID_TOKEN");
                false
            }
            (status, body) => panic!("{status} {body}"),
        }
    }

    pub fn fault(&self, kind: FaultKind) {
        self.server.clear_faults();
        self.server.set_fault(Fault::new(Endpoint::Token, kind));
    }

    pub fn last(&self) -> LogEntry {
        self.server.log().pop().unwrap()
    }
}

pub fn answered(response: Response) -> Answered {
    let status = response.status().as_u16();
    let text = response.text().unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// The client secret in one data center.
pub fn secret<'a>(client: &'a Client, data_center: &str) -> &'a str {
    &client.client_secrets[data_center]
}

/// A URL with these query parameters.
pub fn with_query(url: &str, parameters: &[(&str, &str)]) -> url::Url {
    url::Url::parse_with_params(url, parameters).unwrap()
}
