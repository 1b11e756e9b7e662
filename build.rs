//! Makes the warm path the first instructions of the program, where it can run there (`src/warm/start.rs`).
//!
//! In a release build for Linux it also has the linker put the code of everyday commands into one place (`src/first.ld`,
//! decision 8), and links what a dynamic one takes from `libgcc_s` (unwinding) into the program: loading one more library
//! costs every call more than the warm path itself.

#![expect(clippy::disallowed_methods, reason = "a build script is outside")]

use std::env::var;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/first.ld");
    println!("cargo:rerun-if-env-changed=CC");
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let linux = |libc: &str| is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", libc);
    let processor = |name: &str| is("CARGO_CFG_TARGET_ARCH", name);
    if processor("x86_64") && (linux("gnu") || linux("musl")) || processor("aarch64") && linux("gnu") {
        println!("cargo:rustc-link-arg-bin=zoho-cred=-Wl,--entry=zoho_cred_start");
    }

    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && linker_takes_scripts() {
        let script = Path::new(&var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("src/first.ld");
        println!("cargo:rustc-link-arg-bin=zoho-cred=-T{}", script.display());
    }

    let dynamic = !var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|found| found.contains("crt-static"));
    let native = var("HOST") == var("TARGET");
    if is("PROFILE", "release") && linux("gnu") && native && dynamic && has_archive("gcc_eh") {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
    }
}

/// Whether nobody has chosen one of the linkers that do not understand `src/first.ld`; those of binutils and LLVM do.
fn linker_takes_scripts() -> bool {
    let chosen =
        ["RUSTC_LINKER", "CARGO_ENCODED_RUSTFLAGS"].map(|name| var(name).unwrap_or_default()).concat();
    !["mold", "wild", "gold"].iter().any(|other| chosen.contains(other))
}

/// Whether the C compiler that links has the library as an archive; without it the shared one is taken, as usual.
fn has_archive(library: &str) -> bool {
    let compiler = var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name=lib{library}.a")).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_absolute())
}
