//! The shared store: real processes against a real redis-server and the sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]

#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "these tests need less of it")]
mod harness;
mod way;
mod world;

mod doctor;
mod holders;
mod model;
#[cfg(target_os = "linux")]
mod namespaces;
mod outages;
mod secrecy;
mod slow;
mod stampede;
mod tokens;
