//! Which profile a call means, and where its files are.

use crate::config::{ConfigFile, ConfigOrigin, environment};
use crate::error::Error;
use crate::i18n::tr;
use crate::model::{ENVIRONMENT, Profile, ProfileName};
use crate::system::{Env, files};
use std::path::PathBuf;

/// A profile, the file it was looked up in, and how it was chosen.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The profile.
    pub(crate) profile: Profile,
    /// The config file; empty where there is none.
    pub(crate) config: ConfigFile,
    /// Whether complete environment variables were passed over for a profile of the config that nobody named.
    pub(crate) passed_over_environment: bool,
}

/// Resolves what a call means: `named`, then `ZOHO_CRED_PROFILE`, then `default_profile`, then the only profile
/// there is, then the environment profile; else [`Error::NoProfile`].
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

/// Path of the config file: `flag`, `ZOHO_CRED_CONFIG`, or the one in the user's config folder.
pub(crate) fn config_path(env: &Env, flag: Option<&str>) -> Result<(PathBuf, ConfigOrigin), Error> {
    if let Some(path) = flag {
        return Ok((PathBuf::from(path), ConfigOrigin::Flag));
    }
    if let Some(path) = env.get("ZOHO_CRED_CONFIG") {
        return Ok((PathBuf::from(path), ConfigOrigin::Variable));
    }
    let folder = match env.get("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(folder) => folder,
        None if cfg!(windows) => env.get("APPDATA").map(PathBuf::from).ok_or_else(homeless)?,
        None => files::home(env).ok_or_else(homeless)?.join(".config"),
    };
    Ok((folder.join("zoho-cred").join("config.toml"), ConfigOrigin::Default))
}

/// The state folder: `ZOHO_CRED_STATE_DIR`, or the one in the user's state folder.
pub(crate) fn state_dir(env: &Env) -> Result<PathBuf, Error> {
    if let Some(path) = env.get("ZOHO_CRED_STATE_DIR") {
        return Ok(files::absolute(&PathBuf::from(path)));
    }
    let folder = match env.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(folder) => folder,
        None if cfg!(windows) => env.get("LOCALAPPDATA").map(PathBuf::from).ok_or_else(homeless)?,
        None => files::home(env).ok_or_else(homeless)?.join(".local").join("state"),
    };
    Ok(folder.join("zoho-cred"))
}

fn homeless() -> Error {
    Error::Setting {
        problem: tr!("there is no home folder"),
        hint: tr!("set HOME, or ZOHO_CRED_CONFIG and ZOHO_CRED_STATE_DIR"),
    }
}
