//! What can mint tokens: its fingerprint, and where its secrets rest.

mod bound;
mod command;
mod environment;
mod file;
mod keyring;
mod login_record;
mod source;
mod store;

pub(crate) use bound::changed_setting;
pub(crate) use file::FileSecrets;
pub(crate) use keyring::{KeyringSecrets, KeyringTimeout};
pub(crate) use login_record::login_path;
pub use login_record::{Item, LoginRecord};
pub use source::{CredentialSource, Source};
pub use store::SecretStore;
