//! Finds the profile of a call, and its files.

use crate::config::{ConfigFile, ConfigOrigin, environment};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{ENVIRONMENT, Profile, ProfileName};
use crate::nearest::{did_you_mean, nearest};
use crate::sanitize::mask_argument;
use crate::system::{Env, files};
use std::path::{Path, PathBuf};

/// A profile and the config it is from.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) profile: Profile,
    /// Empty if there is no config file.
    pub(crate) config: ConfigFile,
}

/// Finds the profile: `named`, `ZOHO_CRED_PROFILE`, the environment profile if it is complete, `default_profile`, or the
/// only profile, in this order. Otherwise `Code::Usage`.
pub(crate) fn resolve(env: &Env, config: ConfigFile, named: Option<&str>) -> Result<Resolved, Error> {
    let profile = choose(env, &config, named)?;
    Ok(Resolved { profile, config })
}

fn choose(env: &Env, config: &ConfigFile, named: Option<&str>) -> Result<Profile, Error> {
    if let Some(name) = named.or_else(|| env.get("ZOHO_CRED_PROFILE")) {
        return by_name(env, config, name);
    }
    if environment::is_complete(env) {
        return environment::profile(env);
    }
    let names = config.names();
    let implied = match (config.default_profile(), names.as_slice()) {
        (Some(name), _) => Some(name),
        (None, [only]) => Some(only.as_str()),
        (None, _) => None,
    };
    match implied {
        Some(name) => by_name(env, config, name),
        // Half-set variables are an error that names those that are missing.
        None if names.is_empty() && environment::is_begun(env) => environment::profile(env),
        None => Err(no_profile(&names)),
    }
}

fn by_name(env: &Env, config: &ConfigFile, name: &str) -> Result<Profile, Error> {
    let name = ProfileName::new(name)?;
    if name.as_str() == ENVIRONMENT {
        return environment::profile(env);
    }
    config.profile(&name).ok_or_else(|| unknown_profile(name.as_str(), config))?
}

fn no_profile(known: &[String]) -> Error {
    match known {
        [] => Error::new(Code::Usage, tr!("there is no profile yet"), how_to_begin()),
        _ => Error::new(
            Code::Usage,
            tr!("which profile? There are: {known}", known = known.join(&tr!(", "))),
            tr!("name one with -p, or set a default with 'zoho-cred profile use {name}'", name = known[0]),
        ),
    }
}

/// Unless it is a typo, the error names the config: another one may be meant.
fn unknown_profile(name: &str, config: &ConfigFile) -> Error {
    let (known, path) = (config.names(), config.path().display());
    let message = tr!("there is no profile '{name}'", name = mask_argument(name));
    let error = |hint: String| Error::new(Code::UnknownProfile, &*message, hint);
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => error(did_you_mean(near)),
        None if known.is_empty() => error(how_to_begin()).with_cause(tr!("the config is {path}", path)),
        None => error(tr!("there are: {known}", known = known.join(&tr!(", "))))
            .with_cause(tr!("the config is {path}", path)),
    }
}

fn how_to_begin() -> String {
    tr!(
        "run 'zoho-cred login crm', or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DATA_CENTER"
    )
}

/// `flag`, `ZOHO_CRED_CONFIG`, or `config.toml` in the user's config directory.
pub(crate) fn config_path(env: &Env, flag: Option<&str>) -> Result<(PathBuf, ConfigOrigin), Error> {
    if let Some(path) = flag {
        return Ok((PathBuf::from(path), ConfigOrigin::Flag));
    }
    if let Some(path) = env.get("ZOHO_CRED_CONFIG") {
        return Ok((PathBuf::from(path), ConfigOrigin::Variable));
    }
    Ok((default_config_path(env)?, ConfigOrigin::Default))
}

/// `config.toml` in the user's config directory.
pub(crate) fn default_config_path(env: &Env) -> Result<PathBuf, Error> {
    Ok(own_folder(env, "XDG_CONFIG_HOME", "APPDATA", ".config")?.join("config.toml"))
}

/// `ZOHO_CRED_STATE_DIR`, or the user's state directory.
pub(crate) fn state_dir(env: &Env) -> Result<PathBuf, Error> {
    match env.get("ZOHO_CRED_STATE_DIR") {
        Some(path) => Ok(files::absolute(Path::new(path))),
        None => own_folder(env, "XDG_STATE_HOME", "LOCALAPPDATA", ".local/state"),
    }
}

/// Our folder in the one that a variable names, or in the usual one of the system.
fn own_folder(env: &Env, xdg: &str, windows: &str, in_home: &str) -> Result<PathBuf, Error> {
    let folder = match env.get(xdg).map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(folder) => Some(folder),
        None if cfg!(windows) => env.get(windows).map(PathBuf::from),
        None => files::home(env).map(|home| home.join(in_home)),
    };
    Ok(folder.ok_or_else(no_home)?.join("zoho-cred"))
}

fn no_home() -> Error {
    Error::new(
        Code::Config,
        tr!("there is no home folder"),
        if cfg!(windows) {
            tr!("set APPDATA and LOCALAPPDATA, or ZOHO_CRED_CONFIG and ZOHO_CRED_STATE_DIR")
        } else {
            tr!("set HOME, or ZOHO_CRED_CONFIG and ZOHO_CRED_STATE_DIR")
        },
    )
}
