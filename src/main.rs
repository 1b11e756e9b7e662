//! `zoho-cred`: the library's `run` turned into a process.

use std::process::ExitCode;
use zoho_cred::system::{System, harden};

fn main() -> ExitCode {
    harden();
    ExitCode::from(zoho_cred::run(std::env::args_os(), &mut System::real()))
}
