//! The command line: clap definitions and nothing else. Help, completions, man pages and docs/cli.md come from here.

use crate::config::{Scheme, duration};
use crate::output::Output;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Prints a fresh Zoho access token, refreshing it once for all callers
#[derive(Debug, Parser)]
#[command(name = "zoho-cred", version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes, before or after its name.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Read the settings from FILE [env: ZOHO_CRED_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<String>,
    /// Trust the certificate authorities in FILE instead of the system's
    #[arg(long, value_name = "FILE", global = true)]
    pub ca_file: Option<PathBuf>,
    /// Say on stderr what is done; twice for every detail. Never a secret
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// How errors are written to stderr
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT", global = true)]
    pub error_format: ErrorFormat,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true)]
    pub color: Color,
}

/// How errors are written to stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ErrorFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One line of JSON.
    Json,
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a fresh access token
    Get(GetArgs),
    /// Read a token from stdin that an API refused, and drop it if it is the cached one
    Reject(RejectArgs),
    /// Grant access once and keep the credential
    Login(LoginArgs),
    /// Show one profile: token life, budget, cool-down, last failure
    Status(StatusArgs),
}

/// Arguments of `get`.
#[derive(Debug, Args)]
pub struct GetArgs {
    /// The profile
    pub profile: Option<String>,
    /// What to print
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// The life that the token must have left, such as 10m
    #[arg(long, value_name = "DUR", value_parser = duration::parse)]
    pub min_ttl: Option<Duration>,
    /// For the whole call
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub timeout: Duration,
    /// How long to wait for budget
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "0s")]
    pub wait: Duration,
    /// Scheme of the Authorization header
    #[arg(long, value_enum)]
    pub scheme: Option<Scheme>,
    /// Use the cache only
    #[arg(long, conflicts_with = "refresh")]
    pub offline: bool,
    /// Get a new token even if the cached one is fresh; spends budget
    #[arg(long)]
    pub refresh: bool,
}

/// Arguments of `reject`.
#[derive(Debug, Args)]
pub struct RejectArgs {
    /// The profile
    pub profile: Option<String>,
    /// How long to wait for the lock
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub timeout: Duration,
}

/// Arguments of `login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The profile to create or update
    pub profile: Option<String>,
    /// How to log in
    #[arg(long, value_enum)]
    pub flow: Option<FlowName>,
    /// The data centre: us, eu, in, au, jp, ca, sa, uk, cn, ae or sg
    #[arg(long, value_name = "DC", conflicts_with = "accounts_url")]
    pub data_center: Option<String>,
    /// The accounts server, where it is none of Zoho's own
    #[arg(long, value_name = "URL")]
    pub accounts_url: Option<String>,
    /// The client's id
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// Scopes, repeatable or separated by commas
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Read the client secret from FILE; - is stdin
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// Read the refresh token from FILE; - is stdin
    #[arg(long, value_name = "FILE")]
    pub refresh_token_file: Option<PathBuf>,
    /// Where the secrets are to rest
    #[arg(long, value_enum, value_name = "PLACE")]
    pub secrets: Option<Place>,
    /// Do not spend a request on proving that the refresh token works
    #[arg(long)]
    pub no_verify: bool,
}

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FlowName {
    /// Take over a refresh token from another tool.
    RefreshToken,
}

/// Where secrets can rest by `login`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// The system's keyring.
    Keyring,
    /// Files of mode 0600 in the state folder.
    File,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The profile
    pub profile: Option<String>,
    /// What to print
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Report,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Report {
    /// For people.
    #[default]
    Text,
    /// For scripts.
    Json,
}
