//! The server: one world behind a lock, one port for each data centre, a runtime of its own.

use super::client::{Client, ClientKind};
use super::clock::{self, Clock};
use super::faults::{Delivery, Fault};
use super::limits::{Limits, ms};
use super::log::LogEntry;
use super::reply::{Body, Reply};
use super::request::Request;
use super::state::{Counts, Setup, World};
use super::tls::{Certificate, Tls};
use super::wire::{Acceptor, Ending, Wires};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::Response;
use axum_server::accept::{Accept, DefaultAcceptor};
use axum_server::tls_rustls::RustlsAcceptor;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use url::form_urlencoded;

/// How a server starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; a loopback address, by default `127.0.0.1` with a port that is free.
    pub listen: SocketAddr,
    /// With a certificate the server speaks TLS; without one, plain HTTP.
    pub tls: Option<Certificate>,
    /// The data centre the clients are registered in (`us`).
    pub data_center: String,
    /// More data centres, each on a free port of its own.
    pub other_data_centers: Vec<String>,
    /// Whether one client secret is good for all data centres; by default each has its own.
    pub single_secret: bool,
    /// Scopes of the first refresh token.
    pub scopes: Vec<String>,
    /// Redirect URIs of the clients that have any.
    pub redirect_uris: Vec<String>,
    /// The limits in force.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Options {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            tls: None,
            data_center: "us".to_owned(),
            other_data_centers: Vec::new(),
            single_secret: false,
            scopes: owned(&["ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoCRM.org.READ"]),
            redirect_uris: owned(&["http://localhost:9437/callback", "https://www.google.com/"]),
            limits: Limits::default(),
        }
    }
}

/// A running sandbox. It stops when it is dropped.
pub struct Server {
    shared: Arc<Shared>,
    data_centers: Vec<(String, String)>,
    clients: Vec<Client>,
    refresh_token: String,
    soid: String,
    ca_pem: Option<String>,
    runtime: Option<Runtime>,
}

struct Shared {
    world: Mutex<World>,
    clock: Clock,
    wires: Wires,
}

impl Shared {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Starts a server and returns once it listens.
    ///
    /// Errors: an address that is not on loopback or is taken, an unknown `user_location`, or what the system
    /// says when it gives no threads, sockets or randomness.
    pub fn start(options: Options) -> io::Result<Server> {
        if !options.listen.ip().is_loopback() {
            let message =
                format!("{} is not a loopback address: the sandbox listens on loopback only", options.listen);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let tls = options.tls.map(Tls::new).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (mut listeners, mut data_centers) = (Vec::new(), Vec::new());
        let free_port = SocketAddr::new(options.listen.ip(), 0);
        let addresses = std::iter::once(options.listen).chain(std::iter::repeat(free_port));
        let names = std::iter::once(&options.data_center).chain(&options.other_data_centers);
        for (name, address) in names.zip(addresses) {
            let listener = listen(&runtime, address)?;
            data_centers.push((name.clone(), format!("{scheme}://{}", listener.local_addr()?)));
            listeners.push((name.clone(), listener));
        }
        let world = new_world(options, data_centers.clone())?;
        let (clients, soid) = (world.clients.clone(), world.soid.clone());
        let refresh_token = world.first_refresh_token.clone();
        let (world, clock) = (Mutex::new(world), Clock::default());
        let shared = Arc::new(Shared { world, clock, wires: Wires::default() });
        for (data_center, listener) in listeners {
            let port = Port { shared: Arc::clone(&shared), data_center: data_center.into() };
            serve(&runtime, listener, port, tls.as_ref())?;
        }
        let (ca_pem, runtime) = (tls.map(|tls| tls.ca_pem), Some(runtime));
        Ok(Server { shared, data_centers, clients, refresh_token, soid, ca_pem, runtime })
    }

    /// The accounts server of the first data centre, such as `http://127.0.0.1:40001`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.data_centers[0].1
    }

    /// The accounts server of a data centre, if it is served.
    pub fn url_of(&self, data_center: &str) -> Option<&str> {
        self.data_centers.iter().find(|(name, _)| name == data_center).map(|(_, url)| url.as_str())
    }

    /// The `api_domain` that comes with tokens: the same URL, so that `{api_domain}/crm/v8/Leads` works.
    pub fn api_domain(&self) -> &str {
        self.url()
    }

    /// The data centres that are served, with their URLs; the first is the clients' own.
    pub fn data_centers(&self) -> &[(String, String)] {
        &self.data_centers
    }

    /// Client id of the client that may use every flow ([`ClientKind::Any`]).
    pub fn client_id(&self) -> &str {
        &self.client(ClientKind::Any).client_id
    }

