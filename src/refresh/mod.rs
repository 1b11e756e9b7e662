//! The refresh protocol of contract section 3: one refresh for all callers, within Zoho's limit.
//!
//! Each file uses only those after it: `get_token`, `locked_refresh`, `lock_wait`, `attempts`, `apply_response`,
//! `replacement`, `preflight`, `ports`, `error`.

mod apply_response;
mod attempts;
mod cooldown;
mod error;
mod get_token;
mod lock_wait;
mod locked_refresh;
mod ports;
mod preflight;
mod reject;
mod replacement;
mod seed_cache;

pub(crate) use cooldown::COOL_DOWN;
pub use error::RefreshError;
pub(crate) use error::throttled;
pub use get_token::get_token;
pub(crate) use lock_wait::lock_this_machine;
pub use ports::{Ports, TokenRequest, TokenResponse, WaitEvent};
pub(crate) use reject::liveness;
pub use reject::{Rejected, reject};
pub(crate) use seed_cache::seed_cache;
