//! Resolves files, variables and flags to a [`Profile`](crate::model::Profile).

pub mod duration;
pub mod edit;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod hosts;
mod profile;
mod resolve;
mod table;
pub(crate) mod trust;

pub use file::ConfigFile;
pub(crate) use resolve::{Resolved, config_path, default_config_path, resolve, state_dir};
pub use trust::ConfigOrigin;
