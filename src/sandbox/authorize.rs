//! `/oauth/v2/auth`: the consent page, authorization codes, and their exchange.

use crate::sandbox::client::{Client, ClientKind};
use crate::sandbox::limits::{Limits, ms};
use crate::sandbox::reply::Answer;
use crate::sandbox::request::Request;
use crate::sandbox::state::SandboxState;
use crate::sandbox::{pages, scope};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use url::form_urlencoded::byte_serialize;

/// An unused authorization code.
pub(super) struct Code {
    /// The clients that may exchange it.
    pub client_ids: Vec<String>,
    /// `None` for a code of the API console.
    pub redirect_uri: Option<String>,
    pub scopes: Vec<String>,
    /// The user's data center, the only one that accepts the code.
    pub data_center: String,
    pub gives_refresh_token: bool,
    pub challenge: Option<Challenge>,
    /// ms since the epoch.
    pub expires_at: u64,
}

/// A request whose consent page is open.
#[derive(Clone)]
pub(super) struct Consent {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    state: Option<String>,
    gives_refresh_token: bool,
    challenge: Option<Challenge>,
}

/// RFC 7636, section 4.3.
#[derive(Clone)]
pub(super) struct Challenge {
    value: String,
    hashed: bool,
}

impl Challenge {
    /// Errors: a method other than `plain` (the default) and `S256`.
    fn of(request: &Request) -> Result<Option<Challenge>, ()> {
        let hashed = match request.param("code_challenge_method") {
            None | Some("plain") => false,
            Some("S256") => true,
            Some(_) => return Err(()),
        };
        Ok(request.param("code_challenge").map(|value| Challenge { value: value.to_owned(), hashed }))
    }

    fn is_met_by(&self, verifier: Option<&str>) -> bool {
        let Some(verifier) = verifier.filter(|verifier| (43..=128).contains(&verifier.len())) else {
            return false;
        };
        let hash = || URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        if self.hashed { hash() == self.value } else { verifier == self.value }
    }
}

impl SandboxState {
    /// GET shows the page; POST is a click on one of its buttons.
    pub(super) fn authorize(&mut self, now: u64, request: &Request) -> Answer {
        match request.method.as_str() {
            "GET" => self.consent_page(now, request),
            "POST" => self.decide(now, request),
            _ => Answer::malformed("wrong_method"),
        }
    }

    fn consent_page(&mut self, now: u64, request: &Request) -> Answer {
        let (client, consent) = match self.consent(request) {
            Ok(asked) => asked,
            Err(words) => return Answer::html(400, pages::message("An error occurred", words), words),
        };
        let said_yes_before = self
            .consented
            .get(&consent.client_id)
            .is_some_and(|granted| consent.scopes.iter().all(|scope| granted.contains(scope)));
        if said_yes_before && !prompted(request) {
            return self.accept(now, &request.data_center, &consent);
        }
        let id = self.random.hex(32);
        let page = pages::consent(&client.client_id, &consent.scopes, &id);
        self.consents.insert(id, consent);
        Answer::html(200, page, "consent_page")
    }

