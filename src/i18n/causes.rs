//! Translatable descriptions of operating system and library errors. The original texts are English only and differ
//! between systems.

use crate::i18n::tr;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;

/// `error` and its sources, outermost first.
pub(crate) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| wrapped(error).or_else(|| error.source()))
}

/// The error inside one that does not return it as its source.
fn wrapped<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return io.get_ref().map(|inner| inner as _);
    }
    if let Some(shared) = error.downcast_ref::<Arc<io::Error>>() {
        return Some(&**shared);
    }
    error.downcast_ref::<Arc<dyn Error + Send + Sync>>().map(|shared| &**shared as _)
}

/// Describes the innermost known cause of `error`.
pub(crate) fn cause(error: &(dyn Error + 'static)) -> String {
    known(error).unwrap_or_else(|| chain(error).last().unwrap_or(error).to_string())
}

/// Describes the error of the operating system in `error`.
pub(crate) fn known(error: &(dyn Error + 'static)) -> Option<String> {
    let of = |is_wanted: fn(&io::Error) -> bool| {
        chain(error).find_map(|error| {
            let io = error.downcast_ref::<io::Error>().filter(|io| is_wanted(io))?;
            of_kind(io.kind())
        })
    };
    // One that wraps another error only repeats what that one says. But tempfile's errors hide what they wrap.
    of(|io| io.get_ref().is_none()).or_else(|| of(|io| !OF_TEXTS.contains(&io.kind())))
}

/// Kinds of errors that have a text of our own.
const OF_TEXTS: [ErrorKind; 2] = [ErrorKind::TimedOut, ErrorKind::InvalidData];

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
        // Of the standard library's own errors, only that one has this kind.
        ErrorKind::InvalidData => tr!("it is not valid UTF-8"),
        _ => return None,
    })
}

#[cfg(unix)] // the numbers are others on Windows
#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::{Language, speak};

    #[test]
    fn errors_of_the_system_are_described_wherever_they_are() {
        let missing = || io::Error::from_raw_os_error(2);
        let shared: Arc<dyn Error + Send + Sync> = Arc::new(missing());
        let hidden = tempfile::NamedTempFile::new_in("/nowhere").unwrap_err();
        let errors: [(Box<dyn Error>, &str); 7] = [
            (hidden.into(), "there is no such file or folder"),
            (missing().into(), "there is no such file or folder"),
            (Box::new(Arc::new(missing())), "there is no such file or folder"),
            (Box::new(shared), "there is no such file or folder"),
            (io::Error::other(missing()).into(), "there is no such file or folder"),
            (io::read_to_string(&b"\xff"[..]).unwrap_err().into(), "it is not valid UTF-8"),
            (io::Error::other("too many links").into(), "too many links"),
        ];
        for (error, words) in errors {
            assert_eq!(cause(&*error), words);
        }
        let _japanese = speak(Language::named("ja").unwrap());
        assert_eq!(cause(&missing()), "そのようなファイルやフォルダーはありません");
    }
}
