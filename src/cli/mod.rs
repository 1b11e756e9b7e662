//! The command line.

mod api_args;
mod args;
mod errors;
mod examples;
mod fast;
mod help;
mod login_args;
mod token_args;

pub(crate) use api_args::ApiArgs;
pub use args::*;
pub(crate) use errors::clap_error;
pub(crate) use fast::parse as parse_alone;
pub(crate) use help::{hide_repeated_globals, translated};
pub(crate) use login_args::*;
pub(crate) use token_args::*;
