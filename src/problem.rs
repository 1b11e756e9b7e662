//! Why a request brought no usable response.
//!
//! The ledger and the shared store contain only a code from a closed set. So neither an older file nor a shared store
//! can put text into a terminal. Messages are created when they are shown.

use crate::error::{Code, Error, try_again};
use crate::i18n::{causes, tr};
use std::mem::discriminant;
use std::time::Duration;

/// The longest response that is read, in bytes. Zoho's are below 1 KiB.
pub(crate) const BODY_LIMIT: usize = 64 * 1024;
/// In bytes.
const LONGEST_CODE: usize = 64;
/// The code of a problem without a specific one. Version 0.1 stored only this code.
const UNSPECIFIED: &str = "unavailable";
/// The codes of the problems that have one of their own. Text of the variant is not stored.
static CODES: [(&str, Problem); 15] = [
    ("name_not_resolved", Problem::NameNotResolved),
    ("connection_refused", Problem::ConnectionRefused),
    ("network_unreachable", Problem::NetworkUnreachable),
    ("connect_timeout", Problem::ConnectTimeout),
    ("connect_failed", Problem::NotConnected(String::new())),
    ("proxy_failed", Problem::ProxyFailed(String::new())),
    ("certificate_untrusted", Problem::UntrustedCertificate),
    ("certificate_expired", Problem::ExpiredCertificate),
    ("certificate_wrong_host", Problem::WrongHostCertificate),
    ("response_timeout", Problem::ResponseTimeout),
    ("connection_broken", Problem::ConnectionBroken(String::new())),
    ("response_truncated", Problem::ResponseTruncated),
    ("response_too_large", Problem::ResponseTooLarge),
    ("token_expired", Problem::TokenExpired),
    ("no_time", Problem::NoTime),
];

/// Why there was no usable response. Text in a variant is shown to this caller only and never stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The DNS lookup failed.
    NameNotResolved,
    /// The connection was refused.
    ConnectionRefused,
    /// There is no route to the host.
    NetworkUnreachable,
    /// DNS, TCP and TLS together took too long.
    ConnectTimeout,
    /// The connection failed for another reason.
    NotConnected(String),
    /// The proxy did not connect.
    ProxyFailed(String),
    /// The issuer of the server's certificate is not trusted.
    UntrustedCertificate,
    /// The server's certificate is not valid at this time.
    ExpiredCertificate,
    /// The server's certificate is for another host.
    WrongHostCertificate,
    /// The server did not respond in time.
    ResponseTimeout,
    /// The connection broke before a response arrived.
    ConnectionBroken(String),
    /// The response was truncated.
    ResponseTruncated,
    /// The response was longer than `BODY_LIMIT`.
    ResponseTooLarge,
    /// A response with this status and no usable token.
    Status(u16),
    /// An unknown error code.
    Error(String),
    /// A token that had almost expired when it arrived.
    TokenExpired,
    /// There was no time left to send a request.
    NoTime,
    /// A local failure before anything was sent.
    Local(String),
    /// No details are known.
    Unspecified,
}

impl Problem {
    /// The code to store, a plain word.
    pub fn code(&self) -> String {
        match self {
            Problem::Status(status) => format!("http_{status}"),
            Problem::Error(word) if is_plain_word(word) => word.clone(),
            _ => {
                let own = CODES.iter().find(|(_, problem)| discriminant(problem) == discriminant(self));
                own.map_or(UNSPECIFIED, |(code, _)| code).to_owned()
            }
        }
    }

    /// Parses a stored code. Text of the variant is lost.
    pub(crate) fn of_code(code: &str) -> Self {
        if let Some((_, problem)) = CODES.iter().find(|(known, _)| *known == code) {
            return problem.clone();
        }
        match code.strip_prefix("http_").map(str::parse) {
            Some(Ok(status)) => Problem::Status(status),
            _ if code != UNSPECIFIED && is_plain_word(code) => Problem::Error(code.to_owned()),
            _ => Problem::Unspecified,
        }
    }

