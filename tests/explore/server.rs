//! The accounts server as the protocol sees it: arrivals, valid tokens and faults.

use crate::plan::Plan;
use crate::rng::Rng;
use std::collections::BTreeMap;
use zoho_cred::system::HttpAnswer;

/// An access token. Times are ms of true time.
#[derive(Clone, Debug)]
pub struct Minted {
    pub owner: String,
    pub expires_ms: i64,
    /// Revoked by the server, or with its refresh token, without notice.
    pub killed: bool,
}

#[derive(Default)]
pub struct Server {
    /// Arrivals of token requests, by refresh token.
    pub arrivals: BTreeMap<String, Vec<i64>>,
    pub tokens: BTreeMap<String, Minted>,
    /// Refresh tokens, and whether they are valid.
    pub grants: BTreeMap<String, bool>,
    /// Refresh tokens that replace another, which they revoke when they are used.
    replaces: BTreeMap<String, String>,
    pub throttled: u64,
}

impl Server {
    pub fn new_grant(&mut self) -> String {
        let name = format!("1000.r{}", self.grants.len());
        self.grants.insert(name.clone(), true);
        name
    }

    pub fn revoke(&mut self, grant: &str) {
        self.grants.insert(grant.to_owned(), false);
        self.kill(|token| token.owner == grant);
    }

    /// The tokens of `old` belong to its replacement.
    pub fn hand_over(&mut self, old: &str, new: &str) {
        let tokens = self.tokens.values_mut().filter(|token| token.owner == old);
        tokens.for_each(|token| new.clone_into(&mut token.owner));
    }

    pub fn kill(&mut self, which: impl Fn(&Minted) -> bool) {
        self.tokens.values_mut().filter(|token| which(token)).for_each(|token| token.killed = true);
    }

    /// Handles a token request. Returns the response and how many requests arrived in the window that ends now.
    pub fn token_request(&mut self, grant: &str, now: i64, plan: &Plan, rng: &Rng) -> (HttpAnswer, usize) {
        let window_ms = plan.budget.window.as_millis() as i64;
        let arrivals = self.arrivals.entry(grant.to_owned()).or_default();
        arrivals.push(now);
        let in_window = arrivals.iter().filter(|at| **at > now - window_ms).count();
        (self.answer(grant, now, plan, rng), in_window)
    }

    fn answer(&mut self, grant: &str, now: i64, plan: &Plan, rng: &Rng) -> HttpAnswer {
        let body = |status, body: &str| HttpAnswer {
            status,
            retry_after: None,
            date: None,
            body: body.as_bytes().to_vec(),
        };
        if rng.chance(plan.broken) {
            return match rng.within(0, 4) {
                0 => body(503, ""),
                1 => body(200, "<html>We will be back soon.</html>"),
                2 => body(200, r#"{"access_token":"1000.cut"#),
                3 => body(500, r#"{"error":"invalid_code"}"#),
                _ => body(200, r#"{"error":"general_error"}"#),
            };
        }
        if rng.chance(plan.throttled) {
            self.throttled += 1;
            let text = r#"{"error":"Access Denied","error_description":"too many","status":"failure"}"#;
            let retry_after = rng.chance(300).then(|| "45".to_owned());
            return HttpAnswer { retry_after, ..body(rng.one(&[200, 400, 429]), text) };
        }
        if rng.chance(plan.misconfigured) {
            return body(200, r#"{"error":"invalid_client"}"#);
        }
        if rng.chance(plan.refused) || !self.grants.get(grant).copied().unwrap_or(false) {
            return body(200, r#"{"error":"invalid_code"}"#);
        }
        let token = format!("1000.t{}", self.tokens.len());
        let expires_ms = now + plan.token_life_s * 1000;
        self.tokens.insert(token.clone(), Minted { owner: grant.to_owned(), expires_ms, killed: false });
        // The new refresh token has the requests of the old one, which is revoked when the new one is used.
        if let Some(old) = self.replaces.remove(grant) {
            self.grants.insert(old, false);
        }
        let mut new = String::new();
        if rng.chance(plan.rotates) {
            let name = self.new_grant();
            self.arrivals.insert(name.clone(), self.arrivals.get(grant).cloned().unwrap_or_default());
            self.replaces.insert(name.clone(), grant.to_owned());
            new = format!(r#""refresh_token":"{name}","#);
        }
        body(200, &format!(r#"{{"access_token":"{token}",{new}"expires_in":{}}}"#, plan.token_life_s))
    }

    /// `GET /oauth/user/info`.
    pub fn user_info(&self, token: &str, now: i64, plan: &Plan, rng: &Rng) -> HttpAnswer {
        let lives = self.tokens.get(token).is_some_and(|minted| !minted.killed && now < minted.expires_ms);
        let (status, body) = match lives {
            _ if rng.chance(plan.broken) => (503, ""),
            true => (200, r#"{"ZUID":1}"#),
            false => (401, r#"{"response":"error","cause":"INVALID_OAUTHTOKEN"}"#),
        };
        HttpAnswer { status, retry_after: None, date: None, body: body.as_bytes().to_vec() }
    }
}
