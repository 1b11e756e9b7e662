//! A temporary certificate authority with a valid and three faulty certificates.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// The server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Certificate {
    /// Valid for `localhost`, `127.0.0.1` and `::1`, and for Zoho's US and EU accounts servers, whose names a test
    /// can redirect here.
    Valid,
    /// For another host.
    WrongHost,
    /// Expired in 2020.
    Expired,
    /// Signed by an unpublished authority.
    Unknown,
}

pub(super) struct Tls {
    /// The authority to trust, in PEM.
    pub ca_pem: String,
    pub acceptor: TlsAcceptor,
}

impl Tls {
    pub(super) fn new(certificate: Certificate) -> io::Result<Tls> {
        let published = authority()?;
        let unpublished = authority()?;
        let issuer = if certificate == Certificate::Unknown { &unpublished } else { &published };
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
        Ok(Tls { ca_pem: published.pem(), acceptor: Arc::new(config).into() })
    }
}

fn authority() -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "zoho-sandbox throw-away CA");
    let key = KeyPair::generate().map_err(io::Error::other)?;
    CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)
}
