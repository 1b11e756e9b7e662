//! One file a verb, each a short story.

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

pub use completions::{complete, completions};
pub use doctor::doctor;
pub use exec::exec;
pub use get::get;
pub use helper::helper;
pub use import::import;
pub use keygen::keygen;
pub use list::list;
pub use login::login;
pub use logout::logout;
pub use man::man;
pub use reject::reject;
pub use report::Page;
pub use session::Session;
pub use setup::setup;
pub use status::status;
pub use summary::summary;
