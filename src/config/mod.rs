//! Files, variables and flags become one resolved [`Profile`].

pub mod duration;
pub mod edit;
pub mod environment;
pub mod file;
pub mod hosts;
mod resolve;
pub mod trust;

pub use file::ConfigFile;
pub use resolve::{Resolved, config_path, resolve, state_dir};
pub use trust::ConfigOrigin;
