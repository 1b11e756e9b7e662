//! Makes a [`Profile`] of a `[profile.NAME]` table.

use crate::config::duration;
use crate::config::table::ConfigTable;
use crate::error::Error;
use crate::i18n::tr;
use crate::model::{
    AccountsUrl, Budget, DEFAULT_REDIRECT_URI, Grant, Origin, Profile, ProfileName, Scheme, SecretBackend,
    split_scopes,
};
use crate::zoho::DataCenter;
use std::time::Duration;

const KEYS: [&str; 13] = [
    "data_center",
    "accounts_url",
    "client_id",
    "grant",
    "soid",
    "scopes",
    "redirect_uri",
    "scheme",
    "org_id",
    "secrets",
    "secret_command",
    "hosts",
    "budget",
];

const BUDGET_KEYS: [&str; 2] = ["tokens", "window"];

/// Refuses unknown keys of the profile and of its tables.
pub(super) fn check_keys(table: &ConfigTable<'_>) -> Result<(), Error> {
    table.check_keys(&KEYS)?;
    table.table("budget")?.map_or(Ok(()), |budget| budget.check_keys(&BUDGET_KEYS))
}

/// Reads and validates the profile.
pub(super) fn read(table: &ConfigTable<'_>, name: &ProfileName, origin: Origin) -> Result<Profile, Error> {
    let lacks = |key: &str| table.invalid(&tr!("profile '{name}' lacks {key}", name, key));
    let text = |key: &str| Ok::<_, Error>(table.text(key)?.map(str::to_owned));
    let data_center = data_center(table)?;
    let accounts_url = match (table.text("accounts_url")?, data_center) {
        (Some(url), _) => {
            AccountsUrl::new(url).map_err(|error| table.wrong("accounts_url", error.message(), None))?
        }
        (None, Some(dc)) => AccountsUrl::of(dc),
        (None, None) => return Err(lacks("data_center")),
    };
    let client_id = match table.text("client_id")?.map(str::trim) {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => return Err(lacks("client_id")),
    };
    let scopes: Vec<_> =
        table.texts("scopes")?.unwrap_or_default().iter().flat_map(|scope| split_scopes(scope)).collect();
    let grants = [("refresh_token", false), ("client_credentials", true)];
    let grant = match (table.choice("grant", grants)?.unwrap_or_default(), text("soid")?) {
        (true, _) if scopes.is_empty() => return Err(lacks("scopes")),
        (true, soid) => Grant::ClientCredentials { soid },
        (false, None) => Grant::RefreshToken,
        (false, Some(_)) => {
            return Err(table.wrong("soid", &tr!("soid goes with grant = \"client_credentials\""), None));
        }
    };
    let stores =
        [("keyring", Some(SecretBackend::Keyring)), ("file", Some(SecretBackend::File)), ("command", None)];
    let secrets = match (table.choice("secrets", stores)?, table.texts("secret_command")?) {
        (Some(Some(store)), _) => store,
        (None, None) => SecretBackend::Keyring,
        (_, Some(command)) if !command.is_empty() => SecretBackend::Command(command),
        _ => return Err(lacks("secret_command")),
    };
    let schemes = [("zoho", Scheme::Zoho), ("bearer", Scheme::Bearer)];
    let profile = Profile {
        name: name.clone(),
        origin,
        data_center: data_center.or_else(|| accounts_url.data_center()),
        accounts_url,
        client_id,
        grant,
        scopes,
        redirect_uri: text("redirect_uri")?.unwrap_or_else(|| DEFAULT_REDIRECT_URI.to_owned()),
        scheme: table.choice("scheme", schemes)?.unwrap_or_default(),
        org_id: text("org_id")?,
        secrets,
        hosts: table.texts("hosts")?,
        budget: budget(table)?,
    };
    profile.check().map_err(|error| table.invalid(error.message()))?;
    Ok(profile)
}

fn data_center(table: &ConfigTable<'_>) -> Result<Option<&'static DataCenter>, Error> {
    let Some(code) = table.text("data_center")? else { return Ok(None) };
    let unknown = || {
        let near = DataCenter::nearest(code);
        let problem = match near {
            Some(_) => tr!("'{code}' is not a data center", code),
            None => {
                tr!("'{code}' is not a data center: us, eu, in, au, jp, ca, sa, uk, cn, ae, sg or inhq", code)
            }
        };
        table.wrong("data_center", &problem, near)
    };
    DataCenter::by_code(code).map(Some).ok_or_else(unknown)
}

fn budget(table: &ConfigTable<'_>) -> Result<Budget, Error> {
    let default = Budget::default();
    let Some(budget) = table.table("budget")? else { return Ok(default) };
    let window = match budget.text("window") {
        Ok(None) => default.window,
        Ok(Some(text)) => duration::parse(text).map_err(|problem| budget.wrong("window", &problem, None))?,
        // Seconds may be written without quotes.
        Err(_) => Duration::from_secs(budget.number("window")?.unwrap_or_default().into()),
    };
    let tokens = budget.number("tokens")?.unwrap_or(default.tokens);
    if tokens == 0 || window.is_zero() {
        return Err(budget.invalid(&tr!("a budget needs at least one token and a window")));
    }
    Ok(Budget { tokens, window })
}
