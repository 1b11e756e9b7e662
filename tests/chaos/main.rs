//! Real processes are killed, stopped and starved. The guarantees are checked at the sandbox and at every caller.
//!
//! `tests/chaos/run --seconds 3600` runs the storm for an hour; CI runs it for a minute.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
#![expect(clippy::print_stdout, reason = "figures are what a run is for")]

#[path = "../harness/mod.rs"]
#[expect(dead_code, reason = "the integration tests use the rest of it")]
mod harness;

mod full_disk;
mod storm;
mod suspended;
mod two_users;

/// The sandbox's name for a token in its log.
pub fn fingerprint(token: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(&Sha256::digest(token)[..4])
}
