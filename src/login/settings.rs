//! The settings of a login: flags first, then what the profile has, then the environment, then a question.

use super::{ask, ask_secret, read_secret_file};
use crate::cli::{LoginArgs, Place};
use crate::config::{
    AccountsUrl, Budget, ConfigFile, DEFAULT_REDIRECT_URI, DataCenter, ENVIRONMENT, Grant, Origin, Profile,
    ProfileName, Scheme, SecretsIn, environment, nearest, split_scopes,
};
use crate::error::Error;
use crate::secret::Secret;
use crate::system::System;

/// The profile that a login creates or updates, with every setting that does not need Zoho to answer.
pub fn profile(system: &mut System, args: &LoginArgs, config: &ConfigFile) -> Result<Profile, Error> {
    let name = name(system, args, config)?;
    let old = config.profile(&name).and_then(Result::ok);
    let (accounts_url, data_center) = accounts(system, args, old.as_ref())?;
    let client_id = match (&args.client_id, &old, system.env.get("ZOHO_CLIENT_ID")) {
        (Some(id), _, _) => id.trim().to_owned(),
        (None, Some(old), _) => old.client_id.clone(),
        (None, None, Some(id)) => id.trim().to_owned(),
        (None, None, None) => ask(system, "Client ID", "--client-id")?,
    };
    let mut scopes: Vec<String> = args.scopes.iter().flat_map(|s| split_scopes(s)).collect();
    if scopes.is_empty() {
        scopes = old.as_ref().map(|old| old.scopes.clone()).unwrap_or_default();
    }
    let secrets = match (args.secrets, &old) {
        (Some(Place::File), _) => SecretsIn::File,
        (Some(Place::Keyring), _) => SecretsIn::Keyring,
        (None, Some(old)) => old.secrets.clone(),
        (None, None) => SecretsIn::Keyring,
    };
    let base = old.unwrap_or_else(|| Profile {
        name,
        origin: Origin::File(config.path().to_owned()),
        accounts_url: accounts_url.clone(),
        data_center,
        client_id: String::new(),
        grant: Grant::RefreshToken,
        scopes: Vec::new(),
        redirect_uri: DEFAULT_REDIRECT_URI.to_owned(),
        scheme: Scheme::default(),
        secrets: SecretsIn::Keyring,
        hosts: None,
        budget: Budget::default(),
    });
    Ok(Profile { accounts_url, data_center, client_id, scopes, secrets, ..base })
}

fn name(system: &mut System, args: &LoginArgs, config: &ConfigFile) -> Result<ProfileName, Error> {
    let implied = args
        .profile
        .as_deref()
        .or_else(|| system.env.get("ZOHO_CRED_PROFILE"))
        .or_else(|| config.default_profile())
        .map(str::to_owned);
    let name = match (implied, config.names().as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only.clone(),
        (None, _) => ask(system, "Profile name", "PROFILE")?,
    };
    if name == ENVIRONMENT {
        return Err(Error::Usage("'env' is the environment's profile; choose another name".into()));
    }
    ProfileName::new(&name)
}

fn accounts(
    system: &mut System,
    args: &LoginArgs,
    old: Option<&Profile>,
) -> Result<(AccountsUrl, Option<&'static DataCenter>), Error> {
    if let Some(url) = &args.accounts_url {
        let url = AccountsUrl::new(url)?;
        let data_center = url.data_center();
        return Ok((url, data_center));
    }
    if let Some(code) = &args.data_center {
        return by_code(code);
    }
    if let Some(old) = old {
        return Ok((old.accounts_url.clone(), old.data_center));
    }
    if let Some(found) = environment::accounts(&system.env)? {
        return Ok(found);
    }
    by_code(&ask(system, "Data centre (us, eu, in, au, jp, ca, sa, uk, cn, ae, sg)", "--data-center")?)
}

fn by_code(code: &str) -> Result<(AccountsUrl, Option<&'static DataCenter>), Error> {
    let dc = DataCenter::by_code(code.trim()).ok_or_else(|| {
        let near = nearest(code, DataCenter::codes()).map(|near| format!(", did you mean '{near}'?"));
        Error::Usage(format!("'{code}' is not a data centre{}", near.unwrap_or_default()))
    })?;
    Ok((AccountsUrl::of(dc), Some(dc)))
}

/// The client secret: from its file, the environment, what an earlier login stored, or a hidden prompt.
pub fn client_secret(system: &mut System, args: &LoginArgs, stored: Option<Secret>) -> Result<Secret, Error> {
    if let Some(path) = &args.client_secret_file {
        return read_secret_file(system, path);
    }
    if let Some(secret) = environment::client_secret(&system.env)? {
        return Ok(secret);
    }
    match stored {
        Some(secret) => Ok(secret),
        None => ask_secret(system, "Client Secret", "--client-secret-file"),
    }
}
