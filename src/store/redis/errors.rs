//! Which errors of Redis time may cure, and which only a person.

use crate::error::{Code, Error, page};
use crate::i18n::{causes, tr};
use crate::sanitize::sanitize;
use redis::{ErrorKind, RedisError, ServerErrorKind};

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
    let words = words(error);
    if let Some(hint) = remedy(error, &words) {
        return Error::new(
            Code::Config,
            tr!("the shared store at {place} refuses: {words}", place, words),
            hint,
        );
    }
    Error::unavailable(&tr!("the shared store at {place} did not serve: {what}", place, what = words))
}

/// What to change, if only a person can.
fn remedy(error: &RedisError, words: &str) -> Option<String> {
    let says = |text: &str| words.to_ascii_lowercase().contains(text);
    match (error.kind(), error.code()) {
        (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
            Some(tr!("correct user and password in [store] or ZOHO_CRED_STORE"))
        }
        (ErrorKind::Server(ServerErrorKind::NoPerm), _) | (_, Some("NOPERM")) => {
            Some(tr!("give the user the permissions of the ACL line in {page}", page = page("fleet")))
        }
        (
            ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask | ServerErrorKind::CrossSlot),
            _,
        ) => Some(tr!("it is a cluster: begin its URL with redis+cluster:// or rediss+cluster://")),
        // The cluster client wraps what its nodes say.
        _ if says("noperm: ") => {
            Some(tr!("give the user the permissions of the ACL line in {page}", page = page("fleet")))
        }
        _ if says("authenticationfailed)") => {
            Some(tr!("correct user and password in [store] or ZOHO_CRED_STORE"))
        }
        _ if says("cluster support disabled") => {
            Some(tr!("it is no cluster: take '+cluster' out of its URL"))
        }
        _ if says("select is not allowed in cluster") => {
            Some(tr!("it is a cluster: begin its URL with redis+cluster:// or rediss+cluster://"))
        }
        _ if says("db index is out of range") || says("invalid db index") => {
            Some(tr!("correct the database at the end of its URL"))
        }
        _ if says("without any password configured") => Some(tr!("take the password out of its URL")),
        _ if says("certificaterequired") || says("certificate required") => {
            Some(tr!("set client_cert and client_key in [store]"))
        }
        _ if CERTIFICATE_ALERTS.iter().any(|alert| says(alert)) => {
            Some(tr!("replace client_cert and client_key of [store] by ones that the engine trusts"))
        }
        _ => None,
    }
}

/// The alerts of an engine that does not accept our certificate, as rustls words them.
const CERTIFICATE_ALERTS: [&str; 6] = [
    "fatal alert: unknownca",
    "fatal alert: badcertificate",
    "fatal alert: unsupportedcertificate",
    "fatal alert: certificateexpired",
    "fatal alert: certificaterevoked",
    "fatal alert: certificateunknown",
];

/// What the engine said, fit to be shown.
fn words(error: &RedisError) -> String {
    let text = match error.kind() {
        ErrorKind::Io => causes::cause(error),
        _ => match (error.code(), error.detail()) {
            (Some(code), Some(detail)) => format!("{code} {detail}"),
            (Some(code), None) => code.to_owned(),
            (None, _) => error.category().to_owned(),
        },
    };
    sanitize(text.get(..LONGEST).unwrap_or(&text)).into_owned()
}

/// The most that is shown of an engine's words, in bytes.
const LONGEST: usize = 200;
