//! The git-credential protocol: `key=value` lines. Source: git-credential(1), gitcredentials(7) and credential.c.

use crate::config::hosts::Place;
use crate::error::Error;
use crate::helper::bad_input;
use crate::i18n::tr;
use crate::output::View;
use crate::secret::Secret;

/// The answer to `capability`.
pub(crate) const CAPABILITIES: &[u8] = b"version 0\ncapability authtype\n";

/// Tells git to ask no other helper and not to prompt.
pub(crate) const QUIT: &[u8] = b"quit=1\n";

/// git reads no longer line, in bytes.
const LONGEST_LINE: usize = 65_535;

/// A request of git. Unknown keys are ignored, so that newer versions of git work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitRequest {
    /// Whether git accepts a custom scheme in the answer (2.46 and later).
    pub authtype: bool,
    /// Scheme of the URL.
    pub protocol: String,
    /// Host and port of the URL; `None` in a request about a file.
    pub host: Option<String>,
    /// In `store` and `erase`, the token of an earlier answer.
    pub given: Option<Secret>,
}

impl GitRequest {
    /// Parses lines up to an empty one or the end. A truncated last line is `Code::BadInput`, because it could
    /// hold an incomplete host name.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let bad =
            |problem: String| bad_input(tr!("git's request {problem}", problem), "zoho-cred helper git");
        let mut request = GitRequest::default();
        let mut protocol = None;
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\n").ok_or_else(|| bad(tr!("ends within a line")))?;
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                break;
            }
            if line.len() > LONGEST_LINE {
                return Err(bad(tr!("has a line that is too long")));
            }
            if line.iter().any(|b| matches!(b, 0 | b'\r')) {
                return Err(bad(tr!("has an illegal byte")));
            }
            let mut halves = line.splitn(2, |b| *b == b'=');
            let (Some(key), Some(value)) = (halves.next(), halves.next()) else {
                return Err(bad(tr!("has a line without '='")));
            };
            let text = || String::from_utf8(value.to_vec()).map_err(|_| bad(tr!("is not valid UTF-8")));
            match key {
                b"capability[]" if value.is_empty() => request.authtype = false,
                b"capability[]" => request.authtype |= value == b"authtype",
                b"protocol" => protocol = Some(text()?),
                b"host" => request.host = Some(text()?),
                b"credential" | b"password" => request.given = Some(Secret::new(text()?)),
                _ => {}
            }
        }
        request.protocol = protocol.ok_or_else(|| bad(tr!("has no protocol")))?;
        Ok(request)
    }

    /// Whether these bytes contain the empty line that ends a request. The first `seen` bytes do not.
    pub fn is_whole(bytes: &[u8], seen: usize) -> bool {
        let new = &bytes[seen.saturating_sub(2)..];
        let begins = seen < 2 && [&b"\n"[..], b"\r\n"].iter().any(|end| new.starts_with(end));
        begins || new.windows(2).any(|two| two == b"\n\n") || new.windows(3).any(|three| three == b"\n\r\n")
    }

    /// The destination of the request; `None` if it may not receive a token.
    pub fn place(&self) -> Option<Place> {
        Place::new(&self.protocol, self.host.as_deref()?)
    }
}

/// The answer to `get`: `Authorization: <scheme> <token>` if git accepts a scheme, else the token as a Basic password.
/// `ephemeral` keeps other helpers from storing the token.
pub(crate) fn answer(view: &View<'_>, authtype: bool) -> String {
    let (scheme, token, expires_at) = (view.scheme.word(), view.access_token, view.reported_expires_at);
    let answer = if authtype {
        format!("capability[]=authtype\nauthtype={scheme}\ncredential={token}\nephemeral=1\n")
    } else {
        format!("username=zoho\npassword={token}\n")
    };
    format!("{answer}password_expiry_utc={expires_at}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;
    use proptest::prelude::*;

    #[test]
    fn a_real_request_is_read() {
        let request = GitRequest::parse(
            b"capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=www.zohoapis.eu\nwwwauth[]=Bearer\n\n\
              host=ignored\n",
        )
        .unwrap();
        assert!(request.authtype);
        assert_eq!(request.place().unwrap().as_str(), "www.zohoapis.eu");
        let old = GitRequest::parse(b"protocol=https\nhost=x\n").unwrap();
        assert!(!old.authtype);
        let reset = GitRequest::parse(b"capability[]=authtype\ncapability[]=\nprotocol=https\n\n").unwrap();
        assert!(!reset.authtype && reset.place().is_none());
        let foreign = GitRequest::parse(b"protocol=https\nhost=x\npath=\xff\xfe\n\n");
        assert!(foreign.is_ok(), "a path is somebody else's business");
    }

    #[test]
    fn malformed_requests_are_refused() {
        for bad in [
            &b""[..],
            b"\n",
            b"host=www.zohoapis.eu\n\n",
            b"protocol",
            b"protocol=https\nhost=www.zohoapis.eu",
            b"protocol=https\nhost\n\n",
            b"protocol=https\nhost=a\0b\n\n",
            b"protocol=https\nhost=a\rb\n\n",
            b"protocol=https\nhost=\xff\n\n",
        ] {
            assert!(
                GitRequest::parse(bad).is_err_and(|error| error.code() == Code::BadInput),
                "{:?}",
                bad.get(..30)
            );
        }
    }

    #[test]
    fn the_longest_line_is_the_longest_that_git_reads() {
        let path = |length: usize| format!("protocol=https\npath={}\n\n", "a".repeat(length - "path=".len()));
        assert!(GitRequest::parse(path(65_535).as_bytes()).is_ok());
        assert!(GitRequest::parse(path(65_536).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn the_end_is_found_however_it_arrives(bytes in "[a\r\n]{0,12}") {
            let bytes = bytes.as_bytes();
            let ends = |seen: fn(usize) -> usize| {
                (0..=bytes.len()).find(|&end| GitRequest::is_whole(&bytes[..end], seen(end)))
            };
            prop_assert_eq!(ends(|end| end.saturating_sub(1)), ends(|_| 0));
        }
    }
}
