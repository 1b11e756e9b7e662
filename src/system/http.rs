//! The port to HTTP: one request, one bounded answer.

use crate::error::Error;
use crate::secret::Secret;
use std::time::Duration;

/// The most of an answer that is read, in bytes; Zoho's are below 1 KiB.
pub const BODY_LIMIT: usize = 64 * 1024;

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
    /// What happened, in words without secrets.
    pub problem: String,
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
