//! `zoho-cred`: the library's `run` turned into a process.

use std::ffi::OsString;
use std::process::ExitCode;
use zoho_cred::system::{System, harden};
use zoho_cred::{run, warm};

fn main() -> ExitCode {
    harden();
    let args: Vec<OsString> = std::env::args_os().collect();
    ExitCode::from(warm::serve(&args).unwrap_or_else(|| run(args, &mut System::real())))
}
