//! Sends the requests of `object_store` with our own HTTP client, and notes the server's time.

use crate::system::{AsyncClients, Roots};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody,
    HttpService,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Larger answers are not read. A record has a few kilobytes.
const BODY_LIMIT: usize = 1 << 20;

/// The server's time in its last answer, in ms since 1970. 0 before the first.
pub(super) type ServerTime = Arc<AtomicI64>;

/// Makes clients that share one connection pool and one server time.
#[derive(Clone, Debug)]
pub(super) struct Connector {
    clients: AsyncClients,
    time: ServerTime,
}

impl Connector {
    pub(super) fn new(roots: &Roots, time: &ServerTime) -> Result<Self, String> {
        Ok(Connector { clients: AsyncClients::new(roots)?, time: Arc::clone(time) })
    }
}

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait::async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url: url::Url = parts
            .uri
            .to_string()
            .parse()
            .map_err(|error: url::ParseError| HttpError::new(HttpErrorKind::Unknown, error))?;
        let client = self.clients.of(&url);
        let mut ours = reqwest::Request::new(parts.method, url);
        *ours.headers_mut() = parts.headers;
        *ours.body_mut() = Some(reqwest::Body::wrap(body));
        let mut answer = client.execute(ours).await.map_err(failed)?;
        let date = answer.headers().get(reqwest::header::DATE).and_then(|date| date.to_str().ok());
        if let Some(at) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) {
            self.time.store(at.timestamp().as_millisecond(), Ordering::SeqCst);
        }
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > BODY_LIMIT {
                let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
                return Err(HttpError::new(HttpErrorKind::Decode, error));
            }
        }
        let mut answer = HttpResponse::new(HttpResponseBody::from(bytes));
        (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
        Ok(answer)
    }
}

fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error.without_url())
}
