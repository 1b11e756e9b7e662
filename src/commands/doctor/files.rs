//! The state folder: whose it is, who can read it, whether it can be written and locked.

use super::check::Check;
use crate::commands::Session;
use crate::credential::CredentialSource;
use crate::error::Error;
use crate::store::{self, probe};
use crate::system::{FileSystem, System};

/// Owner and modes, file system, writing, lock.
pub fn checks(session: &Session, system: &System) -> Vec<Check> {
    let state = &session.state;
    if let Err(error) = state.check() {
        return vec![Check::error("state folder", &error)];
    }
    vec![modes(session), file_system(session, system), writing(session), lock(session, system)]
}

fn modes(session: &Session) -> Check {
    const NAME: &str = "file modes";
    let open = probe::open_to_others(&session.state);
    match open.first() {
        None => Check::ok(NAME, "nobody else can read the state"),
        Some(first) => {
            let more = match open.len() {
                1 => String::new(),
                n => format!(" and {} more", n - 1),
            };
            let state = session.state.path().display();
            Check::failed(
                NAME,
                format!("others can read {}{more}", first.display()),
                format!("chmod -R go= {state}; if others may have read it, log in again"),
            )
        }
    }
}

fn file_system(session: &Session, system: &System) -> Check {
    const NAME: &str = "file system";
    let path = session.state.path();
    match (system.file_system)(path) {
        FileSystem::Local => Check::ok(NAME, format!("{} is on a local one", path.display())),
        FileSystem::Unknown => Check::skipped(NAME, "its kind is not known here"),
        FileSystem::Remote(kind) => Check::failed(
            NAME,
            format!("{} is on {kind}, whose locks cannot be trusted", path.display()),
            "set ZOHO_CRED_STATE_DIR to a local folder; to share between machines use [store]",
        ),
    }
}

fn writing(session: &Session) -> Check {
    const NAME: &str = "state folder";
    match probe::write(&session.state) {
        Ok(()) => Check::ok(NAME, format!("{} can be written", session.state.path().display())),
        Err(error) => Check::error(NAME, &error),
    }
}

fn lock(session: &Session, system: &System) -> Check {
    const NAME: &str = "lock";
    let id = match session.source(system).id() {
        Ok(id) => id,
        Err(_) => return Check::skipped(NAME, "there is no credential to lock"),
    };
    let look = || -> Result<Check, Error> {
        let store = store::open(&session.state, &id, None)?;
        let free = store.try_lock()?.is_some();
        Ok(match (free, store.holder()) {
            (true, _) => Check::ok(NAME, "it is free, and can be taken"),
            (false, Some(holder)) if holder.pid != 0 => {
                Check::ok(NAME, format!("process {} is refreshing", holder.pid))
            }
            (false, _) => Check::ok(NAME, "somebody is refreshing"),
        })
    };
    look().unwrap_or_else(|error| Check::error(NAME, &error))
}
