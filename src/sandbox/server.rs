//! The server: one state behind a lock, one port for each data center, and a runtime.

use crate::sandbox::client::{Client, ClientKind};
use crate::sandbox::clock::Clock;
use crate::sandbox::counts::Counts;
use crate::sandbox::faults::Fault;
use crate::sandbox::http::{Port, Shared, listen, serve};
use crate::sandbox::limits::{Limits, ms};
use crate::sandbox::log::LogEntry;
use crate::sandbox::state::{SandboxState, Setup};
use crate::sandbox::tls::{Certificate, Tls};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Options of a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Loopback address to listen on; by default `127.0.0.1` with a free port.
    pub listen: SocketAddr,
    /// Uses TLS with this certificate; `None` is plain HTTP.
    pub tls: Option<Certificate>,
    /// The data center in which the clients are registered (`us`).
    pub data_center: String,
    /// Other data centers, each on a free port.
    pub other_data_centers: Vec<String>,
    /// Whether all data centers share one client secret; by default each has its own.
    pub single_secret: bool,
    /// Scopes of the first refresh token.
    pub scopes: Vec<String>,
    /// Redirect URIs of the clients that use them.
    pub redirect_uris: Vec<String>,
    /// The current limits.
    pub limits: Limits,
    /// The faults at the start.
    pub faults: Vec<Fault>,
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
            faults: Vec::new(),
        }
    }
}

/// A running sandbox, stopped on drop.
pub struct Server {
    shared: Arc<Shared>,
    data_centers: Vec<(String, String)>,
    clients: Vec<Client>,
    refresh_token: String,
    soid: String,
    ca_pem: Option<String>,
    _thread: Thread,
}

impl Server {
    /// Starts a server and returns once it listens.
    ///
    /// Errors: an address that is in use or not loopback, an unknown `user_location`, or a lack of threads, sockets
    /// or random numbers.
    pub fn start(options: Options) -> io::Result<Server> {
        if !options.listen.ip().is_loopback() {
            let message =
                format!("{} is not a loopback address: the sandbox listens on loopback only", options.listen);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        raise_file_limit();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
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
        let state = new_state(options, data_centers.clone())?;
        let (clients, soid) = (state.clients.clone(), state.soid.clone());
        let refresh_token = state.first_refresh_token.clone();
        let (state, clock) = (Mutex::new(state), Clock::default());
        let shared = Arc::new(Shared { state, clock });
        for (data_center, listener) in listeners {
            let port = Port { shared: Arc::clone(&shared), data_center: data_center.into() };
            serve(&runtime, listener, port, tls.as_ref().map(|tls| tls.acceptor.clone()));
        }
        let (ca_pem, thread) = (tls.map(|tls| tls.ca_pem), Thread::drive(runtime)?);
        Ok(Server { shared, data_centers, clients, refresh_token, soid, ca_pem, _thread: thread })
    }

    /// URL of the first data center's accounts server, such as `http://127.0.0.1:40001`.
    pub fn url(&self) -> &str {
        &self.data_centers[0].1
    }

    /// URL of a data center's accounts server, if it is served.
    pub fn url_of(&self, data_center: &str) -> Option<&str> {
        self.data_centers.iter().find(|(name, _)| name == data_center).map(|(_, url)| url.as_str())
    }

    /// The `api_domain` of token responses: the same URL, so that `{api_domain}/crm/v8/Leads` works.
    pub fn api_domain(&self) -> &str {
        self.url()
    }

    /// The data centers with their URLs; the clients' own is first.
    pub fn data_centers(&self) -> &[(String, String)] {
        &self.data_centers
    }

    /// Client ID of the client that supports every flow ([`ClientKind::Any`]).
    pub fn client_id(&self) -> &str {
        &self.client(ClientKind::Any).client_id
    }

    /// Its client secret in the first data center.
    pub fn client_secret(&self) -> &str {
        &self.client(ClientKind::Any).client_secrets[&self.data_centers[0].0]
    }

    /// The client of this type.
    pub fn client(&self, kind: ClientKind) -> &Client {
        self.clients.iter().find(|client| client.kind == kind).unwrap_or(&self.clients[0])
    }

    /// All clients.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The initial refresh token.
    pub fn refresh_token(&self) -> &str {
        &self.refresh_token
    }

    /// The `soid` for client credentials, such as `ZohoCRM.600000434`.
    pub fn soid(&self) -> &str {
        &self.soid
    }

    /// The certificate authority to trust, in PEM; `None` without TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// All requests in order of arrival, except those to `/sandbox/…`.
    pub fn log(&self) -> Vec<LogEntry> {
        self.shared.state().log.entries()
    }

    /// Empties the log.
    pub fn clear_log(&self) {
        self.shared.state().log.clear();
    }

    /// The number of logged requests to the token endpoint.
    pub fn token_requests(&self) -> usize {
        self.shared.state().log.token_requests()
    }

    /// The statistics.
    pub fn counts(&self) -> Counts {
        self.shared.state().counts(self.shared.clock.now())
    }

    /// Adds a fault after the others.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.state().faults.set(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Changes limits: `server.set_limits(|limits| limits.budget = 3)`.
    ///
    /// Errors, without a change: `user_location` is not served.
    pub fn set_limits(&self, change: impl FnOnce(&mut Limits)) -> Result<(), String> {
        let mut state = self.shared.state();
        let mut limits = state.limits.clone();
        change(&mut limits);
        state.set_limits(limits)
    }

    /// The current limits.
    pub fn limits(&self) -> Limits {
        self.shared.state().limits.clone()
    }

    /// Advances the sandbox's time.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(i64::try_from(ms(by)).unwrap_or(i64::MAX));
    }

