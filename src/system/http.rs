//! Port to HTTP.

use crate::error::Error;
pub(crate) use crate::problem::BODY_LIMIT;
use crate::problem::Problem;
use crate::secret::Secret;
use std::time::Duration;

/// Limit for DNS, TCP and TLS together.
pub(crate) const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A GET without a body.
    Get,
    /// A POST with a form body.
    Post,
}

/// A request. Secrets go into `form` or `authorization`, never into `url`.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: Method,
    /// The full URL. It may be logged.
    pub url: String,
    /// Fields of an `application/x-www-form-urlencoded` body.
    pub form: &'a [(&'static str, Secret)],
    /// Value of the `Authorization` header.
    pub authorization: Option<Secret>,
    /// Limit from connecting to the last byte of the response.
    pub timeout: Duration,
}

impl<'a> HttpRequest<'a> {
    /// The host, for messages.
    pub fn host(&self) -> String {
        let url = url::Url::parse(&self.url).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Always less than the timeout of the whole request. So a request that times out while connecting is known to be
    /// unsent.
    pub(crate) fn connect_timeout(&self) -> Duration {
        MAX_CONNECT_TIMEOUT.min(self.timeout * 3 / 4)
    }

    /// Whether `failure` is only due to this request's timeout, which was shorter than `usual`.
    pub(crate) fn was_short(&self, failure: &HttpFailure, usual: Duration) -> bool {
        let is_short =
            if failure.sent { self.timeout < usual } else { self.connect_timeout() < MAX_CONNECT_TIMEOUT };
        failure.timed_out && is_short
    }

    /// A GET without credentials.
    pub fn get(url: String, timeout: Duration) -> Self {
        HttpRequest { method: Method::Get, url, form: &[], authorization: None, timeout }
    }

    /// A GET with an access token.
    pub(crate) fn get_with(token: &Secret, url: String, timeout: Duration) -> Self {
        let authorization = Some(Secret::new(format!("Zoho-oauthtoken {}", token.expose())));
        HttpRequest { authorization, ..HttpRequest::get(url, timeout) }
    }

    /// A POST of a form.
    pub(crate) fn post(url: String, form: &'a [(&'static str, Secret)], timeout: Duration) -> Self {
        HttpRequest { method: Method::Post, url, form, authorization: None, timeout }
    }
}

/// A complete response with any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status code.
    pub status: u16,
    /// The `Retry-After` header, as sent.
    pub retry_after: Option<String>,
    /// The `Date` header, as sent.
    pub date: Option<String>,
    /// The body, at most `BODY_LIMIT` bytes.
    pub body: Vec<u8>,
}

/// There was no complete response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFailure {
    /// Whether any byte of the request may have reached the server.
    pub sent: bool,
    /// Whether the request timed out.
    pub timed_out: bool,
    /// Whether the cause is local to this call: its certificate authorities, proxy or file descriptors. Other callers
    /// are not affected.
    pub own: bool,
    /// What happened, without secrets.
    pub problem: Problem,
}

impl HttpFailure {
    /// Nothing was sent, because of a local `problem`.
    pub(crate) fn local(problem: String) -> Self {
        HttpFailure { sent: false, timed_out: false, own: true, problem: Problem::Local(problem) }
    }
}

/// The port.
pub trait Http {
    /// Checks the local settings for a request to `url` before it counts against the budget.
    fn ready(&self, _url: &str) -> Result<(), Error> {
        Ok(())
    }
    /// Sends `request` once, without redirects or retries.
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure>;
}
