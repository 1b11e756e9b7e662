//! Zoho's data centers and products.

pub mod data_center;
pub mod products;
pub mod scopes;

pub use data_center::DataCenter;
