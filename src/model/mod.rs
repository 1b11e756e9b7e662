//! Values of the refresh protocol. No I/O; the time is an argument.

mod credential_id;
mod ledger;
mod lifetime;
mod merge;
mod timestamp;
mod token_set;

pub use credential_id::{CredentialId, hex, profile_key, secret_fingerprint};
pub use ledger::{Entry, Failure, FailureKind, Ledger};
pub use lifetime::{Lifetime, ms};
pub use timestamp::{SET_BACK_MS, Timestamp};
pub use token_set::{CacheRecord, Freshness, MinTtl, TokenSet};
