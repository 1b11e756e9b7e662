//! Values: profiles, credentials, tokens and the ledger. No I/O; the time is an argument.

mod accounts_url;
mod credential_id;
mod ledger;
mod lifetime;
mod merge;
mod profile;
mod profile_name;
mod secrets;
mod timestamp;
mod token_set;

pub use accounts_url::{AccountsUrl, is_loopback};
pub use credential_id::{CredentialId, hex, profile_key, secret_fingerprint};
pub use ledger::{Entry, Failure, FailureKind, Ledger};
pub use lifetime::{Lifetime, ms};
pub use profile::{
    Budget, DEFAULT_REDIRECT_URI, Grant, Origin, Profile, Scheme, SecretBackend, split_scopes,
};
pub use profile_name::{ENVIRONMENT, ProfileName, is_legal};
pub use secrets::Secrets;
pub use timestamp::{ClockReading, SET_BACK_MS, Timestamp};
pub use token_set::{CacheRecord, Freshness, Granted, MinTtl, TokenSet, is_well_formed};
