//! The commands: one file for each.

pub(crate) mod api;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod helper;
pub(crate) mod import;
pub(crate) mod keygen;
pub(crate) mod list;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod man;
pub(crate) mod profile;
pub mod reject;
mod reject_file;
mod report;
mod session;
pub(crate) mod setup;
mod shared;
pub(crate) mod status;
mod token;
mod watch;

pub(crate) use report::Report;
pub(crate) use session::Session;
