//! The server: one world behind a lock, one port for each data center, a runtime of its own.

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

/// How a server starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; a loopback address, by default `127.0.0.1` with a port that is free.
    pub listen: SocketAddr,
    /// With a certificate the server speaks TLS; without one, plain HTTP.
    pub tls: Option<Certificate>,
    /// The data center the clients are registered in (`us`).
    pub data_center: String,
    /// More data centers, each on a free port of its own.
    pub other_data_centers: Vec<String>,
    /// Whether one client secret is good for all data centers; by default each has its own.
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
    _thread: Thread,
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
        make_room();
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
        let world = new_world(options, data_centers.clone())?;
        let (clients, soid) = (world.clients.clone(), world.soid.clone());
        let refresh_token = world.first_refresh_token.clone();
        let (world, clock) = (Mutex::new(world), Clock::default());
        let shared = Arc::new(Shared { world, clock });
        for (data_center, listener) in listeners {
            let port = Port { shared: Arc::clone(&shared), data_center: data_center.into() };
            serve(&runtime, listener, port, tls.as_ref().map(|tls| tls.acceptor.clone()));
        }
        let (ca_pem, thread) = (tls.map(|tls| tls.ca_pem), Thread::drive(runtime)?);
        Ok(Server { shared, data_centers, clients, refresh_token, soid, ca_pem, _thread: thread })
    }

    /// The accounts server of the first data center, such as `http://127.0.0.1:40001`, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.data_centers[0].1
    }

    /// The accounts server of a data center, if it is served.
    pub fn url_of(&self, data_center: &str) -> Option<&str> {
        self.data_centers.iter().find(|(name, _)| name == data_center).map(|(_, url)| url.as_str())
    }

    /// The `api_domain` that comes with tokens: the same URL, so that `{api_domain}/crm/v8/Leads` works.
    pub fn api_domain(&self) -> &str {
        self.url()
    }

    /// The data centers that are served, with their URLs; the first is the clients' own.
    pub fn data_centers(&self) -> &[(String, String)] {
        &self.data_centers
    }

    /// Client id of the client that may use every flow ([`ClientKind::Any`]).
    pub fn client_id(&self) -> &str {
        &self.client(ClientKind::Any).client_id
    }

    /// Its client secret in the first data center.
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
    /// Errors, and changes nothing, if `user_location` is a data center that is not served.
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

/// The thread that serves. It ends when this is dropped.
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

/// Lets the process have a few thousand files open, as far as it may: 1,000 callers are as many sockets, and the
/// usual limit is 1,024. If it may not, a server for fewer callers is still a server.
#[cfg(unix)]
fn make_room() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const WANTED: u64 = 8192;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let possible = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if current.is_some_and(|current| current < possible) {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum });
    }
}

#[cfg(not(unix))]
fn make_room() {}

fn new_world(options: Options, data_centers: Vec<(String, String)>) -> io::Result<SandboxState> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
    let Options { limits, scopes, redirect_uris, single_secret, .. } = options;
    let setup =
        Setup { seed, resets: 0, limits: limits.clone(), scopes, redirect_uris, single_secret, data_centers };
    let mut world = SandboxState::new(setup);
    world.set_limits(limits).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok(world)
}
