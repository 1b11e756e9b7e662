//! One file a verb, each a short story.

mod get;
mod login;
mod reject;
mod session;
mod status;

pub use get::get;
pub use login::login;
pub use reject::reject;
pub use session::Session;
pub use status::status;
