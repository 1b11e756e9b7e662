//! `/oauth/v2/token`: exchanges codes, refresh tokens and client credentials for access tokens.
//!
//! Most errors are 200 with `{"error":"…"}`; a wrong method, a missing `grant_type` and the throttle are 400.

use crate::sandbox::client::{Client, ClientKind};
use crate::sandbox::reply::{Answer, Body};
use crate::sandbox::request::Request;
use crate::sandbox::scope;
use crate::sandbox::state::SandboxState;

impl SandboxState {
    pub(super) fn token(&mut self, now: u64, request: &Request) -> Answer {
        let grant_type = match request.posted_grant_type() {
            Ok(grant_type) => grant_type,
            Err(malformed) => return Answer::malformed(malformed),
        };
        let client = match self.authenticate(request, grant_type) {
            Ok(client) => client,
            Err(error) => return Answer::error(error),
        };
        match grant_type {
            "refresh_token" => self.refresh(now, request, &client),
            "authorization_code" => self.exchange(now, request, &client),
            "client_credentials" => self.client_credentials(now, request, &client),
            // "invalid_code: … or grant_type is wrong".
            _ => Answer::error("invalid_code"),
        }
    }

    fn refresh(&mut self, now: u64, request: &Request, client: &Client) -> Answer {
        let Some(refresh_token) = request.param("refresh_token") else {
            return Answer::error("invalid_code");
        };
        let theirs = self.grant_of(refresh_token).and_then(|id| Some((id, self.grants.get(&id)?)));
        match theirs {
            Some((id, grant))
                if grant.client_id == client.client_id && grant.data_center == request.data_center =>
            {
                let scopes = grant.scopes.clone();
                let mut answer = self.issue(now, id, scopes, false).of_refresh_token(refresh_token);
                if answer.minted && self.limits.rotate_refresh_tokens {
                    self.rotate(id, refresh_token, &mut answer);
                }
                answer
            }
            _ => Answer::error("invalid_code"),
        }
    }

    /// Puts a new refresh token into the answer to `used`, which is replaced by it.
    fn rotate(&mut self, grant: u64, used: &str, answer: &mut Answer) {
        let new = self.random.token();
        if let (Some(grant), Body::Grant(body)) = (self.grants.get_mut(&grant), &mut answer.reply.body) {
            grant.replaced = Some(used.to_owned());
            grant.refresh_token = Some(new.clone());
            body.refresh_token = Some(new);
        }
    }

    /// Client credentials: no refresh token, and the tokens count for the client.
    fn client_credentials(&mut self, now: u64, request: &Request, client: &Client) -> Answer {
        let Some(scopes) = scope::parse(request.param("scope")) else {
            return Answer::error("invalid_scope");
        };
        match request.param("soid") {
            None if scopes.iter().any(|scope| !has_no_organizations(scope)) => {
                Answer::error("missing_org_info")
            }
            Some(soid) if soid != self.soid => Answer::error("invalid_soid"),
            _ => {
                let id = self.client_grant(&client.client_id, &request.data_center);
                self.issue(now, id, scopes, false)
            }
        }
    }

    /// `/oauth/v2/token/revoke` and `/oauth/v2/revoke/token`. Only the second one authenticates the client.
    pub(super) fn revoke(&mut self, request: &Request) -> Answer {
        let refused = || Answer::error_with(400, "invalid_token");
        let client = match request.path.as_str() {
            "/oauth/v2/revoke/token" => match self.authenticate(request, "revoke") {
                Ok(client) => Some(client),
                Err(error) => return Answer::error_with(400, error),
            },
            _ => None,
        };
        let Some(token) = request.param("token").filter(|_| request.method == "POST") else {
            return refused();
        };
        let grant = self.grant_of(token).or_else(|| self.access.get(token).map(|access| access.grant));
        let Some(owner) = grant.and_then(|id| self.grants.get(&id)) else { return refused().of_token(token) };
        let is_refresh_token = owner.refresh_token.as_deref() == Some(token);
        if let Some(client) = client {
            let wanted = request.param("token_type").unwrap_or("refresh_token");
            let is = if is_refresh_token { "refresh_token" } else { "access_token" };
            if owner.client_id != client.client_id || wanted != is {
                return refused().of_token(token);
            }
        }
        let revoked = Answer::ok(&serde_json::json!({"status": "success"}), "revoked");
        match grant.filter(|_| is_refresh_token) {
            Some(id) => {
                self.kill_grant(id);
                revoked.of_refresh_token(token)
            }
            None => {
                self.kill_access(token);
                revoked.of_token(token)
            }
        }
    }

    /// A Self Client code of the API console. `life` is in ms.
    pub(super) fn self_client_code(&mut self, now: u64, scopes: Vec<String>, life: u64) -> String {
        let client_id = self.client(ClientKind::SelfClient).client_id.clone();
        let home = self.home().to_owned();
        self.add_code(super::authorize::Code {
            client_ids: vec![client_id, self.client(ClientKind::Any).client_id.clone()],
            redirect_uri: None,
            scopes,
            data_center: home,
            gives_refresh_token: true,
            challenge: None,
            expires_at: now + life,
        })
    }
}

/// Whether client credentials with this scope need no `soid`: Cliq has no organizations.
fn has_no_organizations(scope: &str) -> bool {
    scope.to_ascii_lowercase().starts_with("zohocliq.")
}
