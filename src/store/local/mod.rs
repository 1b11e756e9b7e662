//! The store of one machine: files in the state directory, protected by `flock(2)`.

pub mod atomic;
mod lock;
pub(crate) mod probe;
pub mod records;
pub(crate) mod state_dir;
mod store;

pub(crate) use lock::FileLock;
pub use lock::Holder;
pub use state_dir::StateDir;
pub use store::{LocalStore, LockedLocal};
pub(crate) use store::{cache_path, decode_cache, read_cache};
