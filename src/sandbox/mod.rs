//! A local Zoho Accounts server with a small CRM, on loopback, for tests and demos.
//!
//! It responds as Zoho does, enforces Zoho's limits, and rejects what Zoho rejects. Comments mark behavior that is
//! inferred.
//!
//! | module | contents |
//! |---|---|
//! | `limits`, `faults`, `wire_cases`, `log` | settings, injected faults, recorded answers, the request log |
//! | `request`, `reply`, `scope`, `random` | requests and responses as values |
//! | `client`, `grant`, `state`, `counts` | clients, grants, the whole `SandboxState`, and its statistics |
//! | `token`, `authorize`, `device`, `accounts`, `crm`, `desk`, `books`, `pages` | one file for each endpoint: `SandboxState` and request to response |
//! | `control` | the `/sandbox/…` endpoints that tests use |
//! | `route` | routing, fault injection and logging |
//! | `server`, `http`, `wire`, `tls`, `clock` | sockets, certificates and the time |
//! | [`cli`], `run` | the program `zoho-sandbox` |
//!
//! Everything above `server` is pure: it takes `now` in ms since the epoch and draws random tokens from a seed. Only
//! `control` accesses the clock, to change it. Not implemented: OIDC's `id_token`, incremental authorization, and
//! JavaScript clients. `docs/sandbox.md` describes everything else.

mod accounts;
mod authorize;
mod books;
pub mod cli;
mod client;
mod clock;
mod control;
mod counts;
mod crm;
mod desk;
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
mod wire_cases;

pub use client::{Client, ClientKind};
pub use counts::{Counts, GrantCounts};
pub use faults::{Fault, FaultKind, Hostile};
pub use limits::Limits;
pub use log::LogEntry;
pub use reply::Language;
pub use route::Endpoint;
pub use server::{Options, Server};
pub use tls::Certificate;
pub use wire_cases::{WireCase, wire_cases};