    /// The error of a request to `host`.
    pub(crate) fn error(&self, host: &str, retry_after: Option<Duration>) -> Error {
        let hint = self.advice().unwrap_or_else(|| try_again(retry_after));
        let error = Error::new(Code::Unavailable, self.message(host), hint);
        match retry_after {
            Some(time) => error.with_retry_after(time),
            None => error,
        }
    }

    /// The message in the language of the call.
    pub fn message(&self, host: &str) -> String {
        match self {
            Problem::NameNotResolved => not_connected(host, &tr!("the host's name cannot be resolved (DNS)")),
            Problem::ConnectionRefused => not_connected(host, &tr!("the connection was refused")),
            Problem::NetworkUnreachable => not_connected(host, &tr!("the network is unreachable")),
            Problem::ConnectTimeout => tr!("could not connect to {host} in time", host),
            Problem::NotConnected(why) if why.is_empty() => tr!("could not connect to {host}", host),
            Problem::NotConnected(why) => not_connected(host, why),
            Problem::ProxyFailed(why) if why.is_empty() => tr!("the proxy did not connect to {host}", host),
            Problem::ProxyFailed(why) => tr!("the proxy did not connect to {host}: {why}", host, why),
            Problem::UntrustedCertificate => {
                not_connected(host, &tr!("its certificate comes from an authority that is not trusted"))
            }
            Problem::ExpiredCertificate => not_connected(
                host,
                &tr!("its certificate has expired or is not valid yet, unless the clock is wrong"),
            ),
            Problem::WrongHostCertificate => not_connected(host, &tr!("its certificate is for another host")),
            Problem::ResponseTimeout => tr!("{host} did not answer in time", host),
            Problem::ConnectionBroken(why) if why.is_empty() => tr!("{host} closed the connection", host),
            Problem::ConnectionBroken(why) => tr!("{host} closed the connection: {why}", host, why),
            Problem::ResponseTruncated => tr!("{host} cut its answer short", host),
            Problem::ResponseTooLarge => {
                let limit = BODY_LIMIT / 1024;
                tr!("{host} answered with more than {limit} KiB", host, limit)
            }
            Problem::Status(status @ 200..300) => {
                tr!("the accounts server answered {status} without a usable token", status)
            }
            Problem::Status(status @ 300..400) => {
                tr!("the accounts server answered {status}, a redirect, which is not followed", status)
            }
            Problem::Status(status) => tr!("the accounts server answered {status}", status),
            Problem::Error(word) => tr!("the accounts server answered with '{word}'", word),
            Problem::TokenExpired => tr!("the accounts server sent a token that has as good as expired"),
            Problem::NoTime => tr!("there was no time left for a request within --timeout"),
            Problem::Local(why) => why.clone(),
            Problem::Unspecified => tr!("the accounts server gave no usable answer"),
        }
    }

    /// Whether the server's certificate was refused.
    pub(crate) fn is_certificate(&self) -> bool {
        matches!(
            self,
            Problem::UntrustedCertificate | Problem::ExpiredCertificate | Problem::WrongHostCertificate
        )
    }

    /// The hint, if there is a specific one.
    pub(crate) fn advice(&self) -> Option<String> {
        Some(match self {
            Problem::ProxyFailed(_) => {
                tr!("check HTTPS_PROXY, ALL_PROXY and NO_PROXY, and that the proxy is running")
            }
            Problem::UntrustedCertificate => {
                tr!("name the certificate authority with --ca-file FILE or SSL_CERT_FILE")
            }
            Problem::NoTime => tr!("try again, or give a longer --timeout"),
            Problem::ExpiredCertificate => tr!("set the clock, preferably by NTP: timedatectl set-ntp true"),
            Problem::WrongHostCertificate => {
                tr!("check the server's address, and that no proxy answers in its place")
            }
            _ => return None,
        })
    }

