//! The sandbox seen through a real HTTP client: what it grants, what it refuses, and what it breaks on request.

mod caller;
mod faults;
mod limits;
mod token;
