//! Login: one file for each flow, and what they share.

pub(crate) mod account;
mod answers;
pub(crate) mod check_writable;
pub(crate) mod client_secret;
mod display;
pub(crate) mod exchange;
pub mod exported;
pub(crate) mod flows;
mod guide;
pub(crate) mod listener;
mod prompts;
pub(crate) mod repeat;
mod save_login;
pub mod sdk_csv;
pub(crate) mod settings;
mod shared_by;
mod superseded;
pub(crate) mod token_count;

pub(crate) use account::LoginToken;
pub(crate) use save_login::save_login;
pub(crate) use shared_by::{Sharer, shared_by};
pub(crate) use superseded::Superseded;

pub(crate) use prompts::{
    ask, ask_required, ask_secret, ask_secret_or_none, confirm, read_secret_file, reject, wrong,
};
