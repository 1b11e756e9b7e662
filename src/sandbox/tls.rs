//! A throw-away certificate authority, and the certificates that a test may want: a good one and three bad ones.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// What the server shows as its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Certificate {
    /// Good for `localhost`, `127.0.0.1` and `::1`, and for the accounts servers of Zoho's US and EU data centers, so
    /// that a test may lead those names here.
    Valid,
    /// Good for another host.
    WrongHost,
    /// Good until 2020.
    Expired,
    /// Signed by an authority that nobody is told of.
    Unknown,
}

pub(super) struct Tls {
    /// The authority to trust, in PEM.
    pub ca_pem: String,
    pub acceptor: TlsAcceptor,
}

impl Tls {
    pub(super) fn new(certificate: Certificate) -> io::Result<Tls> {
        let told = authority()?;
        let hidden = authority()?;
        let issuer = if certificate == Certificate::Unknown { &hidden } else { &told };
        let hosts = match certificate {
            Certificate::WrongHost => vec!["elsewhere.invalid".to_owned()],
            _ => ["localhost", "127.0.0.1", "::1", "accounts.zoho.com", "accounts.zoho.eu"]
                .map(str::to_owned)
                .to_vec(),
        };
        let mut params = CertificateParams::new(hosts).map_err(io::Error::other)?;
        if certificate == Certificate::Expired {
            params.not_after = date_time_ymd(2020, 1, 1);
        }
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let signed = params.signed_by(&key, issuer).map_err(io::Error::other)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(
                vec![signed.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { ca_pem: told.pem(), acceptor: Arc::new(config).into() })
    }
}

fn authority() -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "zoho-sandbox throw-away CA");
    let key = KeyPair::generate().map_err(io::Error::other)?;
    CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)
}
