//! Tests with the real programs that call `zoho-cred`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]

#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the integration tests use the rest")]
mod harness;
mod world;

mod chromium;
mod ci;
mod completions;
mod curl;
mod every_flow;
mod fleet;
mod git;
mod http_clients;
mod keyring;
mod killed_login;
mod kubectl;
mod kubernetes;
mod pages;
mod prometheus;
mod python;
mod recipes;
mod release;
mod setup;
mod systemd;
mod terminal;
mod tmux;
mod windows;

use harness::person;
