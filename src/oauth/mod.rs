//! Requests and responses of Zoho's OAuth endpoints as values. No I/O.

mod access_denied;
pub(crate) mod authorize;
pub mod callback;
pub mod device;
pub(crate) mod pkce;
pub(crate) mod rejection;
mod response;
pub mod revoke;
pub(crate) mod token;
pub mod userinfo;

/// Lists the accounts servers. It needs no credentials and does not count against Zoho's limit.
pub(crate) const SERVER_INFO_PATH: &str = "/oauth/serverinfo";

pub(crate) use rejection::client_rejected;
pub use response::{Answer, classify};
