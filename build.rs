//! Lists the catalogs of translations, and makes dynamic release builds for glibc start faster: unwinding support is
//! linked in, so that a call loads one shared library less, and relative relocations are packed.

#![expect(
    clippy::disallowed_methods,
    reason = "a build script may read files and the environment, and run the compiler"
)]

use std::env::var;
use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    list_catalogs();
    let is = |name: &str, value: &str| var(name).is_ok_and(|found| found == value);
    let glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let dynamic = !var("CARGO_CFG_TARGET_FEATURE").is_ok_and(|found| found.contains("crt-static"));
    let native = var("HOST") == var("TARGET");
    if is("PROFILE", "release") && glibc && native && dynamic {
        if has_archive("gcc_eh") {
            println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
        }
        if glibc_minor().is_some_and(|minor| minor >= 36) {
            println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
        }
    }
}

/// Writes an array of language codes and texts, one for each `src/i18n/CODE.toml`.
fn list_catalogs() {
    println!("cargo:rerun-if-changed=src/i18n");
    let folder = Path::new(&var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("src/i18n");
    let mut list = String::from("&[");
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if let (Some(code), Some("toml")) = (path.file_stem(), path.extension().and_then(|end| end.to_str()))
        {
            list += &format!("(\"{}\", include_str!({path:?})),", code.display());
        }
    }
    let output = Path::new(&var("OUT_DIR").unwrap_or_default()).join("catalogs.rs");
    fs::write(output, list + "]").expect("the output folder is writable");
}

/// The glibc of this machine is 2.MINOR. From 2.36 on, it loads packed relocations. A program that has them refuses to
/// start with an older one. Linkers that cannot pack them ignore the option.
fn glibc_minor() -> Option<u32> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().strip_prefix("glibc 2.")?.parse().ok()
}

/// Whether the C compiler has the library as an archive. Otherwise the shared library is linked, as usual.
fn has_archive(library: &str) -> bool {
    let compiler = var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name=lib{library}.a")).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_absolute())
}
