//! The sandbox seen through a real HTTP client: what it grants, what it refuses, and what it breaks on request.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod caller;
mod faults;
mod limits;
mod login;
#[cfg(unix)]
mod program;
mod server;
mod token;
