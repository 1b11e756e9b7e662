//! One file for each OAuth flow.

pub mod browser;
pub mod device;
pub mod paste;
pub mod refresh_token;
pub mod self_client;
