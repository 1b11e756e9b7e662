//! The remote store in Redis or Valkey: one node, a cluster, or the master of a Sentinel group.

mod backend;
mod errors;
mod health;
mod link;
pub mod scripts;

pub use backend::{RedisRemote, read_reply};
