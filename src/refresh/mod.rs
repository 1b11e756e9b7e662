//! The refresh protocol of contract section 3: one refresh for all callers, within Zoho's limit.

mod attempts;
mod cooldown;
mod error;
mod get_token;
mod preflight;
#[expect(clippy::module_inception, reason = "split into lock_wait and others next")]
mod refresh;
mod reject;
mod seed_cache;

pub use error::RefreshError;
pub(crate) use error::cooling_down;
pub use get_token::{TokenRequest, TokenResponse, get_token};
pub(crate) use refresh::busy;
pub use refresh::{Ports, WaitEvent};
pub use reject::{Rejected, reject};
pub(crate) use seed_cache::seed_cache;
