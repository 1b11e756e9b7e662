//! Profiles, credentials, tokens and the ledger as pure values. No I/O; the time is an argument.

mod accounts_url;
mod credential_id;
mod ledger;
mod merge;
mod profile;
mod profile_name;
mod secrets;
mod timestamp;
mod token_set;

pub use accounts_url::AccountsUrl;
pub(crate) use accounts_url::is_loopback;
pub use credential_id::CredentialId;
pub(crate) use credential_id::{profile_key, secret_fingerprint};
pub use ledger::{BudgetUse, Entry, Failure, FailureKind, Ledger};
pub use profile::{Budget, Grant, Origin, Profile, Scheme, SecretBackend};
pub(crate) use profile::{DEFAULT_REDIRECT_URI, consists_of, is_scope, split_scopes};
pub(crate) use profile_name::ENVIRONMENT;
pub use profile_name::ProfileName;
pub use secrets::Secrets;
pub use timestamp::{ClockReading, Timestamp};
pub(crate) use timestamp::{SET_BACK_MS, ms};
pub(crate) use token_set::LONGEST;
pub use token_set::{CacheRecord, Freshness, Granted, MinTtl, TokenSet, is_well_formed};
