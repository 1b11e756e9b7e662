//! The remote store in object storage: one object per credential, replaced with conditional writes.
//!
//! The engine's clock is the `Date` header of its answers.

mod backend;
mod http;

pub use backend::ObjectRemote;
