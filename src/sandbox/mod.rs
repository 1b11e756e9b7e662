//! Zoho Accounts in miniature, and a small CRM beside it, on loopback.
//!
//! It answers as Zoho answers (each file names what is only inferred), keeps Zoho's limits, and is strict: what Zoho
//! refuses is refused here. What it is for: our own tests, the demo, and tests of programs that call Zoho.
//!
//! The map, from the inside out:
//!
//! | room | what it holds |
//! |---|---|
//! | `limits`, `faults`, `log` | what can be set, what can go wrong, what was asked |
//! | `request`, `reply`, `scope`, `random` | one request and one answer as values |
//! | `client`, `grant`, `state`, `counts` | who may ask, what was granted, the whole `SandboxState`, and its numbers |
//! | `token`, `authorize`, `device`, `accounts`, `crm`, `pages` | one file an endpoint: `SandboxState` and request to answer |
//! | `control` | the `/sandbox/…` endpoints that a test turns the knobs with |
//! | `route` | which endpoint a path is, and the way of a request through faults, world and log |
//! | `server`, `http`, `wire`, `tls`, `clock` | the only rooms that touch sockets, certificates and the time |
//! | [`cli`], `run` | the program `zoho-sandbox` |
//!
//! Everything above the row of `server` is pure: it takes `now` in ms since the epoch and draws its random
//! tokens from a seed; `control` alone is handed the clock, to move it. Left out on purpose: OIDC's `id_token`,
//! incremental authorisation, multipart bodies, JavaScript clients, the `fields` that the CRM's GET demands.

mod accounts;
mod authorize;
pub mod cli;
mod client;
mod clock;
mod control;
mod counts;
mod crm;
mod device;
mod faults;
mod grant;
mod http;
mod limits;
mod log;
mod multipart;
mod pages;
mod random;
mod reply;
mod request;
mod route;
mod run;
mod scope;
mod server;
mod state;
mod tls;
mod token;
mod wire;

pub use client::{Client, ClientKind};
pub use counts::{Counts, GrantCounts};
pub use faults::{Fault, FaultKind, Hostile};
pub use limits::Limits;
pub use log::LogEntry;
pub use reply::Language;
pub use route::Endpoint;
pub use server::{Options, Server};
pub use tls::Certificate;
