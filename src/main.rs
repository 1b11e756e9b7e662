//! Turns the library's `run` into a process.

use std::process::ExitCode;
use zoho_cred::run;
use zoho_cred::system::{System, harden};

fn main() -> ExitCode {
    harden();
    run(std::env::args_os(), &mut System::real()).into()
}
