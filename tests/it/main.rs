//! Integration tests: real processes against the sandbox.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]

#[path = "../harness/mod.rs"]
mod harness;
mod in_process;

use harness::person;

mod answers;
mod api;
mod bound_secrets;
mod budget;
mod cached_get;
mod cli_docs;
mod clock;
mod concurrent_logins;
mod dependencies;
mod device;
mod docs;
mod doctor;
mod errors;
mod exec;
mod export;
mod flags;
mod flows;
mod fuzz;
mod helpers;
mod hostile;
mod hosts;
mod import;
mod installs;
mod japanese;
mod leaks;
mod links;
mod list;
mod listener;
mod lock;
mod login;
mod logout;
#[cfg(target_os = "linux")]
mod network;
mod oauth;
mod other_data_center;
mod other_servers;
mod out_file;
mod outputs;
mod products;
mod profiles;
mod refresh_ahead;
mod rejects;
mod replaced_refresh_token;
mod resource_limits;
mod sandbox;
mod settings;
mod sidecar;
mod stampede;
mod state;
mod status;
mod suspend;
mod tls;
mod trust;
mod watch;
mod wire;
mod wizard;
mod words;
