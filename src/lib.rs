//! Zoho OAuth access tokens for other programs.
//!
//! A module uses only modules to its right, or of its own group between arrows. There are no cycles.
//! `tests/it/dependencies.rs` enforces this.
//!
//! `run → commands → cli, login, refresh, output, helper → secrets, store → config → system → oauth → model → zoho →
//! error, problem, secret, i18n, nearest, sanitize`
//!
//! `docs/architecture.md` describes what happens during `get`.

pub mod cli;
pub mod commands;
pub mod config;
pub mod error;
pub mod helper;
pub mod i18n;
pub mod login;
pub mod model;
mod nearest;
pub mod oauth;
pub mod output;
pub mod problem;
pub mod refresh;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod sanitize;
pub mod secret;
pub mod secrets;
pub mod store;
pub mod system;
pub mod zoho;

mod run;

pub use run::run;
