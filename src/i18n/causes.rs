//! Translatable descriptions of operating system and library errors. The original texts are English only and differ
//! between systems.

use crate::i18n::tr;
use std::error::Error;
use std::io::{self, ErrorKind};

/// `error` and its sources, outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An io::Error does not return the error it wraps as its source.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        wrapped.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source())
    })
}

/// Describes the innermost known cause of `error`.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    // One that wraps another error only repeats what that one says.
    let known = chain(error).find_map(|error| {
        let io = error.downcast_ref::<io::Error>().filter(|io| io.get_ref().is_none())?;
        of_kind(io.kind())
    });
    known.unwrap_or_else(|| told(&chain(error).last().unwrap_or(error).to_string()))
}

/// Replaces a system message such as `… (os error 2)` at the end of `text` with our description.
pub(crate) fn told(text: &str) -> String {
    match of_system(text) {
        Some((before, description)) => before.to_owned() + &description,
        None => text.to_owned(),
    }
}

/// Our description of a system message, and the text before it.
fn of_system(text: &str) -> Option<(&str, String)> {
    if text.contains("did not contain valid UTF-8") {
        return Some(("", tr!("it is not valid UTF-8")));
    }
    let (message, rest) = text.split_once(" (os error ")?;
    // tempfile appends the path after the number.
    let number = rest.split_once(')')?.0.parse().ok()?;
    let description = of_kind(io::Error::from_raw_os_error(number).kind())?;
    Some((&message[..message.rfind(": ").map_or(0, |at| at + 2)], description))
}

/// Whether the error is a failed DNS lookup, which has no `ErrorKind` of its own.
pub(crate) fn is_dns(error: &(dyn Error + 'static)) -> bool {
    error.to_string().starts_with("failed to lookup address information")
}

fn of_kind(kind: ErrorKind) -> Option<String> {
    Some(match kind {
        ErrorKind::NotFound => tr!("there is no such file or folder"),
        ErrorKind::PermissionDenied => tr!("permission denied"),
        ErrorKind::StorageFull => tr!("the disk is full"),
        ErrorKind::QuotaExceeded => tr!("the disk quota is used up"),
        ErrorKind::ReadOnlyFilesystem => tr!("the file system is read-only"),
        ErrorKind::IsADirectory => tr!("it is a folder"),
        ErrorKind::NotADirectory => tr!("a part of the path is not a folder"),
        ErrorKind::AlreadyExists => tr!("it already exists"),
        ErrorKind::BrokenPipe => tr!("the reader closed it"),
        ErrorKind::ConnectionRefused => tr!("the connection was refused"),
        ErrorKind::ConnectionReset => tr!("the other end closed the connection"),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => tr!("the network is unreachable"),
        ErrorKind::TimedOut => tr!("it took too long"),
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
        let _japanese = speak(Language::named("ja").unwrap());
        assert_eq!(
            told("No such file or directory (os error 2)"),
            "そのようなファイルやフォルダーはありません"
        );
    }
}
