//! Connections to Redis as one node, as a cluster, or through Sentinel.

use crate::error::Error;
use crate::i18n::tr;
use crate::store::redis::errors::refused;
use crate::store::shared::SharedSettings;
use crate::store::shared::address::{Address, invalid};
use crate::system::files;
use redis::cluster::{ClusterClientBuilder, ClusterConfig, ClusterConnection};
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ClientTlsConfig, Cmd, Connection, ConnectionInfo, ErrorKind, FromRedisValue, IntoConnectionInfo,
    RedisError, TlsCertificates, TlsMode,
};
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// For connecting, including TLS handshake and login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the cluster client follows MOVED, ASK and a lost node before the caller decides.
const CLUSTER_RETRIES: u32 = 3;

/// One connection, or those of a cluster.
pub(super) enum Link {
    Single(Connection),
    Cluster(Box<ClusterConnection>),
}

impl Link {
    /// Connects within `within`. URL, password and certificates are read now.
    pub(super) fn open(shared: &SharedSettings, within: Duration) -> Result<Self, Error> {
        // The redis crate uses the process's default provider. Fails if one is installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = shared.url()?;
        let address = Address::parse(url.expose())?;
        let place = address.place();
        let target = Target::of(&address, url.expose(), shared)?;
        let limit = CONNECT_TIMEOUT.min(within);
        connect_within(move || target.connect(limit), limit).map_err(|error| refused(&place, &error))
    }

    pub(super) fn set_timeout(&self, timeout: Duration) -> Result<(), RedisError> {
        match self {
            Link::Single(link) => {
                link.set_read_timeout(Some(timeout)).and_then(|()| link.set_write_timeout(Some(timeout)))
            }
            Link::Cluster(link) => {
                link.set_read_timeout(Some(timeout)).and_then(|()| link.set_write_timeout(Some(timeout)))
            }
        }
    }

    pub(super) fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, RedisError> {
        match self {
            Link::Single(link) => command.query(link),
            Link::Cluster(link) => command.query(&mut **link),
        }
    }

    /// Sends a command without a key to the node that has `key`.
    pub(super) fn ask_node_of<T: FromRedisValue>(
        &mut self,
        key: &str,
        command: &Cmd,
    ) -> Result<T, RedisError> {
        match self {
            Link::Single(link) => command.query(link),
            Link::Cluster(link) => {
                let node = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
                let answer = link.route_command(command, RoutingInfo::SingleNode(node))?;
                Ok(T::from_redis_value(answer)?)
            }
        }
    }
}

/// Connects in a thread, because the redis crate applies its timeout to each address, and none to the DNS lookup. A thread
/// that is still in a lookup ends with the process.
fn connect_within(
    connect: impl FnOnce() -> Result<Link, RedisError> + Send + 'static,
    limit: Duration,
) -> Result<Link, RedisError> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().name("redis".into()).spawn(move || {
        // Fails after the limit. The connection is then closed.
        let _ = sender.send(connect());
    })?;
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, tr!("it took too long")).into());
    receiver.recv_timeout(limit).unwrap_or_else(late)
}

/// What to connect to.
enum Target {
    Single(Box<ConnectionInfo>, Option<TlsCertificates>),
    Cluster(Vec<ConnectionInfo>, Option<TlsCertificates>),
    Sentinel { nodes: Vec<ConnectionInfo>, master: String, certificates: Option<TlsCertificates> },
}

impl Target {
    fn of(address: &Address<'_>, url: &str, shared: &SharedSettings) -> Result<Self, Error> {
        let (engine, topology) = address.scheme.split_once('+').unwrap_or((address.scheme, ""));
        let tls = matches!(engine, "rediss" | "valkeys");
        let certificates = if tls { certificates(shared)? } else { None };
        let nodes = |database: &str| -> Result<Vec<ConnectionInfo>, Error> {
            let nodes = address.hosts.split(',').map(|host| {
                let at = if address.userinfo.is_empty() { "" } else { "@" };
                info(&format!("{engine}://{}{at}{host}{database}", address.userinfo), shared)
            });
            nodes.collect()
        };
        match (engine, topology) {
            ("redis" | "valkey" | "unix", "" | "unix") | ("rediss" | "valkeys", "") => {
                Ok(Target::Single(Box::new(info(url, shared)?), certificates))
            }
            ("redis" | "rediss", "cluster") if address.path.trim_matches('/').is_empty() => {
                Ok(Target::Cluster(nodes("")?, certificates))
            }
            ("redis" | "rediss", "sentinel") => {
                let mut path = address.path.trim_matches('/').split('/');
                let master = path.next().filter(|master| !master.is_empty()).ok_or_else(invalid)?;
                let database = path.next().map(|database| format!("/{database}")).unwrap_or_default();
                Ok(Target::Sentinel { nodes: nodes(&database)?, master: master.to_owned(), certificates })
            }
            _ => Err(invalid()),
        }
    }

