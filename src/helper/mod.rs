//! One file a caller protocol: bytes to a request, an answer to bytes. Pure.

pub mod git;
pub mod uri;

/// The most of stdin that is read for a request, in bytes. Real ones are below 1 KiB.
pub(crate) const LIMIT: usize = 1 << 20;
