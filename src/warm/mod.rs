//! The warm path: a plain `get` whose token is in the cache is answered before the command line, the config file and
//! everything else is looked at the long way.
//!
//! It may only ever be quicker, never different. So it understands a few command lines ([`args`]) and asks the same
//! functions that the long way asks; what a config file means it takes from a [`memory`] of the last time that the
//! long way read it, as long as nobody has touched the file. Whatever it does not fully understand, and everything
//! that goes wrong, is `None`: then the long way is gone as if nothing had happened.

mod args;
mod memory;

use crate::cli::ErrorFormat;
use crate::config::{Profile, ProfileName, Scheme, config_path, environment, state_dir};
use crate::credential::{CredentialId, CredentialSource, Source};
use crate::error::Error;
use crate::output::{Form, Subject, View, render};
use crate::run::report;
use crate::store::{Links, Stamp, StateDir, cache_path, read_cache};
use crate::system::{Clock, Env, RealClock, Stdout, System};
use crate::token::Freshness;
use args::Call;
use memory::{Memory, wanted};
use std::ffi::OsString;
use std::io::{ErrorKind, Write};

/// Every variable that a call of the warm path depends on.
pub const VARIABLES: [&str; 19] = [
    "APPDATA",
    "CREDENTIALS_DIRECTORY",
    "HOME",
    "LOCALAPPDATA",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "ZOHO_ACCOUNTS_URL",
    "ZOHO_CLIENT_ID",
    "ZOHO_CLIENT_SECRET",
    "ZOHO_CLIENT_SECRET_FILE",
    "ZOHO_CRED_CONFIG",
    "ZOHO_CRED_PROFILE",
    "ZOHO_CRED_STATE_DIR",
    "ZOHO_DATA_CENTER",
    "ZOHO_REFRESH_TOKEN",
    "ZOHO_REFRESH_TOKEN_FILE",
    "ZOHO_SCOPES",
    "ZOHO_SOID",
    "USERPROFILE",
];

/// Answers this process's call on its standard output, if the warm path can; the exit code.
pub fn serve(args: &[OsString]) -> Option<u8> {
    let bytes = answer(args, &|| Env::real_ones(&VARIABLES), &RealClock::default())?;
    let mut stdout = Stdout::real();
    match stdout.write_all(&bytes) {
        Ok(()) => Some(0),
        Err(error) => {
            let error = Error::Stdout { problem: error.to_string() };
            report(&error, ErrorFormat::Text, &System::real());
            Some(error.code().exit_code())
        }
    }
}

/// What `run` would write to stdout, exiting with 0 and without a word on stderr; `None` where it might do anything
/// else.
pub fn answer(args: &[OsString], env: &dyn Fn() -> Env, clock: &dyn Clock) -> Option<Vec<u8>> {
    let call = Call::read(args)?;
    let env = &env();
    let state = StateDir::new(state_dir(env).ok()?);
    let (config, must_exist) = config_path(env, None).ok()?;
    let wanted = wanted(env, call.profile);
    match Stamp::of(&config, Links::Follow) {
        Ok(found) => {
            // An unnamed profile and complete variables deserve a warning.
            if wanted.is_none() && env.get("ZOHO_CLIENT_ID").is_some() {
                return None;
            }
            let memory = Memory::recall(&state, &config, wanted, &found)?;
            let subject =
                Subject { name: &memory.profile, data_center: memory.data_center(), scopes: &memory.scopes };
            let credential = CredentialId::known(&memory.cache_id, &memory.cache_id);
            print(call, &state, &credential, subject, memory.scheme(), clock)
        }
        Err(error) if error.kind() == ErrorKind::NotFound && !must_exist => {
            let profile = environment(env, wanted)?;
            let credential = Source::new(&profile, env, &state).id().ok()?;
            print(call, &state, &credential, Subject::of(&profile), profile.scheme, clock)
        }
        Err(_) => None,
    }
}

/// The profile that the variables make up, where no config file is in the way.
fn environment(env: &Env, wanted: Option<&str>) -> Option<Profile> {
    let meant = match wanted {
        Some(name) => name == ProfileName::environment().as_str(),
        None => environment::is_begun(env) || environment::is_complete(env),
    };
    meant.then(|| environment::profile(env).ok())?
}

/// The token in the cache of `credential`, if it is fresh.
fn print(
    call: Call<'_>,
    state: &StateDir,
    credential: &CredentialId,
    subject: Subject<'_>,
    scheme: Scheme,
    clock: &dyn Clock,
) -> Option<Vec<u8>> {
    state.check().ok()?;
    let record = read_cache(&cache_path(state, credential))?;
    let now = clock.now();
    if record.freshness(now, call.output.min_ttl()) != Freshness::Fresh {
        return None;
    }
    let view = View::new(subject, scheme, &record, now).ok()?;
    Some(render(call.output, &view, &Form::default()))
}

/// After the long way answered a plain `get`: what is worth remembering for the next one.
pub fn remember(args: &[OsString], system: &System) {
    if let Some(call) = Call::read(args) {
        Memory::keep(system, wanted(&system.env, call.profile));
    }
}
