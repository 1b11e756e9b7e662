//! The commands: one file for each.

mod completions;
mod doctor;
mod exec;
mod get;
mod helper;
mod import;
mod keygen;
mod list;
mod login;
mod logout;
mod man;
mod reject;
mod report;
mod session;
mod setup;
mod shared;
mod status;
mod summary;
mod watch;

pub(crate) use completions::{complete, completions};
pub(crate) use doctor::doctor;
pub(crate) use exec::exec;
pub(crate) use get::get;
pub(crate) use helper::helper;
pub(crate) use import::import;
pub(crate) use keygen::keygen;
pub(crate) use list::list;
pub(crate) use login::login;
pub(crate) use logout::logout;
pub(crate) use man::man;
pub(crate) use reject::reject;
pub(crate) use report::Report;
pub(crate) use session::Session;
pub(crate) use setup::setup;
pub(crate) use status::status;
pub(crate) use summary::summary;
