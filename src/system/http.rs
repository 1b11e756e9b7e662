//! The port to HTTP: one request, one bounded answer.

use crate::error::Error;
pub(crate) use crate::problem::BODY_LIMIT;
use crate::problem::Problem;
use crate::secret::Secret;
use std::time::Duration;

/// The most that DNS, TCP and TLS may take together.
const LONGEST_CONNECT: Duration = Duration::from_secs(5);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A GET without a body.
    Get,
    /// A POST with a form body.
    Post,
}

/// One request. Secrets go into `form` or `authorization`, never into `url`.
#[derive(Debug)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: Method,
    /// The whole URL; it may be logged.
    pub url: String,
    /// The fields of an `application/x-www-form-urlencoded` body.
    pub form: Vec<(&'static str, &'a Secret)>,
    /// The value of the `Authorization` header.
    pub authorization: Option<Secret>,
    /// For the whole exchange, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

impl HttpRequest<'_> {
    /// The host that it goes to, as messages name it.
    pub fn host(&self) -> String {
        let url = url::Url::parse(&self.url).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// How long connecting may take: always less than the whole exchange, so that a request that ran out of time while
    /// connecting is known not to have been sent.
    pub(crate) fn connect_timeout(&self) -> Duration {
        LONGEST_CONNECT.min(self.timeout * 3 / 4)
    }

    /// Whether `failure` is only due to this request's time, which was shorter than that of others.
    pub(crate) fn was_short(&self, failure: &HttpFailure, usual: Duration) -> bool {
        failure.timed_out
            && match failure.sent {
                true => self.timeout < usual,
                false => self.connect_timeout() < LONGEST_CONNECT,
            }
    }

    /// A GET of `url` without credentials.
    pub fn get(url: String, timeout: Duration) -> Self {
        HttpRequest { method: Method::Get, url, form: Vec::new(), authorization: None, timeout }
    }
}

/// An answer that arrived whole, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The `Retry-After` header, as sent.
    pub retry_after: Option<String>,
    /// The `Date` header, as sent.
    pub date: Option<String>,
    /// The body, at most [`BODY_LIMIT`] bytes.
    pub body: Vec<u8>,
}

/// No whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpFailure {
    /// Whether a byte of the request may have reached the server.
    pub sent: bool,
    /// Whether time ran out.
    pub timed_out: bool,
    /// Whether something of the caller's own is the reason: its certificate authorities, proxy or descriptors. It says
    /// nothing to other callers.
    pub own: bool,
    /// What happened, without secrets.
    pub problem: Problem,
}

/// The port.
pub trait Http {
    /// Whether this machine's own settings allow a request. It is asked before a request is counted.
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }
    /// Sends `request` once, follows no redirect, retries nothing.
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure>;
}
