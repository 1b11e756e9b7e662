//! The command line.

mod args;
mod errors;
mod help;

pub use args::*;
pub(crate) use errors::clap_error;
pub(crate) use help::translated;
