//! The store of several machines: this machine's files, with one record per credential in a remote store behind them.
//!
//! The local lock is taken first, so that one caller per machine waits for the lease. Reads without the lock use
//! local files, so a cached `get` makes no connection.

pub(crate) mod address;
mod caller;
mod clock_guard;
pub mod clocks;
mod locked;
pub mod record;
pub mod remote;
pub mod seal;
pub mod settings;
pub mod snapshot;
mod store;

pub(crate) use clock_guard::clock_refusal;
pub use remote::Reply;
pub(crate) use seal::{foreign, new_key};
pub use settings::SharedSettings;
pub use store::SharedStore;
