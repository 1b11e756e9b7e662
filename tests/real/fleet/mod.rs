//! The shared store: real processes against a real redis-server and the sandbox.

mod way;
mod world;

mod backups;
mod blinks;
mod clocks;
mod doctor;
mod failover;
mod holders;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(feature = "object-storage")]
mod objects;
mod outages;
mod secrecy;
mod sidecars;
mod slow;
mod stampede;
mod storm;
mod tokens;
mod valkey;
