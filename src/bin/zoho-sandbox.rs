//! Zoho Accounts in miniature, as a program: arguments in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    zoho_cred::sandbox::cli::main(std::env::args_os())
}
