//! The shared store: real processes against a real redis-server and the sandbox.

mod way;
mod world;

mod doctor;
mod holders;
#[cfg(target_os = "linux")]
mod namespaces;
mod outages;
mod secrecy;
mod slow;
mod stampede;
mod tokens;
