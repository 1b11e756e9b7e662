//! `config.toml` as it is written: the keys and their types.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) default_profile: Option<String>,
    #[serde(default)]
    pub(super) profile: BTreeMap<String, RawProfile>,
    pub(super) store: Option<StoreSettings>,
}

/// The `[store]` table: cache, lock and budget shared between machines.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// The URL, unless `ZOHO_CRED_STORE` names one.
    pub url: Option<String>,
    /// Prefix of all keys. The default is `zoho-cred`.
    pub prefix: Option<String>,
    /// A file with the password, instead of one in the URL.
    pub password_file: Option<PathBuf>,
    /// A client certificate in PEM format.
    pub client_cert: Option<PathBuf>,
    /// The key of the client certificate in PEM format.
    pub client_key: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProfile {
    pub(super) data_center: Option<Spanned<String>>,
    pub(super) accounts_url: Option<Spanned<String>>,
    pub(super) client_id: Option<String>,
    pub(super) grant: Option<Spanned<String>>,
    pub(super) soid: Option<String>,
    pub(super) scopes: Option<Vec<String>>,
    pub(super) redirect_uri: Option<String>,
    pub(super) scheme: Option<Spanned<String>>,
    pub(super) org_id: Option<String>,
    pub(super) secrets: Option<Spanned<String>>,
    pub(super) secret_command: Option<Vec<String>>,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) budget: Option<Spanned<RawBudget>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    pub(super) tokens: Option<u32>,
    pub(super) window: Option<RawDuration>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum RawDuration {
    Seconds(u32),
    Text(String),
}

pub(super) const PROFILE_KEYS: [&str; 13] = [
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
/// Keys that other tools use for secrets.
pub(super) const SECRET_KEYS: [&str; 3] = ["client_secret", "refresh_token", "access_token"];
pub(super) const OTHER_KEYS: [&str; 10] = [
    "default_profile",
    "profile",
    "store",
    "url",
    "prefix",
    "password_file",
    "client_cert",
    "client_key",
    "tokens",
    "window",
];