    fn connect(self, limit: Duration) -> Result<Link, RedisError> {
        match self {
            Target::Single(info, certificates) => single(*info, certificates, limit).map(Link::Single),
            Target::Cluster(nodes, certificates) => {
                let first = nodes.first().cloned();
                let mut builder = ClusterClientBuilder::new(nodes).retries(CLUSTER_RETRIES);
                if let Some(certificates) = certificates.clone() {
                    builder = builder.certs(certificates);
                }
                let config = ClusterConfig::new().set_connection_timeout(limit).set_response_timeout(limit);
                match builder.build()?.get_connection_with_config(config) {
                    Ok(link) => Ok(Link::Cluster(Box::new(link))),
                    Err(error) => Err(first
                        .and_then(|node| why_no_cluster(node, certificates, limit).err())
                        .unwrap_or(error)),
                }
            }
            Target::Sentinel { nodes, master, certificates } => {
                let mut client = sentinel(nodes, master, certificates)?;
                client.get_client()?.get_connection_with_timeout(limit).map(Link::Single)
            }
        }
    }
}

fn single(
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    limit: Duration,
) -> Result<Connection, RedisError> {
    let client = match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates)?,
        None => Client::open(info)?,
    };
    client.get_connection_with_timeout(limit)
}

/// The error of one node, because the cluster client turns those of its nodes into text.
fn why_no_cluster(
    node: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    limit: Duration,
) -> Result<(), RedisError> {
    let mut node = single(node, certificates, limit)?;
    node.set_read_timeout(Some(limit))?;
    redis::cmd("CLUSTER").arg("SLOTS").query::<redis::Value>(&mut node).map(drop)
}

/// User, password and database are those of the master. The sentinels are asked without a login.
fn sentinel(
    nodes: Vec<ConnectionInfo>,
    master: String,
    certificates: Option<TlsCertificates>,
) -> Result<redis::sentinel::SentinelClient, RedisError> {
    let first = nodes.first().ok_or((ErrorKind::InvalidClientConfig, "no sentinel"))?;
    let login = first.redis_settings().clone();
    let addresses: Vec<_> = nodes.iter().map(|node| node.addr().clone()).collect();
    let tls = matches!(addresses.first(), Some(redis::ConnectionAddr::TcpTls { .. }));
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
        .set_client_to_redis_db(login.db());
    if let Some(user) = login.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = login.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if tls {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build()
}

fn info(url: &str, shared: &SharedSettings) -> Result<ConnectionInfo, Error> {
    let info = url.into_connection_info().map_err(|_| invalid())?;
    // Skips `CLIENT SETINFO`: a late reply to it would be read as that to the next command.
    let mut redis = info.redis_settings().clone().set_skip_set_lib_name();
    if let Some(password) = shared.password()? {
        redis = redis.set_password(password.expose());
    }
    Ok(info.set_redis_settings(redis))
}

fn certificates(shared: &SharedSettings) -> Result<Option<TlsCertificates>, Error> {
    let root_cert = shared.roots.ca_file.as_deref().map(files::read_certificates).transpose()?;
    let client_tls = match &shared.client_cert {
        None => None,
        Some((cert, key)) => Some(ClientTlsConfig {
            client_cert: files::read_certificates(cert)?,
            client_key: files::read_secret(key)?.expose().as_bytes().to_vec(),
        }),
    };
    let any = root_cert.is_some() || client_tls.is_some();
    Ok(any.then_some(TlsCertificates { client_tls, root_cert }))
}
