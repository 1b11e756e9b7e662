//! What the operating system and libraries say of a failure, in words of ours where we have them: theirs are English,
//! and differ from one system to the next. All of it is kept text, as it may stand in the ledger.

use crate::i18n::{kept, local, tr};
use std::error::Error;
use std::io::{self, ErrorKind};

/// The authority that signed a certificate is none that is believed.
fn untrusted() -> String {
    kept!("its certificate comes from an authority that is not trusted")
}

/// As good a guess at the clock as at the certificate.
fn expired() -> String {
    kept!("its certificate has expired or is not valid yet, unless the clock is wrong")
}

/// The certificate of somebody else.
fn foreign() -> String {
    kept!("its certificate is for another host")
}

/// What mends a connection that failed for `problem`, as far as that can be told from it.
pub fn advice(problem: &str) -> Option<String> {
    Some(match () {
        () if problem.contains(&untrusted()) => {
            tr!("name the certificate authority with --ca-file FILE or SSL_CERT_FILE")
        }
        () if problem.contains(&expired()) => tr!("set the clock, best by NTP: timedatectl set-ntp true"),
        () if problem.contains(&foreign()) => {
            tr!("check the server's address, and that no proxy answers in its place")
        }
        () => return None,
    })
}

/// The cause of `error` that says most, which is the innermost one.
pub fn cause(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    loop {
        if let Some(words) = known(innermost) {
            return words;
        }
        match innermost.source() {
            Some(source) => innermost = source,
            None => return plain(&innermost.to_string()),
        }
    }
}

/// `text` in the language of the call, with words of ours for what the system said in it: `… (os error 2)`.
pub fn told(text: &str) -> String {
    match of_system(text) {
        Some((before, words)) => before.to_owned() + &local(&words),
        None => local(text),
    }
}

fn plain(text: &str) -> String {
    of_system(text).map_or_else(|| text.to_owned(), |(before, words)| before.to_owned() + &words)
}

/// Our words for what the system said, and what stands before it.
fn of_system(text: &str) -> Option<(&str, String)> {
    if text.contains("did not contain valid UTF-8") {
        return Some(("", kept!("it is not a text in UTF-8")));
    }
    let (said, rest) = text.split_once(" (os error ")?;
    // tempfile adds the path behind the number.
    let number = rest.split_once(')')?.0.parse().ok()?;
    let words = of_kind(io::Error::from_raw_os_error(number).kind())?;
    Some((&said[..said.rfind(": ").map_or(0, |at| at + 2)], words))
}

fn known(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
        return certificate(why);
    }
    if error.to_string().starts_with("failed to lookup address information") {
        return Some(kept!("the host's name cannot be resolved (DNS)"));
    }
    let io = error.downcast_ref::<io::Error>()?;
    // What it wraps is none of its sources.
    match io.get_ref() {
        Some(inner) => known(inner),
        None => of_kind(io.kind()),
    }
}

fn certificate(why: &rustls::CertificateError) -> Option<String> {
    use rustls::CertificateError as Why;
    Some(match why {
        Why::UnknownIssuer => untrusted(),
        Why::Expired | Why::ExpiredContext { .. } | Why::NotValidYet | Why::NotValidYetContext { .. } => {
            expired()
        }
        Why::NotValidForName | Why::NotValidForNameContext { .. } => foreign(),
        _ => return None,
    })
}

fn of_kind(kind: ErrorKind) -> Option<String> {
    Some(match kind {
        ErrorKind::NotFound => kept!("there is no such file or folder"),
        ErrorKind::PermissionDenied => kept!("permission denied"),
        ErrorKind::StorageFull => kept!("the disk is full"),
        ErrorKind::QuotaExceeded => kept!("the disk quota is used up"),
        ErrorKind::ReadOnlyFilesystem => kept!("the file system is read-only"),
        ErrorKind::IsADirectory => kept!("it is a folder"),
        ErrorKind::NotADirectory => kept!("a part of the path is not a folder"),
        ErrorKind::AlreadyExists => kept!("it is there already"),
        ErrorKind::BrokenPipe => kept!("nobody reads it any more"),
        ErrorKind::ConnectionRefused => kept!("the connection was refused"),
        ErrorKind::ConnectionReset => kept!("the other end closed the connection"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => kept!("no network leads there"),
        ErrorKind::TimedOut => kept!("it took too long"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Language, speak};

    #[test]
    fn what_the_system_says_is_said_in_our_words() {
        assert_eq!(told("No such file or directory (os error 2)"), "there is no such file or folder");
        let full = "No space left on device (os error 28) at path \"/x/.new-1\"";
        assert_eq!(told(full), "the disk is full");
        assert_eq!(told("no space left"), "no space left");
        assert_eq!(told("x.sock: Connection refused (os error 111)"), "x.sock: the connection was refused");
        assert_eq!(told("Too many links (os error 999)"), "Too many links (os error 999)");
        assert_eq!(cause(&io::Error::from_raw_os_error(13)), "permission denied");
        let _japanese = speak(Language::Japanese);
        assert_eq!(
            told("No such file or directory (os error 2)"),
            "そのようなファイルやフォルダーはありません"
        );
    }

    #[test]
    fn certificates_are_told_apart() {
        let cause = |why| cause(&io::Error::other(rustls::Error::InvalidCertificate(why)));
        assert_eq!(cause(rustls::CertificateError::UnknownIssuer), untrusted());
        assert_eq!(cause(rustls::CertificateError::Expired), expired());
        assert_eq!(cause(rustls::CertificateError::NotValidForName), foreign());
        assert!(cause(rustls::CertificateError::BadEncoding).contains("BadEncoding"));
    }
}
