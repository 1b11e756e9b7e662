//! One file a verb, each a short story.

mod exec;
mod get;
mod helper;
mod import;
mod keygen;
mod login;
mod logout;
mod reject;
mod session;
mod setup;
mod status;
mod watch;

pub use exec::exec;
pub use get::get;
pub use helper::helper;
pub use import::import;
pub use keygen::keygen;
pub use login::login;
pub use logout::logout;
pub use reject::reject;
pub use session::Session;
pub use setup::setup;
pub use status::status;
