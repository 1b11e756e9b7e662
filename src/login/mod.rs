//! Granting access once: one file a flow, and what they share.

pub mod browser;
pub mod device;
pub mod exchange;
mod keep;
pub mod listener;
pub mod made;
pub mod paste;
mod prompt;
mod random;
pub mod refresh_token;
mod replaced;
pub mod sdk_csv;
pub mod self_client;
pub mod settings;
mod sharers;
mod show;
pub mod trial;
mod turn;
mod unfinished;

pub use keep::keep;
pub use replaced::Replaced;
pub use sharers::{Sharer, sharers};
pub use turn::Turn;
pub use unfinished::Unfinished;

pub use prompt::{ask, ask_secret, ask_secret_or_none, confirm, read_code, read_secret_file, wrong};
