//! Lists the catalogs of translations, and links unwinding support into dynamic release builds for glibc, so that a
//! call loads one shared library less.

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
    if is("PROFILE", "release") && glibc && native && dynamic && has_archive("gcc_eh") {
        println!("cargo:rustc-link-lib=static:-bundle=gcc_eh");
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

/// Whether the C compiler has the library as an archive. Otherwise the shared library is linked, as usual.
fn has_archive(library: &str) -> bool {
    let compiler = var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler).arg(format!("-print-file-name=lib{library}.a")).output();
    output.is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_absolute())
}
