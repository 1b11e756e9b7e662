//! The warm path: a plain `get` whose token is in the cache is answered before the command line, the config file and
//! everything else is looked at the long way; on Linux even before the program has started (`start`).
//!
//! It may only ever be quicker, never different. It understands a few command lines ([`args`]). What they mean it
//! takes from a [`memory`] of the last time that the long way answered the same words under the same variables, as
//! long as nobody has touched a file that the answer was made of. Whatever it does not fully understand, and
//! everything that goes wrong, is `None`: then the long way is gone as if nothing had happened.
//!
//! What answers runs before the C library and Rust are ready. So it takes no memory from the heap, formats nothing,
//! knows no thread, and asks the system directly.
#![cfg_attr(not(unix), expect(dead_code, reason = "without inodes nothing can be remembered"))]

#[cfg(unix)]
mod answer;
mod args;
#[cfg(unix)]
mod cached;
#[cfg(unix)]
mod files;
#[cfg(unix)]
mod memory;
// The entry point, by build.rs.
#[cfg(all(
    target_os = "linux",
    any(
        all(target_arch = "x86_64", any(target_env = "gnu", target_env = "musl")),
        all(target_arch = "aarch64", target_env = "gnu")
    )
))]
mod start;

#[cfg(unix)]
pub use answer::{Answer, answer};

use crate::system::{Clock, Env, Now, System};
use std::ffi::OsString;
use std::sync::atomic::AtomicBool;

/// Every variable that a call of the warm path depends on, apart by spaces. A list of texts would be a list of
/// pointers, which nobody has corrected yet when a static program starts.
pub const VARIABLES: &str = "CREDENTIALS_DIRECTORY HOME XDG_CONFIG_HOME XDG_STATE_HOME ZOHO_ACCOUNTS_URL ZOHO_CLIENT_ID \
    ZOHO_CLIENT_SECRET ZOHO_CLIENT_SECRET_FILE ZOHO_CRED_CONFIG ZOHO_CRED_PROFILE ZOHO_CRED_STATE_DIR ZOHO_DATA_CENTER \
    ZOHO_REFRESH_TOKEN ZOHO_REFRESH_TOKEN_FILE ZOHO_SCOPES ZOHO_SOID";

/// Whether the start of the program has tried already.
static TRIED: AtomicBool = AtomicBool::new(false);

/// What the warm path asks of the outside beside files.
pub trait Surroundings {
    /// The variable's value; `None` where it is not set, or empty.
    fn variable(&self, name: &str) -> Option<&[u8]>;
    /// Both clocks at this moment.
    fn now(&self) -> Now;
}

/// The surroundings of a program that has started.
pub struct Started<'a> {
    /// Its variables.
    pub env: &'a Env,
    /// Its clock.
    pub clock: &'a dyn Clock,
}

impl Surroundings for Started<'_> {
    fn variable(&self, name: &str) -> Option<&[u8]> {
        self.env.get(name).map(str::as_bytes)
    }

    fn now(&self) -> Now {
        self.clock.now()
    }
}

/// Answers this process's call on its standard output, if the warm path can and has not tried yet; the exit code.
#[cfg(unix)]
pub fn serve(args: &[OsString]) -> Option<u8> {
    use crate::cli::ErrorFormat;
    use crate::error::Error;
    use crate::system::{RealClock, Stdout};
    use std::io::Write;
    if TRIED.load(std::sync::atomic::Ordering::Relaxed) {
        return None;
    }
    let words = words(args)?;
    let bytes = answer(&words, &Started { env: &Env::real_ones(VARIABLES), clock: &RealClock::default() })?;
    let Err(error) = Stdout::real().write_all(&bytes) else { return Some(0) };
    let error = Error::Stdout { problem: error.to_string() };
    crate::run::report(&error, ErrorFormat::Text, &System::real());
    Some(error.code().exit_code())
}

/// Without inodes nothing can be remembered.
#[cfg(not(unix))]
pub fn serve(_: &[OsString]) -> Option<u8> {
    None
}

/// After the long way answered a plain `get`: what is worth remembering for the next one.
#[cfg(unix)]
pub fn remember(args: &[OsString], system: &System) {
    if let Some(call) = words(args).as_deref().and_then(args::Call::read) {
        memory::keep(system, call.profile);
    }
}

/// Without inodes nothing can be remembered.
#[cfg(not(unix))]
pub fn remember(_: &[OsString], _: &System) {}

#[cfg(unix)]
fn words(args: &[OsString]) -> Option<Vec<&str>> {
    args.iter().map(|arg| arg.to_str()).collect()
}
