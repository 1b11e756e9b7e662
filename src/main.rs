//! `zoho-cred`: the library's `run` turned into a process.
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

use std::ffi::OsString;
use zoho_cred::system::{System, harden};
use zoho_cred::{run, warm};

fn exit_code() -> u8 {
    harden();
    let args: Vec<OsString> = std::env::args_os().collect();
    warm::serve(&args).unwrap_or_else(|| run(args, &mut System::real()))
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() -> std::process::ExitCode {
    exit_code().into()
}

/// What C starts. Rust's own start also asks where the stack ends, for which glibc reads and parses `/proc/self/maps`: a
/// tenth of a call.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "C finds it by its name")]
#[unsafe(no_mangle)]
extern "C" fn main() -> std::ffi::c_int {
    zoho_cred::system::prepare();
    zoho_cred::system::end(exit_code())
}
