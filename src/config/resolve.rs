//! Finds the profile of a call, and its files.

use crate::config::{ConfigFile, ConfigOrigin, environment};
use crate::error::Error;
use crate::i18n::tr;
use crate::model::{ENVIRONMENT, Profile, ProfileName};
use crate::system::{Env, files};
use std::path::PathBuf;

/// A profile and how it was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) profile: Profile,
    /// Empty if there is no config file.
    pub(crate) config: ConfigFile,
    /// Whether a profile of the config was chosen by default although the environment profile is complete.
    pub(crate) passed_over_environment: bool,
}

/// Finds the profile: `named`, `ZOHO_CRED_PROFILE`, `default_profile`, the only profile, or the environment profile,
/// in this order. Otherwise [`Error::NoProfile`].
pub(crate) fn resolve(env: &Env, config: ConfigFile, named: Option<&str>) -> Result<Resolved, Error> {
    if let Some(name) = named.or_else(|| env.get("ZOHO_CRED_PROFILE")) {
        let profile = by_name(env, &config, name)?;
        return Ok(Resolved { profile, config, passed_over_environment: false });
    }
    let names = config.names();
    let implied = match (config.default_profile(), names.as_slice()) {
        (Some(name), _) => Some(name.to_owned()),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    };
    match implied {
        Some(name) => {
            let profile = by_name(env, &config, &name)?;
            let passed_over_environment = name != ENVIRONMENT && environment::is_complete(env);
            Ok(Resolved { profile, config, passed_over_environment })
        }
        None if environment::is_begun(env) || environment::is_complete(env) => {
            Ok(Resolved { profile: environment::profile(env)?, config, passed_over_environment: false })
        }
        None => Err(Error::NoProfile { known: names }),
    }
}

fn by_name(env: &Env, config: &ConfigFile, name: &str) -> Result<Profile, Error> {
    let name = ProfileName::new(name)?;
    if name.as_str() == ENVIRONMENT {
        return environment::profile(env);
    }
    let unknown = || Error::UnknownProfile { name: name.to_string(), known: config.names() };
    config.profile(&name).ok_or_else(unknown)?
}

/// `flag`, `ZOHO_CRED_CONFIG`, or `config.toml` in the user's config directory.
pub(crate) fn config_path(env: &Env, flag: Option<&str>) -> Result<(PathBuf, ConfigOrigin), Error> {
    if let Some(path) = flag {
        return Ok((PathBuf::from(path), ConfigOrigin::Flag));
    }
    if let Some(path) = env.get("ZOHO_CRED_CONFIG") {
        return Ok((PathBuf::from(path), ConfigOrigin::Variable));
    }
    let folder = match env.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(folder) => folder,
        None if cfg!(windows) => env.get("APPDATA").map(PathBuf::from).ok_or_else(no_home)?,
        None => files::home(env).ok_or_else(no_home)?.join(".config"),
    };
    Ok((folder.join("zoho-cred").join("config.toml"), ConfigOrigin::Default))
}

/// `ZOHO_CRED_STATE_DIR`, or the user's state directory.
pub(crate) fn state_dir(env: &Env) -> Result<PathBuf, Error> {
    if let Some(path) = env.get("ZOHO_CRED_STATE_DIR") {
        return Ok(files::absolute(&PathBuf::from(path)));
    }
    let folder = match env.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(folder) => folder,
        None if cfg!(windows) => env.get("LOCALAPPDATA").map(PathBuf::from).ok_or_else(no_home)?,
        None => files::home(env).ok_or_else(no_home)?.join(".local").join("state"),
    };
    Ok(folder.join("zoho-cred"))
}

fn no_home() -> Error {
    Error::Setting {
        problem: tr!("there is no home folder"),
        hint: tr!("set HOME, or ZOHO_CRED_CONFIG and ZOHO_CRED_STATE_DIR"),
    }
}
