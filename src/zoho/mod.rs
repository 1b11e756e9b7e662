//! Zoho's data centers and scopes.

pub mod data_center;
pub(crate) mod scopes;

pub use data_center::DataCenter;
