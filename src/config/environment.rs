//! The environment profile `env`, for CI and containers: no files are needed.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{
    AccountsUrl, Budget, DEFAULT_REDIRECT_URI, Grant, Origin, Profile, ProfileName, Scheme, SecretBackend,
    split_scopes,
};
use crate::nearest::{did_you_mean, nearest};
use crate::secret::Secret;
use crate::system::{Env, files};
use crate::zoho::DataCenter;
use std::path::PathBuf;

/// Whether any of the profile's variables is set.
pub(crate) fn is_begun(env: &Env) -> bool {
    let names = ["ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN", "ZOHO_SOID"];
    names.iter().any(|name| env.get(name).is_some())
        || ["ZOHO_CLIENT_SECRET_FILE", "ZOHO_REFRESH_TOKEN_FILE"].iter().any(|name| env.get(name).is_some())
}

/// Whether all of the profile's variables are set. Their values are not checked.
pub(crate) fn is_complete(env: &Env) -> bool {
    let given = |name: &str, file: &str, credential: &str| {
        env.get(name).is_some() || env.get(file).is_some() || credential_file(env, credential).is_some()
    };
    env.get("ZOHO_CLIENT_ID").is_some()
        && given("ZOHO_CLIENT_SECRET", "ZOHO_CLIENT_SECRET_FILE", "zoho-client-secret")
        && (given("ZOHO_REFRESH_TOKEN", "ZOHO_REFRESH_TOKEN_FILE", "zoho-refresh-token")
            || (env.get("ZOHO_SOID").is_some() && env.get("ZOHO_SCOPES").is_some()))
        && (env.get("ZOHO_DATA_CENTER").is_some() || env.get("ZOHO_ACCOUNTS_URL").is_some())
}

/// Reads the profile. `Code::Config` names the first missing variable.
pub fn profile(env: &Env) -> Result<Profile, Error> {
    let client_id = env.get("ZOHO_CLIENT_ID").ok_or_else(|| missing("ZOHO_CLIENT_ID"))?;
    if source(env, "ZOHO_CLIENT_SECRET", "zoho-client-secret")?.is_none() {
        return Err(missing("ZOHO_CLIENT_SECRET"));
    }
    let refresh_token = source(env, "ZOHO_REFRESH_TOKEN", "zoho-refresh-token")?.is_some();
    let scopes = split_scopes(env.get("ZOHO_SCOPES").unwrap_or_default());
    let grant = match (refresh_token, env.get("ZOHO_SOID")) {
        (true, None) => Grant::RefreshToken,
        (false, Some(_)) if scopes.is_empty() => return Err(missing("ZOHO_SCOPES")),
        (false, Some(soid)) => Grant::ClientCredentials { soid: Some(soid.to_owned()) },
        (false, None) => return Err(missing("ZOHO_REFRESH_TOKEN")),
        (true, Some(_)) => {
            return Err(Error::new(
                Code::Config,
                tr!("ZOHO_REFRESH_TOKEN and ZOHO_SOID are both set"),
                tr!("unset ZOHO_SOID for a refresh token, or ZOHO_REFRESH_TOKEN for client credentials"),
            ));
        }
    };
    let (accounts_url, data_center) = accounts(env)?.ok_or_else(|| missing("ZOHO_DATA_CENTER"))?;
    let profile = Profile {
        name: ProfileName::environment(),
        origin: Origin::Environment,
        accounts_url,
        data_center,
        client_id: client_id.trim().to_owned(),
        grant,
        scopes,
        redirect_uri: DEFAULT_REDIRECT_URI.to_owned(),
        scheme: Scheme::default(),
        secrets: SecretBackend::Environment,
        hosts: None,
        budget: Budget::default(),
    };
    profile.check()?;
    Ok(profile)
}

/// The accounts server from `ZOHO_ACCOUNTS_URL` or `ZOHO_DATA_CENTER`.
pub(crate) fn accounts(env: &Env) -> Result<Option<(AccountsUrl, Option<&'static DataCenter>)>, Error> {
    let data_center = match env.get("ZOHO_DATA_CENTER") {
        None => None,
        Some(code) => Some(DataCenter::by_code(code.trim()).ok_or_else(|| {
            Error::new(
                Code::Config,
                tr!("ZOHO_DATA_CENTER: '{code}' is not a data center", code),
                match nearest(code, DataCenter::codes()) {
                    Some(near) => did_you_mean(near),
                    None => tr!("use us, eu, in, au, jp, ca, sa, uk, cn, ae or sg"),
                },
            )
        })?),
    };
    match env.get("ZOHO_ACCOUNTS_URL") {
        Some(url) => {
            let url = AccountsUrl::new(url)?;
            let data_center = data_center.or_else(|| url.data_center());
            Ok(Some((url, data_center)))
        }
        None => Ok(data_center.map(|dc| (AccountsUrl::of(dc), Some(dc)))),
    }
}

/// From `ZOHO_CLIENT_SECRET`, the file in `ZOHO_CLIENT_SECRET_FILE`, or systemd's credentials.
pub(crate) fn client_secret(env: &Env) -> Result<Option<Secret>, Error> {
    read(source(env, "ZOHO_CLIENT_SECRET", "zoho-client-secret")?)
}

/// From `ZOHO_REFRESH_TOKEN`, the file in `ZOHO_REFRESH_TOKEN_FILE`, or systemd's credentials.
pub fn refresh_token(env: &Env) -> Result<Option<Secret>, Error> {
    read(source(env, "ZOHO_REFRESH_TOKEN", "zoho-refresh-token")?)
}

/// Reads the variable `name`, or the file that `name_FILE` names. `Code::Config` if both are set.
pub fn secret(env: &Env, name: &'static str) -> Result<Option<Secret>, Error> {
    read(source(env, name, "")?)
}

pub(crate) fn missing(missing: &'static str) -> Error {
    let hint = match missing {
        "ZOHO_CLIENT_SECRET" | "ZOHO_REFRESH_TOKEN" => {
            tr!("set {missing} or {missing}_FILE, or unset the other ZOHO_ variables", missing)
        }
        _ => tr!("set {missing}, or unset the other ZOHO_ variables", missing),
    };
    Error::new(Code::Config, tr!("the environment profile lacks {missing}", missing), hint)
}

enum Source<'a> {
    Value(&'a str),
    File(PathBuf),
}

fn source<'a>(env: &'a Env, name: &'static str, credential: &str) -> Result<Option<Source<'a>>, Error> {
    let file = format!("{name}_FILE");
    match (env.get(name), env.get(&file)) {
        (Some(_), Some(_)) => Err(Error::new(
            Code::Config,
            tr!("{name} and {file} are both set", name, file),
            tr!("unset one of {name} and {file}", name, file),
        )),
        (Some(value), None) => Ok(Some(Source::Value(value))),
        (None, Some(path)) => Ok(Some(Source::File(path.into()))),
        (None, None) => Ok(credential_file(env, credential).map(Source::File)),
    }
}

fn read(source: Option<Source<'_>>) -> Result<Option<Secret>, Error> {
    let secret = match source {
        None => return Ok(None),
        Some(Source::Value(value)) => Secret::from_text(value),
        Some(Source::File(path)) => files::read_secret(&path)?,
    };
    if secret.is_empty() {
        return Err(Error::new(
            Code::Config,
            tr!("a secret in the environment or its file is empty"),
            tr!("write the secret into the file, without quotes"),
        ));
    }
    Ok(Some(secret))
}

fn credential_file(env: &Env, credential: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env.get("CREDENTIALS_DIRECTORY")?).join(credential);
    (!credential.is_empty() && files::exists(&path)).then_some(path)
}
