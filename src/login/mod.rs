//! Granting access once: one file a flow, and what they share.

pub mod account;
pub mod check_writable;
mod display;
pub mod exchange;
pub mod flows;
pub mod listener;
mod login_journal;
mod login_lock;
mod prompts;
mod random;
mod save_login;
pub mod sdk_csv;
pub mod settings;
mod shared_by;
mod superseded;
pub mod token_count;

pub use login_journal::LoginJournal;
pub use login_lock::LoginLock;
pub use save_login::save_login;
pub use shared_by::{Sharer, shared_by};
pub use superseded::Superseded;

pub use prompts::{ask, ask_secret, ask_secret_or_none, confirm, read_code, read_secret_file, wrong};
