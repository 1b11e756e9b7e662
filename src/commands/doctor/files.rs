//! Checks of the state folder: owner, modes, file system, writing and locking.

use crate::commands::Session;
use crate::commands::doctor::check::Check;
use crate::commands::status::refreshing;
use crate::error::Error;
use crate::i18n::tr;
use crate::secrets::CredentialSource;
use crate::store::local::probe;
use crate::store::local::state_dir::command_to_close;
use crate::store::{self, Holder, StateDir};
use crate::system::{FileSystem, System};

pub(crate) fn checks(state: &StateDir, system: &System) -> Vec<Check> {
    if let Err(error) = state.check() {
        return vec![Check::error(&tr!("state folder"), &error)];
    }
    vec![modes(state), file_system(state, system), writing(state, system)]
}

fn modes(state: &StateDir) -> Check {
    let what = &tr!("file modes");
    let open = probe::open_to_others(state);
    match open.first() {
        None => Check::ok(what, tr!("no other user can read the state")),
        Some(first) => {
            let command = command_to_close(state.path(), "-R go=");
            Check::failed(
                what,
                match open.len() {
                    1 => tr!("other users can read {path}", path = first.display()),
                    n => {
                        tr!(
                            "other users can read {path} and {count} more",
                            path = first.display(),
                            count = n - 1
                        )
                    }
                },
                tr!("run '{command}', and log in again if others may have read it", command),
            )
        }
    }
}

fn file_system(state: &StateDir, system: &System) -> Check {
    let what = &tr!("file system");
    let path = state.path().display();
    match (system.file_system)(state.path()) {
        FileSystem::Local => Check::ok(what, tr!("{path} is local", path)),
        FileSystem::Unknown => Check::skipped(what, tr!("unknown type")),
        FileSystem::Remote(kind) => Check::failed(
            what,
            tr!("{path} is on {kind}, where file locks are unreliable", path, kind),
            tr!("set ZOHO_CRED_STATE_DIR to a local folder; to share between machines, use [store]"),
        ),
        FileSystem::WithoutOwners(kind) => Check::failed(
            what,
            tr!(
                "{path} is on {kind}, which has no file owners or modes, so other users can read the state",
                path,
                kind
            ),
            tr!("set ZOHO_CRED_STATE_DIR to a folder on another file system, such as ext4 or APFS"),
        ),
    }
}

fn writing(state: &StateDir, system: &System) -> Check {
    let what = &tr!("state folder");
    let path = state.path().display();
    match probe::write(state) {
        Ok(()) if system.env.get("ZOHO_CRED_STATE_DIR").is_some() => {
            Check::ok(what, tr!("{path} is writable", path))
        }
        Ok(()) => Check::ok(
            what,
            tr!(
                "{path} is writable; processes with another HOME have a separate budget unless they set ZOHO_CRED_STATE_DIR",
                path
            ),
        ),
        Err(error) => Check::error(what, &error),
    }
}

/// Whether the credential's lock can be acquired.
pub(crate) fn lock(session: &Session, system: &System) -> Check {
    let what = &tr!("lock");
    let id = match session.source(system).id() {
        Ok(id) => id,
        Err(_) => return Check::skipped(what, tr!("no credential to lock")),
    };
    let look = || -> Result<Check, Error> {
        let store = store::open(&session.state, &id, None)?;
        let free = store.try_lock()?.is_some();
        Ok(if free {
            Check::ok(what, tr!("free##not locked"))
        } else {
            Check::ok(what, refreshing(store.holder().and_then(Holder::pid)))
        })
    };
    look().unwrap_or_else(|error| Check::error(what, &error))
}
