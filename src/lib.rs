//! # zoho-cred: Zoho access tokens for whoever calls
//!
//! The map. A room may use what stands to its right, never what stands to its left:
//!
//! `commands → login, token, helper, output → credential, store, system → oauth, config → secret, error`
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | the command line, as clap definitions |
//! | [`commands`] | one file a verb, each a short story |
//! | [`login`] | granting access once: one file a flow |
//! | [`token`] | the heart: freshness, ledger, the one refresh for all callers |
//! | [`helper`] | the protocols of git and of EngFlow's credential helpers, as values |
//! | [`output`] | one pure function a format: token to bytes |
//! | [`credential`] | the fingerprint of a credential, and where its secrets rest |
//! | [`store`] | state that callers share: the trait, and the folder of one machine |
//! | [`oauth`] | Zoho's OAuth in values: forms, and what an answer means |
//! | [`config`] | files, variables and flags become one resolved profile |
//! | [`system`] | the outside: clock, HTTP, streams, signals, each port beside its adapter |
//! | `sandbox` | Zoho Accounts and a small CRM in miniature, for tests and the demo; nothing else enters it |
//! | [`error`] | every way to fail, its words and its exit code |
//! | `sanitize` | text from outside is escaped before it is shown |
//! | [`secret`] | a value that must not be seen |
//! | [`words`] | what is said, in English and Japanese; every room may use it |
//!
//! Left out on purpose: a daemon (the file is faster), token introspection (Zoho has none), docker, AWS, netrc and
//! pip helpers (their semantics do not fit a Zoho access token).

pub mod cli;
pub mod commands;
pub mod config;
pub mod credential;
pub mod error;
pub mod helper;
pub mod login;
pub mod oauth;
pub mod output;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod sanitize;
pub mod secret;
pub mod store;
pub mod system;
pub mod token;
pub mod words;

mod run;

pub use run::run;
