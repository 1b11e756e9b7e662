//! `reject`: handles a token that an API refused.

use crate::cli::{Global, RejectArgs};
use crate::commands::Session;
use crate::error::{Code, Error};
use crate::helper::bad_input;
use crate::i18n::tr;
use crate::model::is_well_formed;
use crate::refresh::Rejected;
use crate::sanitize::mask_argument;
use crate::secret::Secret;
use crate::system::System;
use std::io::Read;

/// The most that is read from stdin, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Reads a token from stdin and drops the cached one if it is the same. Prints nothing on stdout.
pub(crate) fn run(system: &mut System, global: &Global, args: &RejectArgs) -> Result<u8, Error> {
    system.signals.install();
    let named = global.profile_or(args.profile.as_deref())?;
    let session = Session::open(system, global, named);
    let session = session.map_err(|error| match named {
        Some(name)
            if matches!(error.code(), Code::UnknownProfile | Code::Usage) && mask_argument(name) != name =>
        {
            Error::usage(tr!("a token is read from stdin, not from the command line"), "zoho-cred reject")
        }
        _ => error,
    })?;
    let token = read_token(&mut system.stdin)?;
    if let Some(warning) = warning(session.reject(system, &token, args.timeout)?) {
        system.warn(&warning);
    }
    Ok(0)
}

/// What to tell the user about a token that was not dropped.
pub(super) fn warning(rejected: Rejected) -> Option<String> {
    match rejected {
        Rejected::NotCached | Rejected::Dropped => None,
        Rejected::Kept => Some(tr!(
            "Zoho says that the token is valid, so it was kept: check the scope, the organization and the data center"
        )),
        Rejected::Unclear => Some(tr!(
            "the check of the token failed: Zoho did not say whether it is valid, so it was kept; check the scope first"
        )),
    }
}

/// Reads a token, bare or after its scheme; anything else is `Code::BadInput`.
fn read_token(stdin: &mut dyn Read) -> Result<Secret, Error> {
    let bad = |problem: &str| bad_input(problem.to_owned(), "zoho-cred reject");
    let mut bytes = Vec::new();
    stdin
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| bad(&tr!("could not read stdin: {error}", error)))?;
    if bytes.len() as u64 > LIMIT {
        return Err(bad(&tr!("stdin is too long for a token")));
    }
    parse_token(&bytes)
        .ok_or_else(|| bad(&tr!("stdin is not a token; pass it alone or as 'Zoho-oauthtoken …'")))
}

/// A token, bare or after its scheme: what `reject` reads from stdin, and `--watch` from its reject file.
pub fn parse_token(bytes: &[u8]) -> Option<Secret> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if is_well_formed(scheme.trim_end_matches(':')) => token.trim(),
        _ => text,
    };
    is_well_formed(token).then(|| Secret::new(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Secret, Error> {
        read_token(&mut text.as_bytes())
    }

    #[test]
    fn a_token_is_read_bare_or_after_its_scheme() {
        for text in ["1000.a.b", "1000.a.b\n", "Zoho-oauthtoken 1000.a.b\r\n", "Bearer 1000.a.b"] {
            assert_eq!(read(text).unwrap().expose(), "1000.a.b");
        }
        for text in ["", "\n", "a b c", "1000.a\n1000.b", "\u{1}"] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }
}
