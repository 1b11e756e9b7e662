//! HTTP client: reqwest with rustls, ring and the system's root certificates.
//!
//! ring is 2 MB smaller than aws-lc-rs and builds from source without CMake.

use crate::error::{Code, Error};
use crate::i18n::causes::{cause, chain};
use crate::i18n::tr;
use crate::model::is_loopback;
use crate::problem::Problem;
use crate::secret::Secret;
use crate::system::api_http::{ApiAnswer, ApiBody, ApiHttp, ApiRequest};
use crate::system::http::{
    BODY_LIMIT, Http, HttpAnswer, HttpFailure, HttpRequest, MAX_CONNECT_TIMEOUT, Method,
};
use crate::system::lookup::Lookup;
use crate::system::verifier::Verifier;
use crate::system::{Env, files};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::blocking::{Client, ClientBuilder, Response};
use reqwest::header;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::io::Read;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Error codes for a lack of file descriptors: `ENFILE`, `EMFILE` and `WSAEMFILE`.
const NO_DESCRIPTORS: [i32; 3] = [23, 24, 10024];
/// For connecting to object storage.
#[cfg(feature = "object-storage")]
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The most descriptors that a name lookup needs at once.
const LOOKUP_DESCRIPTORS: usize = 8;
/// How often a connection to an API that is silent is checked.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// Its body is ignored: the status says everything (RFC 6585, section 4).
const TOO_MANY_REQUESTS: u16 = 429;

/// Trusted certificate authorities.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    /// `--ca-file`: only these.
    pub ca_file: Option<PathBuf>,
    /// `SSL_CERT_FILE`: only these and those in `cert_dir`.
    pub(crate) cert_file: Option<PathBuf>,
    /// `SSL_CERT_DIR`, a list of directories.
    pub(crate) cert_dir: Option<PathBuf>,
}

impl Roots {
    /// Whether the user named certificate authorities. The bundled ones are then not used.
    fn are_named(&self) -> bool {
        self.ca_file.is_some() || self.cert_file.is_some() || self.cert_dir.is_some()
    }
}

/// The client. It has one reqwest client per kind of origin: loopback skips proxies and may use plain http.
pub struct Https {
    roots: Roots,
}

impl Https {
    /// `roots` are read before the first https request.
    pub fn new(roots: &Roots) -> Self {
        Https { roots: roots.clone() }
    }

    fn client(&self, url: &url::Url, connect_timeout: Duration) -> Result<Client, String> {
        self.builder(url, connect_timeout)?.build().map_err(|error| cause(&error))
    }

    fn builder(&self, url: &url::Url, connect_timeout: Duration) -> Result<ClientBuilder, String> {
        let builder = self.async_builder(connect_timeout, url.scheme() == "https")?;
        let builder = if is_loopback(url) { builder.no_proxy() } else { builder.https_only(true) };
        Ok(ClientBuilder::from(builder))
    }

    fn async_builder(
        &self,
        connect_timeout: Duration,
        needs_tls: bool,
    ) -> Result<reqwest::ClientBuilder, String> {
        Ok(reqwest::Client::builder()
            .user_agent(concat!("zoho-cred/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(connect_timeout)
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Lookup))
            .tls_backend_preconfigured(self.tls(needs_tls)?))
    }

    fn tls(&self, needed: bool) -> Result<rustls::ClientConfig, String> {
        let mut store = rustls::RootCertStore::empty();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| cause(&error))?;
        if !needed {
            return Ok(builder.with_root_certificates(store).with_no_client_auth());
        }
        let trusted = self.certificates().map_err(|error| error.message().to_owned())?;
        store.add_parsable_certificates(trusted.iter().cloned());
        if store.is_empty() {
            return Err(nobody_to_trust());
        }
        let builder = if self.roots.are_named() {
            let verifier = Verifier::new(store, trusted, provider).map_err(|error| cause(&error))?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        } else {
            builder.with_root_certificates(store)
        };
        Ok(builder.with_no_client_auth())
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, Error> {
        let Roots { ca_file, cert_file, cert_dir } = &self.roots;
        if let Some(path) = ca_file {
            return in_file(path);
        }
        if !self.roots.are_named() {
            let found = rustls_native_certs::load_native_certs().certs;
            if found.is_empty() {
                log::info!("the system has no certificate authorities; the bundled ones of Mozilla are used");
                return Ok(webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec());
            }
            return Ok(found);
        }
        let mut found = cert_file.as_deref().map(in_file).transpose()?.unwrap_or_default();
        for folder in cert_dir.iter().flat_map(std::env::split_paths) {
            found.extend(rustls_native_certs::load_certs_from_paths(None, Some(&folder)).certs);
        }
        Ok(found)
    }
}

