//! The sandbox's state, and what all endpoints share: clients, refresh tokens, access tokens.

use crate::sandbox::authorize::{Code, Consent};
use crate::sandbox::client::{Client, ClientKind};
use crate::sandbox::device::DeviceRequest;
use crate::sandbox::faults::{Fault, Faults};
use crate::sandbox::grant::{Grant, Window};
use crate::sandbox::limits::{Limits, ms};
use crate::sandbox::log::Log;
use crate::sandbox::random::Random;
use crate::sandbox::reply::{Answer, Body, Language, Reply, TokenAnswer};
use crate::sandbox::request::Request;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The initial state, restored on reset.
#[derive(Clone)]
pub(super) struct Setup {
    pub seed: [u8; 32],
    /// The number of resets, so that new tokens differ from earlier ones.
    pub resets: u64,
    pub limits: Limits,
    pub faults: Vec<Fault>,
    pub scopes: Vec<String>,
    pub redirect_uris: Vec<String>,
    pub single_secret: bool,
    /// Data centers by name with their base URL; the clients' own is first.
    pub data_centers: Vec<(String, String)>,
}

/// A valid access token.
pub(super) struct Access {
    pub grant: u64,
    pub scopes: Vec<String>,
    pub data_center: String,
    /// ms since the epoch.
    pub expires_at: u64,
}

/// All times are ms since the epoch and passed in.
pub(super) struct SandboxState {
    pub setup: Setup,
    pub limits: Limits,
    pub clients: Vec<Client>,
    pub soid: String,
    /// The initial refresh token, of the client of kind `Any`.
    pub first_refresh_token: String,
    pub random: Random,
    pub grants: BTreeMap<u64, Grant>,
    pub access: HashMap<String, Access>,
    pub codes: HashMap<String, Code>,
    /// Issued codes of each client, for their limit.
    pub code_windows: HashMap<String, Window>,
    pub consents: HashMap<String, Consent>,
    /// Clients and scopes that the user has accepted.
    pub consented: HashMap<String, Vec<String>>,
    pub devices: Vec<DeviceRequest>,
    pub records: BTreeMap<String, Vec<serde_json::Value>>,
    pub faults: Faults,
    pub log: Log,
    /// Pending requests of each budget owner.
    pub pending: HashMap<String, usize>,
}

impl SandboxState {
    pub(super) fn new(setup: Setup) -> Self {
        let mut random = Random::new(setup.seed, 0);
        let names: Vec<String> = setup.data_centers.iter().map(|(name, _)| name.clone()).collect();
        let client =
            |kind| Client::registered(kind, &names, setup.single_secret, &setup.redirect_uris, &mut random);
        let clients = ClientKind::ALL.map(client).to_vec();
        let mut state = SandboxState {
            limits: setup.limits.clone(),
            clients,
            soid: format!("ZohoCRM.{}", random.digits(9)),
            first_refresh_token: String::new(),
            records: super::crm::first_records(&mut random),
            random,
            grants: BTreeMap::new(),
            access: HashMap::new(),
            codes: HashMap::new(),
            code_windows: HashMap::new(),
            consents: HashMap::new(),
            consented: HashMap::new(),
            devices: Vec::new(),
            faults: setup.faults.iter().cloned().collect(),
            log: Log::default(),
            pending: HashMap::new(),
            setup,
        };
        let (scopes, home) = (state.setup.scopes.clone(), state.home().to_owned());
        let first = state.new_grant(ClientKind::Any, scopes, home);
        state.first_refresh_token = state.refresh_token_of(first);
        state.random = Random::new(state.setup.seed, state.setup.resets + 1);
        state
    }

    /// The data center in which the clients are registered.
    pub(super) fn home(&self) -> &str {
        self.setup.data_centers.first().map_or("us", |(name, _)| name)
    }

    pub(super) fn url_of(&self, data_center: &str) -> Option<&str> {
        self.setup.data_centers.iter().find(|(name, _)| name == data_center).map(|(_, url)| url.as_str())
    }

    /// The data center of the user's account; `asked_in` by default.
    pub(super) fn user_location(&self, asked_in: &str) -> String {
        self.limits.user_location.as_deref().unwrap_or(asked_in).to_owned()
    }

    pub(super) fn client(&self, kind: ClientKind) -> &Client {
        self.clients.iter().find(|client| client.kind == kind).unwrap_or(&self.clients[0])
    }

