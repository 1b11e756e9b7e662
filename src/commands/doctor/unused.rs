//! Finds credentials and state that no profile uses any more, and removes them with `--fix`.

use crate::cli::Global;
use crate::commands::doctor::check::Check;
use crate::commands::session::read_config;
use crate::config::{ConfigFile, state_dir};
use crate::error::Error;
use crate::i18n::tr;
use crate::secrets::{FileSecrets, KeyringSecrets, KeyringTimeout, LoginLock, SecretStore, Unused};
use crate::store::StateDir;
use crate::system::System;

/// `None` if nothing is unused, or if the config or the state folder cannot be trusted.
pub(crate) fn check(system: &System, global: &Global, fix: bool) -> Option<Check> {
    let config = read_config(system, global, true).ok()?;
    let state = StateDir::new(state_dir(&system.env).ok()?);
    state.check().ok()?;
    let what = &tr!("unused");
    let now_ms = system.clock.now().wall_ms;
    let checked = Unused::find(&state, &config, now_ms).and_then(|found| match found.count() {
        0 => Ok(None),
        _ if fix => remove(system, &state, &config).map(Some),
        _ => {
            let advice = tr!("run 'zoho-cred doctor --fix' to remove them");
            Ok(Some(Check::warning(what, describe(&found), advice)))
        }
    });
    checked.unwrap_or_else(|error| Some(Check::error(what, &error)))
}

fn remove(system: &System, state: &StateDir, config: &ConfigFile) -> Result<Check, Error> {
    let what = &tr!("unused");
    let lock = LoginLock::take(&*system.clock, state, config)?;
    let found = Unused::find(state, &lock.config, system.clock.now().wall_ms)?;
    let all = found.remove(state, &|word| -> Result<Box<dyn SecretStore>, Error> {
        Ok(match word {
            "file" => Box::new(FileSecrets::new(state)),
            _ => Box::new(KeyringSecrets::new(KeyringTimeout::of(system))),
        })
    })?;
    let removed = tr!("removed: {what}", what = describe(&found));
    Ok(if all {
        Check::ok(what, removed)
    } else {
        let fix = tr!("unlock the keyring, then run 'zoho-cred doctor --fix' again");
        Check::warning(what, tr!("{removed}; secrets in the keyring could not be deleted", removed), fix)
    })
}

fn describe(found: &Unused) -> String {
    let message = tr!("credentials and files that no profile uses: {count}", count = found.count());
    match found.profiles.as_slice() {
        [] => message,
        profiles => {
            let profiles = profiles.join(", ");
            tr!("{message}; logins of deleted profiles, still valid at Zoho: {profiles}", message, profiles)
        }
    }
}
