//! The store of one machine: files in the state folder, guarded by `flock(2)`.

pub mod atomic;
mod lock;
pub mod probe;
pub mod profile_state;
pub mod records;
mod stamp;
pub mod state_dir;
mod store;

pub use lock::{FileLock, Holder};
pub use stamp::{Links, Stamp};
pub use state_dir::StateDir;
pub use store::{LocalStore, LockedLocal, cache_path, decode_cache, read_cache};
