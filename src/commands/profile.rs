//! `profile`: chooses the default profile, renames a profile with its credential, or removes both.

use crate::cli::{Global, LogoutArgs, ProfileAction};
use crate::commands::logout;
use crate::commands::session::Session;
use crate::config::{ConfigFile, edit};
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::model::{ENVIRONMENT, Profile, ProfileName};
use crate::secrets::{LoginLock, LoginRecord, ProfileState, label};
use crate::system::System;

pub(crate) fn run(system: &mut System, global: &Global, action: &ProfileAction) -> Result<u8, Error> {
    match action {
        ProfileAction::Use { name } => {
            let name = global.required_profile(name.as_deref(), "zoho-cred profile use")?;
            make_default(system, global, in_config(name)?)
        }
        ProfileAction::Rename { old, new } => rename(system, global, in_config(old)?, new),
        ProfileAction::Remove { name, local, force } => {
            let args = LogoutArgs { profile: name.clone(), force: *force, local: *local, forget: true };
            logout::run(system, global, &args)
        }
    }
}

/// `name`, if it is not that of the environment.
fn in_config(name: &str) -> Result<&str, Error> {
    if name == ENVIRONMENT {
        let problem = tr!("profile 'env' comes from the ZOHO_ variables, not from a config file");
        return Err(Error::usage(problem, "zoho-cred profile"));
    }
    Ok(name)
}

fn make_default(system: &System, global: &Global, name: &str) -> Result<u8, Error> {
    let session = Session::open(system, global, Some(name))?;
    let name = session.profile.name.clone();
    let lock = LoginLock::take(&*system.clock, &session.state, &session.config)?;
    let config = &lock.config;
    let written = edit::apply(config, |text| edit::with_default(config.path(), text, &name))?;
    written.map_err(|error| unwritable(config, &error, &format!("default_profile = \"{name}\"")))?;
    system.inform(&tr!("zoho-cred: '{name}' is the default profile now", name));
    Ok(0)
}

/// Renames settings, credential and state. The new login record is written before the config file and the old one is
/// removed after it, so that one of the two names works at any time.
fn rename(system: &System, global: &Global, old: &str, new: &str) -> Result<u8, Error> {
    let session = Session::open(system, global, Some(old))?;
    let (state, profile) = (&session.state, &session.profile);
    let new = ProfileName::new(new)?;
    let lock = LoginLock::take(&*system.clock, state, &session.config)?;
    let config = &lock.config;
    let problem = if new.as_str() == ENVIRONMENT {
        Some(tr!("'env' is reserved for the environment; choose another name"))
    } else {
        let is_taken = config.names().iter().any(|name| name == new.as_str());
        is_taken.then(|| tr!("there is a profile '{new}' already", new))
    };
    if let Some(problem) = problem {
        return Err(Error::usage(problem, "zoho-cred profile"));
    }
    let renamed = Profile { name: new.clone(), ..profile.clone() };
    let login = LoginRecord::load(state, profile)?;
    if let Some(login) = &login {
        LoginRecord { profile: new.to_string(), ..login.clone() }.save(state)?;
    }
    if let Some(used) = ProfileState::recorded(state, profile)? {
        used.save(state, &renamed)?;
    }
    let name = &profile.name;
    let written = edit::apply(config, |text| edit::with_new_name(config.path(), text, name, &new))?;
    written.map_err(|error| unwritable(config, &error, &format!("[profile.{new}]")))?;
    ProfileState::forget(state, profile)?;
    LoginRecord::remove(state, profile)?;
    for item in login.iter().flat_map(LoginRecord::own_items) {
        let relabeled = session.source(system).store(&item.store);
        let relabeled =
            relabeled.and_then(|store| store.relabel(&item.name, &label(&item.name, new.as_str())));
        relabeled.unwrap_or_else(|error| log::info!("a secret keeps its label: {}", error.message()));
    }
    system.inform(&tr!("zoho-cred: '{old}' is called '{new}' now", old = name, new));
    Ok(0)
}

/// The edit that a read-only config needs, for the user to make.
fn unwritable(config: &ConfigFile, error: &std::io::Error, line: &str) -> Error {
    let path = config.path().display();
    Error::new(
        Code::Config,
        tr!("could not write {path}", path),
        tr!("make the file writable, or edit it yourself: {line}", line),
    )
    .with_cause(causes::cause(error))
}