    /// Classifies an error of connecting.
    pub(crate) fn connecting(error: &(dyn std::error::Error + 'static)) -> Self {
        use std::io::ErrorKind;
        let of = |error: &(dyn std::error::Error + 'static)| {
            if error.is::<LookupFailed>() {
                return Some(Problem::NameNotResolved);
            }
            match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
                Some(ErrorKind::ConnectionRefused) => Some(Problem::ConnectionRefused),
                Some(ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
                    Some(Problem::NetworkUnreachable)
                }
                _ => certificate(error),
            }
        };
        causes::chain(error).find_map(of).unwrap_or_else(|| Problem::NotConnected(causes::cause(error)))
    }
}

/// A failed DNS lookup, which has no [`std::io::ErrorKind`] of its own.
#[derive(Debug, thiserror::Error)]
#[error("the name could not be resolved")]
pub(crate) struct LookupFailed(#[from] std::io::Error);

/// `None` if `error` is not about a certificate.
fn certificate(error: &(dyn std::error::Error + 'static)) -> Option<Problem> {
    use rustls::CertificateError as Why;
    let rustls::Error::InvalidCertificate(why) = error.downcast_ref()? else { return None };
    Some(match why {
        // Self-signed by OpenSSL, which makes it an authority, and not named: `Other`.
        Why::UnknownIssuer | Why::Other(_) => Problem::UntrustedCertificate,
        Why::Expired | Why::ExpiredContext { .. } | Why::NotValidYet | Why::NotValidYetContext { .. } => {
            Problem::ExpiredCertificate
        }
        Why::NotValidForName | Why::NotValidForNameContext { .. } => Problem::WrongHostCertificate,
        _ => return None,
    })
}

fn not_connected(host: &str, why: &str) -> String {
    tr!("could not connect to {host}: {why}", host, why)
}

/// Whether `word` is a code such as `invalid_code`: `[a-z0-9_]{1,64}`.
pub(crate) fn is_plain_word(word: &str) -> bool {
    (1..=LONGEST_CODE).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_a_plain_word_and_says_the_same_when_it_is_read_back() {
        let problems = [
            Problem::NameNotResolved,
            Problem::NotConnected(String::new()),
            Problem::ConnectionBroken(String::new()),
            Problem::ExpiredCertificate,
            Problem::Status(503),
            Problem::Error("general_error".into()),
            Problem::NoTime,
            Problem::Unspecified,
        ];
        for problem in problems {
            assert!(is_plain_word(&problem.code()), "{problem:?}");
            assert_eq!(Problem::of_code(&problem.code()), problem);
        }
    }

    #[test]
    fn text_from_outside_is_in_no_code() {
        for text in ["::error::x", "a\nb", "\u{1b}[2J", "A", "", &"a".repeat(65)] {
            assert_eq!(Problem::Error(text.into()).code(), "unavailable", "{text:?}");
            assert_eq!(Problem::NotConnected(text.into()).code(), "connect_failed");
            assert_eq!(Problem::Local(text.into()).code(), "unavailable");
            assert_eq!(Problem::of_code(text), Problem::Unspecified);
        }
    }

    #[test]
    fn certificates_are_told_apart() {
        use rustls::CertificateError as Why;
        let of = |why| Problem::connecting(&std::io::Error::other(rustls::Error::InvalidCertificate(why)));
        assert_eq!(of(Why::UnknownIssuer), Problem::UntrustedCertificate);
        let authority = rustls::OtherError(std::sync::Arc::new(std::io::Error::other("CaUsedAsEndEntity")));
        assert_eq!(of(Why::Other(authority)), Problem::UntrustedCertificate);
        assert_eq!(of(Why::Expired), Problem::ExpiredCertificate);
        assert_eq!(of(Why::NotValidForName), Problem::WrongHostCertificate);
        let Problem::NotConnected(why) = of(Why::BadEncoding) else { panic!() };
        assert!(why.contains("BadEncoding"), "{why}");
    }
}
