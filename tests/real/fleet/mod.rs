//! The shared store: real processes against a real redis-server and the sandbox.

mod way;
mod world;

mod doctor;
mod failover;
mod holders;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(feature = "object-storage")]
mod objects;
mod outages;
mod secrecy;
mod slow;
mod stampede;
mod tokens;
