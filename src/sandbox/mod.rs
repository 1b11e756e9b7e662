//! Zoho Accounts in miniature, and a small CRM beside it, on loopback.
//!
//! It answers as Zoho answers (`docs/` names the sources), keeps Zoho's limits, and is strict: what Zoho
//! refuses is refused here. What it is for: our own tests, the demo, and tests of programs that call Zoho.
//!
//! The map, from the inside out:
//!
//! | room | what it holds |
//! |---|---|
//! | [`limits`], [`faults`], [`log`] | what can be set, what can go wrong, what was asked |
//! | `request`, `reply`, `scope`, `random` | one request and one answer as values |
//! | `client`, `grant`, `state` | who may ask, what was granted, and the whole world: [`state::World`] |
//! | `token`, `authorize`, `device`, `accounts`, `crm`, `pages` | one file an endpoint: `World` × request → answer |
//! | `control` | the `/sandbox/…` endpoints that a test turns the knobs with |
//! | `route` | which endpoint a path is, and the way of a request through faults, world and log |
//! | [`server`], `wire`, `tls`, `clock` | the only rooms that touch sockets, certificates and the time |
//! | [`cli`], `run` | the program `zoho-sandbox` |
//!
//! Everything above `server` is pure: it takes `now` in ms since the epoch and draws its random tokens from a
//! seed. Left out on purpose: OIDC's `id_token`, incremental authorisation, multipart bodies, JavaScript clients.

mod accounts;
mod authorize;
mod client;
mod clock;
mod control;
mod crm;
mod device;
pub mod faults;
mod grant;
pub mod limits;
pub mod log;
mod pages;
mod random;
mod reply;
mod request;
mod route;
mod scope;
pub mod server;
pub mod state;
mod tls;
mod token;
mod wire;

pub use client::{Client, ClientKind};
pub use faults::{Fault, FaultKind};
pub use limits::Limits;
pub use log::LogEntry;
pub use route::Endpoint;
pub use server::{Options, Server};
pub use state::Counts;
pub use tls::Certificate;
