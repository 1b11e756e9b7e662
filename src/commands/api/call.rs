//! Sends a request with a token, and replaces the token once if it is dead.

use crate::commands::Session;
use crate::commands::api::target::ApiTarget;
use crate::commands::token;
use crate::config::hosts::Place;
use crate::error::Error;
use crate::model::{MinTtl, Scheme};
use crate::oauth::userinfo::Liveness;
use crate::output::View;
use crate::problem::Problem;
use crate::refresh::{self, Rejected, TokenRequest};
use crate::secret::Secret;
use crate::system::{ApiAnswer, ApiBody, ApiRequest, System};
use crate::zoho::products::{self, BearerSupport, OrgParameter, TokenRefusal};
use std::io::Read;
use std::time::Duration;
use url::Url;

/// For a token, and for a reject.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The most redirects within a host.
const REDIRECTS: usize = 5;
/// As much of a refused call's answer is read for its reason, in bytes.
const START: u64 = 64 * 1024;

/// A request without its URL.
pub(super) struct Call<'a> {
    pub(super) session: Session,
    pub(super) method: &'a str,
    headers: Vec<(String, String)>,
    body: ApiBody,
    /// Whether the warning about the token was shown.
    warned: bool,
}

/// A token, and the API domain that belongs to it.
pub(super) struct ApiToken {
    value: Secret,
    pub(super) api_domain: Option<String>,
}

/// An answer. `start` is the part of the body that was read already.
pub(super) struct ApiReply {
    pub(super) answer: ApiAnswer,
    pub(super) start: Vec<u8>,
    /// Why a call with this token was refused.
    pub(super) refusal: Option<TokenRefusal>,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        session: Session,
        method: &'a str,
        headers: &[(String, String)],
        body: ApiBody,
    ) -> Self {
        let mut headers = headers.to_vec();
        let has_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if !has_type && !matches!(body, ApiBody::Empty) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Call { session, method, headers, body, warned: false }
    }

    /// Names the profile's organization where the product wants it, unless the user did.
    pub(super) fn add_organization(&mut self, target: &mut ApiTarget) {
        let parameter = target.product.and_then(|product| product.org.as_ref());
        match (parameter, &self.session.profile.org_id) {
            (Some(OrgParameter::Query(name)), Some(id)) => target.add_default(name, id),
            (Some(OrgParameter::Header(name)), Some(id))
                if !self.headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(name)) =>
            {
                self.headers.push((name.clone(), id.clone()));
            }
            _ => {}
        }
    }

    /// Gets a token as `get` does.
    pub(super) fn token(&mut self, system: &System) -> Result<ApiToken, Error> {
        let request = TokenRequest::new(MinTtl::Default, TIMEOUT);
        let response = token::token(&mut self.session, system, &request)?;
        if let Some(warning) = response.warning.as_ref().filter(|_| !self.warned) {
            system.warn(warning);
            self.warned = true;
        }
        let profile = &self.session.profile;
        let view = View::of(profile, profile.scheme, &response.record, system.clock.now())?;
        Ok(ApiToken { value: Secret::new(view.access_token), api_domain: view.api_domain })
    }

    /// Sends the request. A token that the answer calls dead is rejected, and the request sent once more with a new one.
    pub(super) fn send(&mut self, system: &System, target: &ApiTarget) -> Result<ApiReply, Error> {
        let token = self.token(system)?.value;
        let reply = self.open(system, target, &token)?;
        let Some(refusal @ (TokenRefusal::Dead | TokenRefusal::Unclear)) = reply.refusal else {
            return Ok(reply);
        };
        match self.replacement(system, &token, refusal)? {
            Some(new) => self.open(system, target, &new),
            None => Ok(ApiReply { refusal: Some(TokenRefusal::Unclear), ..reply }),
        }
    }

    /// A token other than the refused one. `None` if that one is valid, or nobody knows.
    fn replacement(
        &mut self,
        system: &System,
        token: &Secret,
        refusal: TokenRefusal,
    ) -> Result<Option<Secret>, Error> {
        let source = self.session.source(system);
        let rejected = self.session.with_ports(system, &source, |ports| {
            if refusal == TokenRefusal::Unclear && refresh::liveness(ports, token, TIMEOUT) == Liveness::Alive
            {
                return Ok(Rejected::Kept);
            }
            refresh::reject(ports, token, TIMEOUT)
        })?;
        match rejected {
            Rejected::Kept | Rejected::Unclear => Ok(None),
            Rejected::NotCached | Rejected::Dropped => {
                let new = self.token(system)?.value;
                Ok((new != *token).then_some(new))
            }
        }
    }

    /// Sends the request with this token, and follows redirects within the host.
    fn open(&self, system: &System, target: &ApiTarget, token: &Secret) -> Result<ApiReply, Error> {
        let http = (system.api_http)(&self.session.roots);
        let scheme = match target.product.and_then(|product| product.bearer) {
            Some(BearerSupport::Refused) => Scheme::Zoho,
            _ => self.session.profile.scheme,
        };
        let authorization = format!("{} {}", scheme.word(), token.expose());
        let (mut url, mut left) = (target.url.clone(), REDIRECTS);
        loop {
            let answer = http.open(&ApiRequest {
                method: self.method,
                url: &url,
                headers: &self.headers,
                authorization: Secret::new(&*authorization),
                body: &self.body,
            });
            let answer = answer.map_err(|failure| failure.problem.error(target.host(), None))?;
            match self.redirect(&url, &answer).filter(|_| left > 0) {
                Some(next) => (url, left) = (next, left - 1),
                None => return reply(target, answer),
            }
        }
    }

    /// Where a GET continues. `None` for other hosts.
    fn redirect(&self, url: &Url, answer: &ApiAnswer) -> Option<Url> {
        let is_redirect = matches!(answer.status, 301 | 302 | 303 | 307 | 308);
        let next = url.join(answer.header("location").filter(|_| is_redirect)?).ok()?;
        let same =
            Place::of_uri(url.as_str()).is_some_and(|place| Place::of_uri(next.as_str()) == Some(place));
        (same && next.scheme() == url.scheme() && ["GET", "HEAD"].contains(&self.method)).then_some(next)
    }
}

/// Reads the reason of a refused call.
fn reply(target: &ApiTarget, mut answer: ApiAnswer) -> Result<ApiReply, Error> {
    let mut start = Vec::new();
    if answer.status >= 400 {
        let read = answer.body.by_ref().take(START).read_to_end(&mut start);
        read.map_err(|_| Problem::ResponseTruncated.error(target.host(), None))?;
    }
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    let said = || products::refusal(target.product, challenge, &start);
    let refusal = match answer.status {
        401 => Some(said()),
        // Not every product answers 401 for a token that is valid.
        400 | 403 => {
            Some(said()).filter(|refusal| matches!(refusal, TokenRefusal::Scope | TokenRefusal::Org))
        }
        _ => None,
    };
    Ok(ApiReply { refusal, answer, start })
}