    /// The client of a request, if the grant type is allowed and the secret is the one of this data center. Else
    /// the name of the error.
    pub(super) fn authenticate(&self, request: &Request, grant_type: &str) -> Result<Client, &'static str> {
        let client = self.identify(request, grant_type)?;
        let secret = client.client_secrets.get(&request.data_center);
        if secret.is_none() || secret != request.client().1.as_ref() {
            return Err("invalid_client_secret");
        }
        Ok(client)
    }

    /// The client of a request, without checking its secret.
    pub(super) fn identify(&self, request: &Request, grant_type: &str) -> Result<Client, &'static str> {
        let id = request.client().0;
        let known = self.clients.iter().find(|client| Some(&client.client_id) == id.as_ref());
        match known {
            Some(client) if client.kind.may(grant_type) => Ok(client.clone()),
            _ => Err("invalid_client"),
        }
    }

    /// Creates a refresh token, and invalidates the client's oldest if there are too many.
    pub(super) fn new_grant(&mut self, kind: ClientKind, scopes: Vec<String>, data_center: String) -> u64 {
        let client_id = self.client(kind).client_id.clone();
        let refresh_token = Some(self.random.token());
        let id = self.add_grant(refresh_token, client_id.clone(), scopes, data_center);
        let of_client =
            |grant: &Grant| grant.alive && grant.refresh_token.is_some() && grant.client_id == client_id;
        let alive: Vec<u64> = self.grants.iter().filter(|(_, g)| of_client(g)).map(|(id, _)| *id).collect();
        for oldest in alive.iter().take(alive.len().saturating_sub(self.limits.refresh_tokens)) {
            self.kill_grant(*oldest);
        }
        id
    }

    /// The grant of tokens without a refresh token.
    pub(super) fn client_grant(&mut self, client_id: &str, data_center: &str) -> u64 {
        let own = |grant: &Grant| {
            grant.refresh_token.is_none() && grant.client_id == client_id && grant.data_center == data_center
        };
        if let Some((id, _)) = self.grants.iter().find(|(_, grant)| own(grant)) {
            return *id;
        }
        self.add_grant(None, client_id.to_owned(), Vec::new(), data_center.to_owned())
    }

    fn add_grant(
        &mut self,
        refresh_token: Option<String>,
        client_id: String,
        scopes: Vec<String>,
        data_center: String,
    ) -> u64 {
        let id = self.grants.keys().next_back().map_or(1, |last| last + 1);
        let (window, live) = (Window::default(), VecDeque::new());
        let grant = Grant {
            refresh_token,
            replaced: None,
            client_id,
            scopes,
            data_center,
            alive: true,
            window,
            live,
            minted: 0,
        };
        self.grants.insert(id, grant);
        id
    }

    pub(super) fn refresh_token_of(&self, grant: u64) -> String {
        self.grants.get(&grant).and_then(|grant| grant.refresh_token.clone()).unwrap_or_default()
    }

    /// The valid grant of a refresh token.
    pub(super) fn grant_of(&self, refresh_token: &str) -> Option<u64> {
        let is_it = |grant: &Grant| {
            let both = [grant.refresh_token.as_deref(), grant.replaced.as_deref()];
            grant.alive && both.contains(&Some(refresh_token))
        };
        self.grants.iter().find(|(_, grant)| is_it(grant)).map(|(id, _)| *id)
    }

    pub(super) fn kill_grant(&mut self, id: u64) {
        let Some(grant) = self.grants.get_mut(&id) else { return };
        grant.alive = false;
        grant.live.clear();
        self.access.retain(|_, access| access.grant != id);
    }

    /// Invalidates an access token; returns whether it was valid.
    pub(super) fn kill_access(&mut self, token: &str) -> bool {
        for grant in self.grants.values_mut() {
            grant.live.retain(|live| live != token);
        }
        self.access.remove(token).is_some()
    }

    /// An access token, if it is valid in this data center.
    pub(super) fn living(&self, now: u64, token: &str, data_center: &str) -> Option<&Access> {
        self.access.get(token).filter(|access| now < access.expires_at && access.data_center == data_center)
    }

    /// Issues an access token, or throttles. With `shown`, the response includes the refresh token.
    pub(super) fn issue(&mut self, now: u64, id: u64, scopes: Vec<String>, shown: bool) -> Answer {
        let token = self.random.token();
        let Some(grant) = self.grants.get_mut(&id) else { return Answer::error("invalid_code") };
        let refresh_token = grant.refresh_token.clone();
        let noted = |answer: Answer| match &refresh_token {
            Some(refresh_token) => answer.of_refresh_token(refresh_token),
            None => answer,
        };
        if !grant.window.admit(now, &self.limits) {
            return noted(Answer::throttled(Language::En));
        }
        grant.minted += 1;
        let access = &mut self.access;
        access.retain(|_, access| now < access.expires_at);
        grant.live.retain(|live| access.contains_key(live));
        grant.live.push_back(token.clone());
        while grant.live.len() > self.limits.live_tokens.max(1) {
            if let Some(oldest) = grant.live.pop_front() {
                access.remove(&oldest);
            }
        }
        let data_center = grant.data_center.clone();
        let answer = TokenAnswer {
            access_token: Some(token.clone()),
            refresh_token: refresh_token.clone().filter(|_| shown),
            scope: Some(scopes.join(" ")),
            expires_in_sec: None,
            api_domain: self.url_of(&data_center).map(str::to_owned),
            token_type: Some("Bearer".to_owned()),
            expires_in: Some(self.limits.token_life.as_secs().into()),
        };
        let expires_at = now.saturating_add(ms(self.limits.token_life));
        let noted =
            noted(Answer::new(Reply::new(200, Body::Grant(Box::new(answer))), "granted").of_token(&token));
        self.access.insert(token, Access { grant: id, scopes, data_center, expires_at });
        Answer { minted: true, ..noted }
    }
}
