//! The credential-helper protocols: bytes to a request, an answer to bytes. Pure.

use crate::error::{Code, Error};
use crate::i18n::tr;

pub mod git;
pub mod uri;

/// The largest request that is read, in bytes. Real ones are below 1 KiB.
pub(crate) const LIMIT: usize = 1 << 20;

/// The error of a request, or of anything else on stdin, that is malformed. The help of `command` has an example.
pub(crate) fn bad_input(problem: String, command: &str) -> Error {
    Error::new(Code::BadInput, problem, tr!("run '{command} --help'", command))
}
