//! Granting access once: one file a flow, and what they share.

mod keep;
pub mod made;
mod prompt;
pub mod refresh_token;
pub mod sdk_csv;
pub mod settings;

pub use keep::keep;
pub use prompt::{ask, ask_secret, read_secret_file};
