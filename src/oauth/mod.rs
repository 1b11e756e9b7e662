//! Zoho's OAuth in values: what is sent, and what an answer means. No I/O.

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

/// Where a server tells of itself and of the others. It wants no credentials and costs no quota.
pub(crate) const SERVER_INFO_PATH: &str = "/oauth/serverinfo";

pub(crate) use rejection::client_rejected;
pub use response::{Answer, classify};