    /// Validates the request, with the order and the messages of Zoho's error pages.
    fn consent(&self, request: &Request) -> Result<(Client, Consent), &'static str> {
        let client = self.identify(request, "authorization_code").map_err(|_| "Invalid Client")?;
        if !client.kind.has_redirects() {
            return Err("Invalid Client");
        }
        if request.param("response_type") != Some("code") {
            return Err("Invalid response type");
        }
        let scopes = scope::parse(request.param("scope")).ok_or("Invalid OAuth scope")?;
        let redirect_uri = request.param("redirect_uri").unwrap_or_default().to_owned();
        if !client.redirect_uris.contains(&redirect_uri) {
            return Err("Invalid Redirect Uri");
        }
        let offline = offline(request).ok_or("Invalid access type")?;
        let challenge = Challenge::of(request).map_err(|()| "Invalid code challenge method")?;
        if challenge.is_none() && client.kind == ClientKind::Mobile {
            return Err("Invalid code challenge");
        }
        let consent = Consent {
            client_id: client.client_id.clone(),
            redirect_uri,
            scopes,
            state: request.param("state").map(str::to_owned),
            gives_refresh_token: self.gives_refresh_token(&client.client_id, offline, request),
            challenge,
        };
        Ok((client, consent))
    }

    /// Only offline access returns a refresh token; without `prompt=consent` only the first login does.
    pub(super) fn gives_refresh_token(&self, client_id: &str, offline: bool, request: &Request) -> bool {
        offline && (prompted(request) || !self.consented.contains_key(client_id))
    }

    fn decide(&mut self, now: u64, request: &Request) -> Answer {
        let pending = request.param("consent").and_then(|id| self.consents.remove(id));
        let Some(consent) = pending else {
            return Answer::malformed("no_such_consent");
        };
        if request.param("decision") == Some("accept") {
            return self.accept(now, &request.data_center, &consent);
        }
        access_denied(&consent, &self.limits)
    }

    fn accept(&mut self, now: u64, asked_in: &str, consent: &Consent) -> Answer {
        let limits = Limits { budget: self.limits.codes, ..self.limits.clone() };
        if !self.code_windows.entry(consent.client_id.clone()).or_default().admit(now, &limits) {
            return access_denied(consent, &self.limits);
        }
        self.consented.insert(consent.client_id.clone(), consent.scopes.clone());
        let location = self.user_location(asked_in);
        let accounts_server = self.url_of(&location).unwrap_or_default().to_owned();
        let code = self.add_code(Code {
            client_ids: vec![consent.client_id.clone()],
            redirect_uri: Some(consent.redirect_uri.clone()),
            scopes: consent.scopes.clone(),
            data_center: location.clone(),
            gives_refresh_token: consent.gives_refresh_token,
            challenge: consent.challenge.clone(),
            expires_at: now + ms(self.limits.code_life),
        });
        let parameters =
            [("code", code.as_str()), ("location", &location), ("accounts-server", &accounts_server)];
        Answer::redirect(callback(consent, consent.state.as_deref(), &parameters), "code_issued")
    }

    pub(super) fn add_code(&mut self, code: Code) -> String {
        let name = self.random.token();
        self.codes.insert(name.clone(), code);
        name
    }

    /// `grant_type=authorization_code`. A bad code is `invalid_code`. A wrong verifier is `invalid_code` as well,
    /// which is a guess.
    pub(super) fn exchange(&mut self, now: u64, request: &Request, client: &Client) -> Answer {
        let name = request.param("code").unwrap_or_default();
        let code = match self.codes.get(name) {
            Some(code) if code.client_ids.contains(&client.client_id) => code,
            _ => return Answer::error("invalid_code"),
        };
        if now >= code.expires_at || code.data_center != request.data_center {
            return Answer::error("invalid_code");
        }
        if code.redirect_uri.as_deref() != request.param("redirect_uri") {
            return Answer::error("invalid_redirect_uri");
        }
        if code.challenge.as_ref().is_some_and(|asked| !asked.is_met_by(request.param("code_verifier"))) {
            return Answer::error("invalid_code");
        }
        let Some(code) = self.codes.remove(name) else { return Answer::error("invalid_code") };
        self.first_token(now, client, code.scopes, code.data_center, code.gives_refresh_token)
    }

    /// The token response of a login.
    pub(super) fn first_token(
        &mut self,
        now: u64,
        client: &Client,
        scopes: Vec<String>,
        data_center: String,
        gives_refresh_token: bool,
    ) -> Answer {
        let id = if gives_refresh_token {
            self.new_grant(client.kind, scopes.clone(), data_center)
        } else {
            self.client_grant(&client.client_id, &data_center)
        };
        self.issue(now, id, scopes, gives_refresh_token)
    }
}

/// Whether `access_type` is offline (the default is online); `None` for an invalid value.
pub(super) fn offline(request: &Request) -> Option<bool> {
    match request.param("access_type").unwrap_or("online") {
        "offline" => Some(true),
        "online" => Some(false),
        _ => None,
    }
}

fn prompted(request: &Request) -> bool {
    request.param("prompt").is_some_and(|prompt| prompt.eq_ignore_ascii_case("consent"))
}

/// A rejected consent and too many codes give the same error.
fn access_denied(consent: &Consent, limits: &Limits) -> Answer {
    let state = consent.state.as_deref().filter(|_| limits.state_on_reject);
    Answer::redirect(callback(consent, state, &[("error", "access_denied")]), "access_denied")
}

/// `{redirect_uri}?state=…&code=…&location=us&accounts-server=https%3A%2F%2F…&`, with the trailing `&`.
fn callback(consent: &Consent, state: Option<&str>, parameters: &[(&str, &str)]) -> String {
    let mut url = consent.redirect_uri.clone();
    url.push(if url.contains('?') { '&' } else { '?' });
    let state = state.map(|state| ("state", state));
    for (name, value) in state.iter().chain(parameters) {
        url.extend([name, "="]);
        url.extend(byte_serialize(value.as_bytes()));
        url.push('&');
    }
    url
}
