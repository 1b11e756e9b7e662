//! Real processes are killed, stopped and starved. The guarantees are checked at the sandbox and at every caller.
//!
//! `tests/chaos/run --seconds 3600` runs the storm for an hour; CI runs it for a minute.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
#![expect(clippy::print_stdout, reason = "figures are what a run is for")]

#[path = "../it/harness.rs"]
#[expect(dead_code, reason = "the integration tests use the rest of it")]
mod harness;

mod full_disk;
mod storm;
mod suspended;
mod two_users;

use std::path::Path;
use std::process::Command;

/// Whether the test runs as root, which it needs to mount and to change users.
pub fn root() -> bool {
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !root {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "these tests want root under CI");
        eprintln!("SKIPPED: not root");
    }
    root
}

/// A tmpfs, unmounted on drop.
pub struct Tmpfs<'a>(&'a Path);

impl<'a> Tmpfs<'a> {
    fn mount(at: &'a Path, options: &str) -> Self {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = Command::new("mount");
        assert!(mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).status().unwrap().success());
        Tmpfs(at)
    }

    fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-o", &format!("remount,{options}")]).arg(self.0).status().unwrap().success());
    }
}

impl Drop for Tmpfs<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

/// The sandbox's name for a token in its log.
pub fn fingerprint(token: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(token).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
