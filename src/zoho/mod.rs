//! Zoho's data centers.

pub mod data_center;

pub use data_center::DataCenter;
