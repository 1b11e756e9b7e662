//! Tells errors of Redis that a new connection may cure from those that need a change of settings.

use crate::error::{Error, page};
use crate::i18n::{causes, tr};
use crate::store::shared::remote::engine_error;
use redis::{ErrorKind, RedisError, ServerErrorKind};
use rustls::AlertDescription;
use std::error::Error as _;
use std::io;
use std::sync::Arc;

/// Whether a new connection may work: this one broke, or the node is no longer or not yet the master.
pub(super) fn is_passing(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::ClusterConnectionNotFound
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::Server(
                ServerErrorKind::ReadOnly
                    | ServerErrorKind::BusyLoading
                    | ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::TryAgain
            )
    )
}

/// Errors that need a change of settings are `Code::Config`, with the engine's own words. All others may be temporary.
pub(super) fn refused(place: &str, error: &RedisError) -> Error {
    engine_error(place, &words(error), remedy(error))
}

/// What to change in the settings, if that is the remedy.
fn remedy(error: &RedisError) -> Option<String> {
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            Some(tr!("correct user and password in [store] or ZOHO_CRED_STORE"))
        }
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) => {
            Some(tr!("give the user the permissions of the ACL line in {page}", page = page("fleet")))
        }
        (
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot),
            _,
        ) => Some(is_a_cluster()),
        (ErrorKind::Server(ServerErrorKind::ResponseError), _) => remedy_of_text(error.detail()?),
        (ErrorKind::Io, _) => remedy_of_alert(tls_alert(error)?),
        _ => None,
    }
}

fn is_a_cluster() -> String {
    tr!("it is a cluster: begin its URL with redis+cluster:// or rediss+cluster://")
}

/// Redis has no codes for these errors.
fn remedy_of_text(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let says = |words| text.contains(words);
    if says("cluster support disabled") {
        Some(tr!("it is no cluster: take '+cluster' out of its URL"))
    } else if says("select is not allowed in cluster") {
        Some(is_a_cluster())
    } else if says("db index is out of range") || says("invalid db index") {
        Some(tr!("correct the database at the end of its URL"))
    } else {
        None
    }
}

fn remedy_of_alert(alert: AlertDescription) -> Option<String> {
    use AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => Some(tr!("set client_cert and client_key in [store]")),
        Alert::UnknownCA
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateExpired
        | Alert::CertificateRevoked
        | Alert::CertificateUnknown => {
            Some(tr!("replace client_cert and client_key of [store] by ones that the engine trusts"))
        }
        _ => None,
    }
}

/// The alert with which the engine ended a TLS connection.
fn tls_alert(error: &RedisError) -> Option<AlertDescription> {
    let cause = error.source()?.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>()?;
    match cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

fn words(error: &RedisError) -> String {
    match (error.kind(), error.code(), error.detail()) {
        (ErrorKind::Io, ..) => causes::cause(error),
        (_, Some(code), Some(detail)) => format!("{code} {detail}"),
        (_, Some(code), None) => code.to_owned(),
        (_, None, _) => error.category().to_owned(),
    }
}
