//! Tests of the sandbox through a real HTTP client: grants, refusals and injected faults.

mod apis;
mod caller;
mod faults;
mod limits;
mod login;
mod page;
mod program;
mod server;
mod token;
