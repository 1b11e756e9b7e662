//! Routing, fault injection and logging.

use crate::i18n::speak;
use crate::sandbox::faults::Delivery;
use crate::sandbox::log::LogEntry;
use crate::sandbox::pages;
use crate::sandbox::reply::{Answer, Reply, fingerprint};
use crate::sandbox::request::Request;
use crate::sandbox::state::SandboxState;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The endpoints, with the names that faults and the log use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `/oauth/v2/auth`.
    Auth,
    /// `/oauth/v2/token`.
    Token,
    /// `/oauth/v2/token/revoke` and `/oauth/v2/revoke/token`.
    Revoke,
    /// `/oauth/v3/device/code`.
    DeviceCode,
    /// `/oauth/v3/device/token`.
    DeviceToken,
    /// `/oauth/v3/device`, the page.
    Device,
    /// `/oauth/serverinfo`.
    #[serde(rename = "serverinfo")]
    ServerInfo,
    /// `/oauth/user/info`.
    #[serde(rename = "userinfo")]
    UserInfo,
    /// `/crm/v8/…`.
    Crm,
    /// `/api/v1/tickets` of Desk.
    Desk,
    /// `/books/v3/invoices`.
    Books,
    /// `/`, the page that says what is here.
    Home,
    /// Anything else.
    Unknown,
}

impl Endpoint {
    fn of(path: &str) -> Endpoint {
        match path {
            "/oauth/v2/auth" => Endpoint::Auth,
            "/oauth/v2/token" => Endpoint::Token,
            "/oauth/v2/token/revoke" | "/oauth/v2/revoke/token" => Endpoint::Revoke,
            "/oauth/v3/device/code" => Endpoint::DeviceCode,
            "/oauth/v3/device/token" => Endpoint::DeviceToken,
            "/oauth/v3/device" => Endpoint::Device,
            "/oauth/serverinfo" => Endpoint::ServerInfo,
            "/oauth/user/info" => Endpoint::UserInfo,
            "/api/v1/tickets" => Endpoint::Desk,
            "/books/v3/invoices" => Endpoint::Books,
            "/" => Endpoint::Home,
            path if path.starts_with("/crm/v8/") => Endpoint::Crm,
            _ => Endpoint::Unknown,
        }
    }
}

/// A reply and its delivery.
pub(super) struct Outgoing {
    pub reply: Reply,
    pub delay: Duration,
    pub delivery: Delivery,
    /// The owner whose request is pending until the response is sent.
    pub pending: Option<String>,
}

impl SandboxState {
    /// Processes one request. It is decided and logged at arrival, even if the response is delayed.
    pub(super) fn handle(&mut self, now: u64, request: &Request) -> Outgoing {
        let endpoint = Endpoint::of(&request.path);
        let _speaking = speak(request.language);
        let (delay, fault) = self.faults.take(endpoint);
        let mut answer = match fault.as_ref().and_then(|fault| Some((fault.instead()?, fault.name()))) {
            Some((reply, name)) => Answer::new(reply, name),
            None => self.answer(now, endpoint, request),
        };
        if let Some(fault) = &fault {
            fault.corrupt(&mut answer.reply);
        }
        let delivery = fault.as_ref().map_or(Delivery::Whole, |fault| fault.delivery());
        let pending = (endpoint == Endpoint::Token).then(|| owner(request)).flatten();
        let at_once = pending.as_ref().map_or(0, |owner| {
            let count = self.pending.entry(owner.clone()).or_default();
            *count += 1;
            *count
        });
        self.log.push(LogEntry {
            time_ms: now,
            data_center: request.data_center.clone(),
            endpoint,
            method: request.method.clone(),
            path: request.path.clone(),
            params: request.shown_params(),
            grant_type: request.param("grant_type").map(str::to_owned),
            status: (delivery == Delivery::Whole).then_some(answer.reply.status),
            outcome: answer.outcome,
            fault: fault.map(|fault| fault.name()).or((!delay.is_zero()).then(|| "delay".to_owned())),
            minted: answer.minted,
            refresh_token_fp: answer.refresh_token_fp.or_else(|| presented(request.param("refresh_token"))),
            token_fp: answer.token_fp.or_else(|| presented(request.api_token())),
            code_fp: presented(request.param("code")),
            at_once,
            in_query: request.names_in_query(),
            secrets_in_query: request.secrets_in_query(),
            user_agent: request.user_agent.clone(),
            content_type: request.content_type.clone(),
            authorization_scheme: request.authorization_scheme(),
        });
        Outgoing { reply: answer.reply, delay: delay + self.limits.latency, delivery, pending }
    }

    /// Ends a pending request of `owner`.
    pub(super) fn end_pending(&mut self, owner: &str) {
        if let Some(count) = self.pending.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(owner);
            }
        }
    }

    fn answer(&mut self, now: u64, endpoint: Endpoint, request: &Request) -> Answer {
        match endpoint {
            Endpoint::Auth => self.authorize(now, request),
            Endpoint::Token => self.token(now, request),
            Endpoint::Revoke => self.revoke(request),
            Endpoint::DeviceCode => self.device_code(now, request),
            Endpoint::DeviceToken => self.device_token(now, request),
            Endpoint::Device => self.device_page(now, request),
            Endpoint::ServerInfo => self.server_info(),
            Endpoint::UserInfo => self.user_info(now, request),
            Endpoint::Crm => self.crm(now, request),
            Endpoint::Desk => self.desk(now, request),
            Endpoint::Books => self.books(now, request),
            Endpoint::Home => Answer::html(200, pages::home(self), "home"),
            Endpoint::Unknown => Answer::html(404, pages::message("404", "not found"), "not_found"),
        }
    }
}

/// The owner of the budget that a token request spends.
fn owner(request: &Request) -> Option<String> {
    presented(request.param("refresh_token")).or_else(|| request.client().0)
}

fn presented(secret: Option<&str>) -> Option<String> {
    secret.map(fingerprint)
}
