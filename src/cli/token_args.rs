//! The arguments of `get` and `exec`.

use crate::config::duration;
use crate::i18n::tr;
use crate::model::Scheme;
use crate::output::{Output, Shell};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What `get` and `exec` want of a token.
#[derive(Debug, Args)]
pub(crate) struct TokenFlags {
    /// Refresh a token that expires within this time, such as 10m (at most 45m)
    #[arg(long, value_name = "DUR", value_parser = min_ttl)]
    pub(crate) min_ttl: Option<Duration>,
    /// Time limit for getting the token
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "30s")]
    pub(crate) timeout: Duration,
    /// How long to wait when the budget is used up
    #[arg(long, value_name = "DUR", value_parser = duration::parse, default_value = "0s")]
    pub(crate) wait: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// Profile to use
    pub(crate) profile: Option<String>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) token: TokenFlags,
    /// Scheme of the Authorization header
    #[arg(long, value_enum)]
    pub(crate) scheme: Option<Scheme>,
    /// Use only the cached token; send no request
    #[arg(long, conflicts_with = "refresh")]
    pub(crate) offline: bool,
    /// Request a new token even if the cached one is fresh
    #[arg(long)]
    pub(crate) refresh: bool,
    /// Shell syntax of '-o env'; the default is sh
    #[arg(long, value_enum)]
    pub(crate) shell: Option<Shell>,
    /// Write the output to FILE atomically instead of printing it
    #[arg(long, alias = "out", value_name = "FILE")]
    pub(crate) output_file: Option<PathBuf>,
    /// Octal mode of the output file
    #[arg(long, value_name = "MODE", value_parser = mode, default_value = "0600", requires = "output_file")]
    pub(crate) mode: u32,
    /// Keep running and update the output file until a signal arrives
    #[arg(long, requires = "output_file", conflicts_with_all = ["offline", "refresh"])]
    pub(crate) watch: bool,
    /// Replace FILE once a second while the output file has a valid token
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub(crate) health_file: Option<PathBuf>,
    /// Drop the token that another program writes to FILE, as 'reject' does
    #[arg(long, value_name = "FILE", requires = "watch")]
    pub(crate) reject_file: Option<PathBuf>,
}

/// Zoho's tokens are valid for one hour. A longest `--min-ttl` close to that would refresh on every call.
const LONGEST_MIN_TTL: Duration = Duration::from_secs(45 * 60);

fn min_ttl(text: &str) -> Result<Duration, String> {
    match duration::parse(text)? {
        ttl if ttl > LONGEST_MIN_TTL => {
            Err(tr!("Zoho's tokens are valid for one hour, so the longest --min-ttl is 45m"))
        }
        ttl => Ok(ttl),
    }
}

fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text.trim_start_matches("0o"), 8).ok().filter(|mode| *mode <= 0o777);
    match mode {
        Some(mode) if mode & 0o600 == 0o600 => Ok(mode),
        Some(_) => Err(tr!("the owner must be able to read and write the file")),
        None => Err(tr!("'{text}' is not a mode; write 0600 or 0640", text)),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// Profile to use
    pub(crate) profile: Option<String>,
    #[command(flatten)]
    pub(crate) token: TokenFlags,
    /// Command to run, with its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}
