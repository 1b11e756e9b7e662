//! Granting access once: one file a flow, and what they share.

pub mod browser;
pub mod device;
pub mod exchange;
mod keep;
pub mod listener;
pub mod paste;
mod prompt;
mod random;
pub mod refresh_token;
pub mod self_client;
pub mod settings;

pub use keep::keep;
pub use prompt::{ask, ask_secret, ask_secret_or_none, read_secret_file};
