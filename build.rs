//! Links unwinding support into dynamic release builds for glibc, so that a call loads one shared library less.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script may read the environment and run the compiler"
)]

use std::env::var;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let dynamic = !var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|found| found.contains("crt-static"));
    let native = var("HOST") == var("TARGET");
    if is("PROFILE", "release") && glibc && native && dynamic && has_archive("gcc_eh") {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether the C compiler has the library as an archive. Otherwise the shared library is linked, as usual.
fn has_archive(library: &str) -> bool {
    let compiler = var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name=lib{library}.a")).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_absolute())
}
