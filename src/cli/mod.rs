//! The command line.

mod args;
mod errors;
mod help;

pub use args::*;
pub use errors::clap_error;
pub use help::translated;
