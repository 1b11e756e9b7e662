//! What can mint tokens: its fingerprint, and where its secrets rest.

mod command;
mod environment;
mod file;
mod id;
mod keyring;
mod login_record;
mod secrets;
mod source;

pub use file::FileSecrets;
pub use id::{CredentialId, hex, profile_key, secret_fingerprint};
pub use keyring::{KeyringSecrets, Patience};
pub use login_record::{Item, LoginRecord, login_path, login_path_of};
pub use secrets::{SecretStore, Secrets};
pub use source::{CredentialSource, Source};
