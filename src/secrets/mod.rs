//! Where the secrets of a profile are stored, and the records that connect them to it.

mod bound;
mod command;
mod environment;
mod file;
mod keyring;
mod login_record;
mod profile_state;
mod source;
mod store;

pub use bound::ChangedSetting;
pub(crate) use bound::changed_setting;
pub(crate) use file::FileSecrets;
pub(crate) use keyring::{KeyringSecrets, KeyringTimeout};
pub(crate) use login_record::login_path;
pub use login_record::{Item, LoginRecord};
pub use profile_state::ProfileState;
pub use source::{CredentialError, CredentialSource, Source};
pub use store::SecretStore;
