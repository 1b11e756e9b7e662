//! The environment profile `env`, for CI and containers: no files are needed.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{AccountsUrl, Grant, Origin, Profile, ProfileName, SecretBackend, split_scopes};
use crate::nearest::{did_you_mean, nearest};
use crate::secret::Secret;
use crate::system::{Env, files};
use crate::zoho::DataCenter;
use std::path::PathBuf;

/// Variables that only the profile uses.
const OWN: [&str; 7] = [
    "ZOHO_CLIENT_ID",
    "ZOHO_CLIENT_SECRET",
    "ZOHO_CLIENT_SECRET_FILE",
    "ZOHO_REFRESH_TOKEN",
    "ZOHO_REFRESH_TOKEN_FILE",
    "ZOHO_GRANT",
    "ZOHO_SOID",
];

/// Whether any of the profile's variables is set.
pub(crate) fn is_begun(env: &Env) -> bool {
    OWN.iter().any(|name| env.get(name).is_some())
}

/// Whether all of the profile's variables are set. Their values are not checked, and those that contradict each other count,
/// so that [`profile`] reports them.
pub(crate) fn is_complete(env: &Env) -> bool {
    lacking(env, has_client_credentials(env).unwrap_or(false)).is_empty()
}

/// The variables that a profile with this grant lacks.
fn lacking(env: &Env, client_credentials: bool) -> Vec<&'static str> {
    let set = |name: &str| env.get(name).is_some();
    let secret = |name: &str, credential: &str| {
        set(name) || set(&format!("{name}_FILE")) || credential_file(env, credential).is_some()
    };
    let needed = if client_credentials {
        ("ZOHO_SCOPES", set("ZOHO_SCOPES"))
    } else {
        ("ZOHO_REFRESH_TOKEN", secret("ZOHO_REFRESH_TOKEN", "zoho-refresh-token"))
    };
    let all = [
        ("ZOHO_CLIENT_ID", set("ZOHO_CLIENT_ID")),
        ("ZOHO_CLIENT_SECRET", secret("ZOHO_CLIENT_SECRET", "zoho-client-secret")),
        needed,
        ("ZOHO_DATA_CENTER", set("ZOHO_DATA_CENTER") || set("ZOHO_ACCOUNTS_URL")),
    ];
    all.into_iter().filter(|(_, is_there)| !is_there).map(|(name, _)| name).collect()
}

/// Whether the grant is client credentials: `ZOHO_GRANT`, else a refresh token, unless only `ZOHO_SOID` is set.
fn has_client_credentials(env: &Env) -> Result<bool, Error> {
    let refresh_token = source(env, "ZOHO_REFRESH_TOKEN", "zoho-refresh-token")?.is_some();
    let soid = env.get("ZOHO_SOID").is_some();
    let named = match env.get("ZOHO_GRANT").map(str::trim) {
        None => None,
        Some("refresh_token") => Some(false),
        Some("client_credentials") => Some(true),
        Some(word) => {
            let hint = match nearest(word, ["refresh_token", "client_credentials"]) {
                Some(near) => did_you_mean(near),
                None => tr!("use refresh_token or client_credentials"),
            };
            return Err(Error::new(Code::Config, tr!("ZOHO_GRANT: '{word}' is not a grant", word), hint));
        }
    };
    let both = |one: &str, other: &str| {
        Err(Error::new(
            Code::Config,
            tr!("{one} and {other} are both set", one, other),
            tr!("unset {other} for a refresh token, or ZOHO_REFRESH_TOKEN for client credentials", other),
        ))
    };
    match named {
        Some(true) if refresh_token => both("ZOHO_REFRESH_TOKEN", "ZOHO_GRANT"),
        Some(false) if soid => both("ZOHO_REFRESH_TOKEN", "ZOHO_SOID"),
        None if refresh_token && soid => both("ZOHO_REFRESH_TOKEN", "ZOHO_SOID"),
        _ => Ok(named.unwrap_or(soid)),
    }
}

/// Reads the profile. `Code::Config` names all missing variables.
pub fn profile(env: &Env) -> Result<Profile, Error> {
    source(env, "ZOHO_CLIENT_SECRET", "zoho-client-secret")?;
    let client_credentials = has_client_credentials(env)?;
    let lacking = lacking(env, client_credentials);
    let (Some(client_id), [], Some((accounts_url, _))) =
        (env.get("ZOHO_CLIENT_ID"), &lacking[..], accounts(env)?)
    else {
        return Err(missing(&lacking));
    };
    let scopes = split_scopes(env.get("ZOHO_SCOPES").unwrap_or_default());
    if client_credentials && scopes.is_empty() {
        return Err(missing(&["ZOHO_SCOPES"]));
    }
    let soid = env.get("ZOHO_SOID").map(str::to_owned);
    let profile = Profile {
        grant: if client_credentials { Grant::ClientCredentials { soid } } else { Grant::RefreshToken },
        scopes,
        secrets: SecretBackend::Environment,
        ..Profile::new(ProfileName::environment(), Origin::Environment, accounts_url, client_id.trim())
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
                    None => tr!("use us, eu, in, au, jp, ca, sa, uk, cn, ae, sg or inhq"),
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

/// The error of a profile that lacks these variables.
pub(crate) fn missing(lacking: &[&'static str]) -> Error {
    let file = |name: &&str| match *name {
        "ZOHO_CLIENT_SECRET" | "ZOHO_REFRESH_TOKEN" => tr!("{name} or {name}_FILE", name),
        name => name.to_owned(),
    };
    let choices: Vec<String> = lacking.iter().map(file).collect();
    Error::new(
        Code::Config,
        tr!("the environment profile lacks {missing}", missing = lacking.join(&tr!(", "))),
        tr!("set {missing}, or unset the other ZOHO_ variables", missing = choices.join(&tr!(", "))),
    )
}

enum Source<'a> {
    /// Of this variable.
    Value(&'static str, &'a str),
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
        (Some(value), None) => Ok(Some(Source::Value(name, value))),
        (None, Some(path)) => Ok(Some(Source::File(path.into()))),
        (None, None) => Ok(credential_file(env, credential).map(Source::File)),
    }
}

fn read(source: Option<Source<'_>>) -> Result<Option<Secret>, Error> {
    let (secret, place) = match source {
        None => return Ok(None),
        Some(Source::Value(name, value)) => (Secret::from_text(value), name.to_owned()),
        Some(Source::File(path)) => (files::read_secret(&path)?, path.display().to_string()),
    };
    if secret.is_empty() {
        return Err(Error::new(
            Code::Config,
            tr!("{path} contains no secret", path = place),
            tr!("write the secret there, without quotes"),
        ));
    }
    Ok(Some(secret))
}

fn credential_file(env: &Env, credential: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env.get("CREDENTIALS_DIRECTORY")?).join(credential);
    (!credential.is_empty() && path.exists()).then_some(path)
}