/// Reads certificates. `Code::Config` if the file is unreadable or a certificate is invalid.
fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = files::read_certificates(path)?;
    let found: Result<_, _> = CertificateDer::pem_slice_iter(&pem).collect();
    found.map_err(|error| files::bad_certificates(path, &cause(&error)))
}

fn nobody_to_trust() -> String {
    tr!("there is no certificate authority to trust: check SSL_CERT_FILE or --ca-file")
}

/// Clients for object storage and for the services that hand out its credentials.
#[cfg(feature = "object-storage")]
#[derive(Clone, Debug)]
pub(crate) struct AsyncClients {
    direct: reqwest::Client,
    proxied: reqwest::Client,
}

#[cfg(feature = "object-storage")]
impl AsyncClients {
    pub(crate) fn new(roots: &Roots) -> Result<Self, String> {
        let https = Https::new(roots);
        let build = |builder: reqwest::ClientBuilder| builder.build().map_err(|error| cause(&error));
        Ok(AsyncClients {
            direct: build(https.async_builder(CONNECT_TIMEOUT, true)?.no_proxy())?,
            proxied: build(https.async_builder(CONNECT_TIMEOUT, true)?)?,
        })
    }

    /// This machine and the cloud's metadata services are never reached through a proxy.
    pub(crate) fn of(&self, url: &url::Url) -> &reqwest::Client {
        let is_metadata = matches!(url.host_str(), Some("metadata.google.internal"))
            || matches!(url.host(), Some(url::Host::Ipv4(ip)) if ip.is_link_local());
        if is_loopback(url) || is_metadata { &self.direct } else { &self.proxied }
    }
}

/// Whether a URL is one of this machine.
#[cfg(feature = "object-storage")]
pub(crate) fn is_loopback_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| is_loopback(&url))
}

impl Http for Https {
    fn ready(&self, url: &str) -> Result<(), Error> {
        let is_loopback = url::Url::parse(url).is_ok_and(|url| is_loopback(&url));
        if let Some(name) = unusable_proxy().filter(|_| !is_loopback) {
            let problem = tr!("{name} is not the address of a proxy", name);
            let hint = tr!("set it to an address such as http://proxy.example:3128, or unset it");
            return Err(Error::new(Code::Config, problem, hint));
        }
        if self.roots.are_named() && self.certificates()?.is_empty() {
            let hint = tr!("name a file with certificates in PEM format");
            return Err(Error::new(Code::Config, nobody_to_trust(), hint));
        }
        Ok(())
    }

    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure> {
        let url: url::Url =
            request.url.parse().map_err(|_| HttpFailure::local(tr!("the address is not a URL")))?;
        let client = self.client(&url, request.connect_timeout()).map_err(HttpFailure::local)?;
        let proxied = uses_proxy(&url);
        let mut builder = match request.method {
            Method::Get => client.get(url),
            Method::Post => client.post(url).form(&form(request)),
        };
        if let Some(value) = &request.authorization {
            builder = builder.header(header::AUTHORIZATION, authorization(value)?);
        }
        let answer = builder.timeout(request.timeout).send().map_err(|error| failure(error, proxied))?;
        read(answer)
    }
}

impl ApiHttp for Https {
    fn open(&self, request: &ApiRequest<'_>) -> Result<ApiAnswer, HttpFailure> {
        let builder = self.builder(request.url, MAX_CONNECT_TIMEOUT).map_err(HttpFailure::local)?;
        let client = builder
            .timeout(None)
            .tcp_keepalive(KEEPALIVE)
            .build()
            .map_err(|error| HttpFailure::local(cause(&error)))?;
        let method = reqwest::Method::from_bytes(request.method.as_bytes())
            .map_err(|error| HttpFailure::local(cause(&error)))?;
        let mut builder = client
            .request(method, request.url.clone())
            .header(header::AUTHORIZATION, authorization(&request.authorization)?);
        for (name, value) in request.headers {
            builder = builder.header(name, value);
        }
        builder = match request.body {
            // Some servers answer 411 without it.
            ApiBody::Empty if ["POST", "PUT", "PATCH"].contains(&request.method) => {
                builder.header(header::CONTENT_LENGTH, 0)
            }
            ApiBody::Empty => builder,
            ApiBody::Bytes(bytes) => builder.body(bytes.clone()),
            ApiBody::File(file) => {
                builder.body(ApiBody::rewound(file).map_err(|error| HttpFailure::local(cause(&error)))?)
            }
        };
        let answer = builder.send().map_err(|error| failure(error, uses_proxy(request.url)))?;
        let status = answer.status();
        let reason = status.canonical_reason().unwrap_or_default();
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        Ok(ApiAnswer {
            status: status.as_u16(),
            status_line: format!("{:?} {} {reason}", answer.version(), status.as_u16()),
            headers: answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: Box::new(answer),
        })
    }
}

