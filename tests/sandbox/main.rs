//! Tests of the sandbox through a real HTTP client: grants, refusals and injected faults.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod caller;
mod faults;
mod limits;
mod login;
#[cfg(unix)]
mod program;
mod server;
mod token;
