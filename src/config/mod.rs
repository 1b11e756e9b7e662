//! Files, variables and flags become one resolved [`Profile`].

mod accounts_url;
pub mod duration;
pub mod edit;
pub mod environment;
pub mod file;
pub mod hosts;
mod nearest;
mod profile;
pub mod profile_name;
mod resolve;
pub mod trust;

pub use accounts_url::{AccountsUrl, is_loopback};
pub use file::ConfigFile;
pub use nearest::nearest;
pub use profile::{
    Budget, DEFAULT_REDIRECT_URI, Grant, Origin, Profile, Scheme, SecretBackend, split_scopes,
};
pub use profile_name::{ENVIRONMENT, ProfileName};
pub use resolve::{Resolved, config_path, resolve, state_dir};
pub use trust::ConfigOrigin;
