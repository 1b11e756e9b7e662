//! The credential-helper protocols: bytes to a request, an answer to bytes. Pure.

pub mod git;
pub mod uri;

/// The largest request that is read, in bytes. Real ones are below 1 KiB.
pub(crate) const LIMIT: usize = 1 << 20;
