//! Where the secrets of a profile are stored, and the records that connect them to it.

mod bound;
mod command;
mod environment;
mod file;
mod keyring;
mod login_journal;
mod login_lock;
mod login_record;
mod profile_state;
mod replace;
mod source;
mod store;
mod unused;

pub use bound::ChangedSetting;
pub(crate) use bound::changed_setting;
pub(crate) use environment::secrets as environment_secrets;
pub(crate) use file::FileSecrets;
pub(crate) use keyring::{KeyringSecrets, KeyringTimeout, is_session_only};
pub use login_journal::LoginJournal;
pub use login_lock::LoginLock;
pub use login_record::{Item, LoginRecord};
pub use profile_state::ProfileState;
pub(crate) use replace::replace_client_secret;
pub use source::{CredentialError, CredentialSource, Prepare, Source};
pub use store::SecretStore;
pub(crate) use store::{label, new_item, put_and_check};
pub(crate) use unused::Unused;