fn authorization(value: &Secret) -> Result<header::HeaderValue, HttpFailure> {
    let mut value = header::HeaderValue::from_str(value.expose()).map_err(|_| {
        HttpFailure::local(tr!("the authorization header has a byte that no header may have"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn form<'a>(request: &'a HttpRequest<'a>) -> Vec<(&'static str, &'a str)> {
    request.form.iter().map(|(name, value)| (*name, value.expose())).collect()
}

/// The variable of a proxy that reqwest would silently go without.
fn unusable_proxy() -> Option<&'static str> {
    let env = Env::real();
    let is_unusable = |value: &str| {
        let scheme = if value.contains("://") { "" } else { "http://" };
        let known =
            |url: &url::Url| ["http", "https"].contains(&url.scheme()) || url.scheme().starts_with("socks");
        !url::Url::parse(&format!("{scheme}{value}")).is_ok_and(|url| url.has_host() && known(&url))
    };
    let mut names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter();
    names.find(|name| env.get(name).is_some_and(is_unusable))
}

/// Whether reqwest would use a proxy for `url`.
fn uses_proxy(url: &url::Url) -> bool {
    let uri = url.as_str().parse();
    !is_loopback(url) && uri.is_ok_and(|uri| Matcher::from_system().intercept(&uri).is_some())
}

fn read(answer: Response) -> Result<HttpAnswer, HttpFailure> {
    let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (status, retry_after, date) =
        (answer.status().as_u16(), text(header::RETRY_AFTER), text(header::DATE));
    let mut body = Vec::new();
    let limit = BODY_LIMIT as u64 + 1;
    let read = answer.take(limit).read_to_end(&mut body);
    let broken = |timed_out, problem| Err(HttpFailure { sent: true, timed_out, own: false, problem });
    match read {
        // The status is enough, so a failed body does not matter.
        _ if status == TOO_MANY_REQUESTS => body.truncate(BODY_LIMIT),
        Err(error) if is_timeout(&error) => return broken(true, Problem::ResponseTimeout),
        Err(_) => return broken(false, Problem::ResponseTruncated),
        Ok(_) if body.len() > BODY_LIMIT => return broken(false, Problem::ResponseTooLarge),
        Ok(_) => {}
    }
    Ok(HttpAnswer { status, retry_after, date, body })
}

/// Whether reading the body timed out. reqwest wraps this in an error of another kind.
fn is_timeout(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    error.kind() == std::io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout)
}

fn failure(error: reqwest::Error, proxied: bool) -> HttpFailure {
    let sent = !error.is_connect() && !error.is_builder();
    let timed_out = error.is_timeout();
    let error = error.without_url();
    let problem = match (timed_out, sent) {
        (true, true) => Problem::ResponseTimeout,
        (true, false) if proxied => Problem::ProxyFailed(tr!("it took too long")),
        (true, false) => Problem::ConnectTimeout,
        (false, true) => Problem::ConnectionBroken(cause(&error)),
        (false, false) => match Problem::connecting(&error) {
            problem if problem.is_certificate() || !proxied => problem,
            _ => Problem::ProxyFailed(cause(&error)),
        },
    };
    let own = !sent && (proxied || is_own(&error, &problem));
    HttpFailure { sent, timed_out, own, problem }
}

/// Whether the connection failed for a local reason: certificate authorities, clock or file descriptors. A lookup
/// error does not state its cause, so free descriptors are tested.
fn is_own(error: &reqwest::Error, problem: &Problem) -> bool {
    let no_descriptors =
        |error: &std::io::Error| error.raw_os_error().is_some_and(|number| NO_DESCRIPTORS.contains(&number));
    let io = |error: &(dyn std::error::Error + 'static)| {
        error.downcast_ref::<std::io::Error>().is_some_and(no_descriptors)
    };
    match problem {
        problem if problem.is_certificate() => true,
        Problem::NameNotResolved => {
            let opened: Result<Vec<_>, _> =
                (0..LOOKUP_DESCRIPTORS).map(|_| UdpSocket::bind(("127.0.0.1", 0))).collect();
            opened.is_err_and(|error| no_descriptors(&error))
        }
        _ => chain(error).any(io),
    }
}