    /// Its client secret in the first data centre.
    pub fn client_secret(&self) -> &str {
        &self.client(ClientKind::Any).client_secrets[&self.data_centers[0].0]
    }

    /// The client of a type.
    pub fn client(&self, kind: ClientKind) -> &Client {
        self.clients.iter().find(|client| client.kind == kind).unwrap_or(&self.clients[0])
    }

    /// All clients.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The refresh token that there is from the start.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// The `soid` for client credentials, such as `ZohoCRM.600000434`.
    pub fn soid(&self) -> &str {
        &self.soid
    }

    /// The certificate authority to trust, in PEM; none without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// Every request so far, in order of arrival; those to `/sandbox/…` are not in it.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.world().log.entries()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        self.shared.world().log.clear();
    }

    /// How many requests to the token endpoint are in the log, whatever came of them.
    pub fn token_requests(&self) -> usize {
        self.shared.world().log.token_requests()
    }

    /// What was minted and refused so far.
    pub fn counts(&self) -> Counts {
        self.shared.world().counts(self.shared.clock.now())
    }

    /// Adds a fault behind those that are set.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.world().faults.set(fault);
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
    }

    /// Changes limits: `server.set_limits(|limits| limits.budget = 3)`.
    ///
    /// Errors, and changes nothing, if `user_location` is a data centre that is not served.
    pub fn set_limits(&self, change: impl FnOnce(&mut Limits)) -> Result<(), String> {
        let mut world = self.shared.world();
        let mut limits = world.limits.clone();
        change(&mut limits);
        world.set_limits(limits)
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.shared.world().limits.clone()
    }

    /// Moves the sandbox's time forward.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(i64::try_from(ms(by)).unwrap_or(i64::MAX));
    }

    /// Moves the sandbox's time backwards.
    pub fn set_back(&self, by: Duration) {
        self.shared.clock.advance(-i64::try_from(ms(by)).unwrap_or(i64::MAX));
    }

    /// The sandbox's time, in ms since the epoch.
    pub fn now_ms(&self) -> u64 {
        self.shared.clock.now()
    }

    /// Kills all access tokens; how many lived.
    pub fn kill_tokens(&self) -> usize {
        self.shared.world().kill(None)
    }

    /// Kills one access token, or one refresh token with all its access tokens; whether it lived.
    pub fn kill_token(&self, token: &str) -> bool {
        self.shared.world().kill(Some(token)) > 0
    }

    /// One more refresh token for the first client, as another login would make it.
    pub fn new_refresh_token(&self) -> String {
        self.shared.world().another_refresh_token(None)
    }

    /// A code as the API console shows it for a Self Client.
    pub fn self_client_code(&self, scopes: &[&str], life: Duration) -> String {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        self.shared.world().self_client_code(self.shared.clock.now(), scopes, ms(life))
    }

    /// Back to the start: same clients, same first refresh token, limits of the start, nothing else.
    pub fn reset(&self) {
        self.shared.clock.reset();
        self.shared.world().reset();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(1));
        }
    }
}

fn new_world(options: Options, data_centers: Vec<(String, String)>) -> io::Result<World> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
    let Options { limits, scopes, redirect_uris, single_secret, .. } = options;
    let setup =
        Setup { seed, resets: 0, limits: limits.clone(), scopes, redirect_uris, single_secret, data_centers };
    let mut world = World::new(setup);
    world.set_limits(limits).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(world)
}

/// A listener with room for a thousand callers that come at once; the standard library's has room for 128.
fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<TcpListener> {
    let _entered = runtime.enter();
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(4096)?.into_std()
}

type TlsStream = <RustlsAcceptor as Accept<TcpStream, ()>>::Stream;

/// Serves one port until the runtime ends.
fn serve(runtime: &Runtime, listener: TcpListener, port: Port, tls: Option<&Tls>) -> io::Result<()> {
    let _entered = runtime.enter();
    let wires = port.shared.wires.clone();
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
struct Port {
    shared: Arc<Shared>,
    data_center: Arc<str>,
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
    let shared = &port.shared;
    let now = shared.clock.now();
    if request.path.starts_with("/sandbox/") {
        let reply = shared.world().control(&shared.clock, &request);
        return response(reply, now);
    }
    let outgoing = shared.world().handle(now, &request);
    if !outgoing.delay.is_zero() {
        tokio::time::sleep(outgoing.delay).await;
    }
    match outgoing.delivery {
        Delivery::Whole => {}
        Delivery::Hang => std::future::pending::<()>().await,
        Delivery::Reset => shared.wires.end(peer, Ending::Reset),
        Delivery::Cut => shared.wires.end(peer, Ending::Bytes(cut_short(&outgoing.reply))),
    }
    response(outgoing.reply, now)
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