    /// Sets back the sandbox's time.
    pub fn set_back(&self, by: Duration) {
        self.shared.clock.advance(-i64::try_from(ms(by)).unwrap_or(i64::MAX));
    }

    /// The sandbox's time, in ms since the epoch.
    pub fn now_ms(&self) -> u64 {
        self.shared.clock.now()
    }

    /// Invalidates all access tokens; returns how many were valid.
    pub fn kill_tokens(&self) -> usize {
        self.shared.state().kill(None)
    }

    /// Invalidates an access token, or a refresh token with its access tokens; returns whether it was valid.
    pub fn kill_token(&self, token: &str) -> bool {
        self.shared.state().kill(Some(token)) > 0
    }

    /// Creates a refresh token for the first client, as another login would.
    pub fn new_refresh_token(&self) -> String {
        self.shared.state().another_refresh_token(None)
    }

    /// A Self Client code of the API console.
    pub fn self_client_code(&self, scopes: &[&str], life: Duration) -> String {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        self.shared.state().self_client_code(self.shared.clock.now(), scopes, ms(life))
    }

    /// Restores the initial state: same clients, first refresh token and limits.
    pub fn reset(&self) {
        self.shared.clock.reset();
        self.shared.state().reset();
    }
}

/// The server thread, stopped on drop.
struct Thread(Option<(oneshot::Sender<()>, JoinHandle<()>)>);

impl Thread {
    fn drive(runtime: Runtime) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let body = move || drop(runtime.block_on(stopped));
        let thread = std::thread::Builder::new().name("zoho-sandbox".to_owned()).spawn(body)?;
        Ok(Thread(Some((stop, thread))))
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.0.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// Raises the limit of open files, because 1,000 callers need as many sockets and the usual limit is 1,024. Errors
/// are ignored: a server for fewer callers is still useful.
#[cfg(unix)]
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const WANTED: u64 = 8192;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let possible = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if current.is_some_and(|current| current < possible) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum });
    }
}

#[cfg(not(unix))]
fn raise_file_limit() {}

fn new_state(options: Options, data_centers: Vec<(String, String)>) -> io::Result<SandboxState> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
    let Options { limits, faults, scopes, redirect_uris, single_secret, .. } = options;
    let setup = Setup {
        seed,
        resets: 0,
        limits: limits.clone(),
        faults,
        scopes,
        redirect_uris,
        single_secret,
        data_centers,
    };
    let mut state = SandboxState::new(setup);
    state.set_limits(limits).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(state)
}
