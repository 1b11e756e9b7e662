//! HTTP: from a socket to a [`Request`], from a [`Reply`] to bytes, and how both meet the world.

use super::clock::{self, Clock};
use super::faults::Delivery;
use super::reply::{Body, Reply};
use super::request::Request;
use super::route::Outgoing;
use super::state::World;
use super::tls::Tls;
use super::wire::{Acceptor, Ending, Wires};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::RustlsAcceptor;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use url::form_urlencoded;

/// What all ports share.
pub(super) struct Shared {
    pub world: Mutex<World>,
    pub clock: Clock,
}

impl Shared {
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time is read under the lock, so that the world never sees it go backwards.
    fn handle(&self, request: &Request) -> Outgoing {
        let mut world = self.world();
        world.handle(self.clock.now(), request)
    }
}

/// A listener with room for a thousand callers that come at once; the standard library's has room for 128.
pub(super) fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<TcpListener> {
    let _entered = runtime.enter();
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)?.into_std()
}

type TlsStream = <RustlsAcceptor as Accept<TcpStream, ()>>::Stream;

/// Serves one port until the runtime ends.
pub(super) fn serve(
    runtime: &Runtime,
    listener: TcpListener,
    port: Port,
    tls: Option<&Tls>,
) -> io::Result<()> {
    let _entered = runtime.enter();
    let wires = port.wires.clone();
    let service =
        Router::new().fallback(answer).with_state(port).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum_server::from_tcp(listener)?;
    match tls {
        Some(tls) => {
            let inner = RustlsAcceptor::new(tls.config.clone());
            let acceptor = Acceptor { inner, socket: |tls: &TlsStream| tls.get_ref().0, wires };
            runtime.spawn(server.acceptor(acceptor).serve(service));
        }
        None => {
            let acceptor = Acceptor { inner: DefaultAcceptor::new(), socket: |plain| plain, wires };
            runtime.spawn(server.acceptor(acceptor).serve(service));
        }
    }
    Ok(())
}

/// One data centre's port.
#[derive(Clone)]
pub(super) struct Port {
    pub shared: Arc<Shared>,
    pub data_center: Arc<str>,
    pub wires: Wires,
}

async fn answer(
    State(port): State<Port>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = read(&port, &method, &uri, &headers, &body);
    let clock = &port.shared.clock;
    if request.path.starts_with("/sandbox/") {
        let reply = port.shared.world().control(clock, &request);
        return response(reply, clock.now());
    }
    let outgoing = port.shared.handle(&request);
    if !outgoing.delay.is_zero() {
        tokio::time::sleep(outgoing.delay).await;
    }
    match outgoing.delivery {
        Delivery::Whole => {}
        Delivery::Hang => std::future::pending::<()>().await,
        Delivery::Reset => port.wires.end(peer, Ending::Reset),
        Delivery::Cut => port.wires.end(peer, Ending::Bytes(cut_short(&outgoing.reply))),
    }
    response(outgoing.reply, clock.now())
}

fn read(port: &Port, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Request {
    let header =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect();
    let content_type = header("content-type");
    let is_form = content_type
        .as_deref()
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded"));
    Request {
        method: method.to_string(),
        path: uri.path().to_owned(),
        data_center: port.data_center.to_string(),
        query: pairs(uri.query().unwrap_or_default().as_bytes()),
        form: if is_form { pairs(body) } else { Vec::new() },
        body: body.to_vec(),
        user_agent: header("user-agent"),
        authorization: header("authorization"),
        content_type,
    }
}

fn response(reply: Reply, now: u64) -> Response {
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

/// 64 MiB that begin like a token; made once, shared by all answers.
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

/// The whole answer's headers, and half of its body.
fn cut_short(reply: &Reply) -> Vec<u8> {
    let (_, body) = content(reply.body.clone());
    let head = format!(
        "HTTP/1.1 {} OK\r\ncontent-type: application/json;charset=UTF-8\r\ncontent-length: {}\r\n\r\n",
        reply.status,
        body.len().max(2)
    );
    [head.as_bytes(), &body[..body.len() / 2]].concat()
}
