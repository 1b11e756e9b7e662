//! Zoho OAuth access tokens for other programs.
//!
//! A module uses modules to its right only, or of its own comma group:
//!
//! `run → commands → cli, login, refresh, output, helper → store, secrets → config → system → oauth → model → zoho → error,
//! secret, i18n, nearest, sanitize`
//!
//! `docs/architecture.md` explains the path of `get` and the refresh.

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
