//! HTTP: from a socket to a [`Request`], and from a [`Reply`] to bytes.

use crate::i18n::Language;
use crate::sandbox::clock::{self, Clock};
use crate::sandbox::faults::Delivery;
use crate::sandbox::multipart;
use crate::sandbox::reply::{Body, Reply};
use crate::sandbox::request::Request;
use crate::sandbox::route::Outgoing;
use crate::sandbox::state::SandboxState;
use crate::sandbox::wire::{ConnectionFault, Ending, Wire};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use url::form_urlencoded;

pub(super) struct Shared {
    pub state: Mutex<SandboxState>,
    pub clock: Clock,
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, SandboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time is read under the lock, so that the state never sees it go back.
    fn handle(&self, request: &Request) -> Outgoing {
        let mut state = self.state();
        state.handle(self.clock.now(), request)
    }
}

/// A listener with a backlog for a thousand simultaneous callers; the standard library's is 128.
pub(super) fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<TcpListener> {
    let _entered = runtime.enter();
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)
}

/// Time limit of a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The error of a body that is too long or incomplete.
type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// The largest request body, in bytes.
const LARGEST: usize = 2 << 20;

/// The port of one data center.
#[derive(Clone)]
pub(super) struct Port {
    pub shared: Arc<Shared>,
    pub data_center: Arc<str>,
}

/// Serves one port until the runtime ends.
pub(super) fn serve(runtime: &Runtime, listener: TcpListener, port: Port, tls: Option<TlsAcceptor>) {
    runtime.spawn(async move {
        loop {
            match listener.accept().await {
                Ok((tcp, _)) => drop(tokio::spawn(connection(tcp, port.clone(), tls.clone()))),
                // Probably too many open files; some will be closed soon.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    });
}

async fn connection(tcp: TcpStream, port: Port, tls: Option<TlsAcceptor>) {
    let _ = tcp.set_nodelay(true);
    let Some(tls) = tls else { return serve_http(tcp, |plain| plain, port).await };
    if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(tcp)).await {
        serve_http(stream, |tls| tls.get_ref().0, port).await;
    }
}

/// Serves HTTP/1.1 until either side closes the connection.
async fn serve_http<S>(stream: S, socket: fn(&S) -> &TcpStream, port: Port)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let fault = ConnectionFault::default();
    let wire = Wire::new(stream, socket, fault.clone());
    let service = service_fn(|request| answer(&port, &fault, request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(wire), service).await;
}

async fn answer(
    port: &Port,
    fault: &ConnectionFault,
    request: hyper::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, BodyError> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST).collect().await?.to_bytes();
    let request = read(port, &head, &body);
    let clock = &port.shared.clock;
    if request.path.starts_with("/sandbox/") {
        let reply = port.shared.state().control(clock, &request);
        return Ok(response(reply, clock.now()));
    }
    let outgoing = port.shared.handle(&request);
    let _under_way = outgoing.pending.map(|owner| Pending { owner, shared: &port.shared });
    if !outgoing.delay.is_zero() {
        sleep(outgoing.delay).await;
    }
    match outgoing.delivery {
        Delivery::Whole => {}
        Delivery::Hang => std::future::pending::<()>().await,
        Delivery::Reset => fault.end(Ending::Reset),
        Delivery::Cut => fault.end(Ending::Bytes(cut_short(&outgoing.reply))),
    }
    Ok(response(outgoing.reply, clock.now()))
}

/// A pending request. It ends with the response, or when the client disconnects.
struct Pending<'a> {
    owner: String,
    shared: &'a Shared,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.shared.state().end_pending(&self.owner);
    }
}

fn read(port: &Port, head: &Parts, body: &Bytes) -> Request {
    let header = |name: &str| {
        head.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
    let content_type = header("content-type");
    let kind = content_type.as_deref().unwrap_or_default();
    let is_form = kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let form = if is_form { pairs(body) } else { multipart::fields(kind, body) };
    Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        data_center: port.data_center.to_string(),
        query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
        form,
        body: body.to_vec(),
        user_agent: header("user-agent"),
        authorization: header("authorization"),
        org_id: header("orgid"),
        language: preferred(&header("accept-language").unwrap_or_default()),
        content_type,
    }
}

/// The first supported language of `Accept-Language`.
fn preferred(languages: &str) -> Language {
    languages.split([',', ';']).find_map(|tag| Language::named(tag.trim())).unwrap_or_default()
}

fn response(reply: Reply, now: u64) -> Response<Full<Bytes>> {
    let (kind, bytes) = content(reply.body);
    let mut response = Response::new(bytes.into());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert("content-type", HeaderValue::from_static(kind));
    }
    let date = clock::http_date(now).map(|date| ("date", date));
    for (name, value) in reply.headers.into_iter().chain(date) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    response
}

/// 64 MiB that start like a token, shared by all responses.
static OVERSIZED: LazyLock<Bytes> = LazyLock::new(|| {
    let mut bytes = br#"{"access_token":"1000."#.to_vec();
    bytes.resize(64 << 20, b'a');
    bytes.into()
});

fn content(body: Body) -> (Option<&'static str>, Bytes) {
    const JSON: Option<&str> = Some("application/json;charset=UTF-8");
    match body {
        Body::Grant(answer) => (JSON, serde_json::to_vec(&answer).unwrap_or_default().into()),
        Body::Json(text) => (JSON, text.into()),
        Body::Html(text) => (Some("text/html;charset=UTF-8"), text.into()),
        Body::Oversized => (JSON, OVERSIZED.clone()),
        Body::Empty => (None, Bytes::new()),
    }
}

/// All headers, and half of the body.
fn cut_short(reply: &Reply) -> Vec<u8> {
    let (_, body) = content(reply.body.clone());
    let head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: application/json;charset=UTF-8\r\ncontent-length: {}\r\n\r\n",
        reply.status,
        body.len().max(2)
    );
    [head.as_bytes(), &body[..body.len() / 2]].concat()
}
