//! A profile with all its settings resolved.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{AccountsUrl, ProfileName};
use crate::zoho::DataCenter;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// The longest value of a setting, in bytes.
const LONGEST: usize = 2_048;

/// Zoho compares the redirect URI byte by byte.
pub(crate) const DEFAULT_REDIRECT_URI: &str = "http://localhost:9437/callback";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default config file, by its canonical path. Its profiles are found by name alone, so that config and state
    /// can be moved together.
    Default(PathBuf),
    /// Another config file, by its canonical path.
    File(PathBuf),
    Environment,
}

impl Origin {
    pub(crate) fn config(&self) -> Option<&Path> {
        match self {
            Origin::Default(path) | Origin::File(path) => Some(path),
            Origin::Environment => None,
        }
    }

    /// What distinguishes the state of its profiles from that of other config files.
    pub(crate) fn key(&self) -> Option<&Path> {
        match self {
            Origin::Default(_) => Some(Path::new("")),
            Origin::File(path) => Some(path),
            Origin::Environment => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// RFC 6749, section 6.
    RefreshToken,
    /// RFC 6749, section 4.4, with Zoho's `soid`.
    ClientCredentials {
        /// `{service}.{organization id}`, or `None` for products without organizations.
        soid: Option<String>,
    },
}

impl Grant {
    /// The value in the config file.
    pub fn word(&self) -> &'static str {
        match self {
            Grant::RefreshToken => "refresh_token",
            Grant::ClientCredentials { .. } => "client_credentials",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheme {
    /// `Zoho-oauthtoken`, which every product accepts.
    #[default]
    Zoho,
    /// `Bearer`, which some clients require.
    Bearer,
}

impl Scheme {
    pub fn word(self) -> &'static str {
        match self {
            Scheme::Zoho => "Zoho-oauthtoken",
            Scheme::Bearer => "Bearer",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretBackend {
    /// Secret Service, macOS Keychain or Windows Credential Manager.
    Keyring,
    /// Files of mode 0600 in the state directory.
    File,
    Command(Vec<String>),
    Environment,
}

impl SecretBackend {
    /// The value in the config file and in `status`.
    pub fn word(&self) -> &'static str {
        match self {
            SecretBackend::Keyring => "keyring",
            SecretBackend::File => "file",
            SecretBackend::Command(_) => "command",
            SecretBackend::Environment => "environment",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub tokens: u32,
    pub window: Duration,
}

impl Budget {
    /// Requests allowed without `--refresh`. One request per window is reserved for that flag, if there are more than
    /// a few.
    pub(crate) fn automatic(&self) -> u32 {
        match self.tokens {
            few @ 0..3 => few,
            tokens => tokens - 1,
        }
    }
}

impl Default for Budget {
    /// Zoho's limit: 10 in 10 minutes (<https://www.zoho.com/accounts/protocol/oauth/limits.html>).
    fn default() -> Self {
        Budget { tokens: 10, window: Duration::from_secs(600) }
    }
}

/// A profile with all its settings resolved and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: ProfileName,
    pub origin: Origin,
    pub accounts_url: AccountsUrl,
    /// `None` if the accounts server is not one of Zoho's.
    pub data_center: Option<&'static DataCenter>,
    pub client_id: String,
    pub grant: Grant,
    /// Scopes as the user wrote them.
    pub scopes: Vec<String>,
    pub redirect_uri: String,
    pub scheme: Scheme,
    pub org_id: Option<String>,
    pub secrets: SecretBackend,
    /// Hosts that helper commands may send the token to. `None` means the hosts of the data center.
    pub hosts: Option<Vec<String>>,
    pub budget: Budget,
}

impl Profile {
    /// A profile with a refresh token in the keyring and otherwise the default settings.
    pub(crate) fn new(
        name: ProfileName,
        origin: Origin,
        accounts_url: AccountsUrl,
        client_id: impl Into<String>,
    ) -> Self {
        Profile {
            name,
            origin,
            data_center: accounts_url.data_center(),
            accounts_url,
            client_id: client_id.into(),
            grant: Grant::RefreshToken,
            scopes: Vec::new(),
            redirect_uri: DEFAULT_REDIRECT_URI.to_owned(),
            scheme: Scheme::default(),
            org_id: None,
            secrets: SecretBackend::Keyring,
            hosts: None,
            budget: Budget::default(),
        }
    }

    /// Checks the values that are sent, shown, and copied into generated files. `Code::Config` names the first
    /// one with an invalid character.
    pub fn check(&self) -> Result<(), Error> {
        let soid = match &self.grant {
            Grant::ClientCredentials { soid } => soid.as_deref(),
            Grant::RefreshToken => None,
        };
        let redirect_uri = Url::parse(&self.redirect_uri).is_ok_and(|url| url.as_str().len() <= LONGEST);
        let values = b"._-".as_slice();
        let host = |host: &String| consists_of(host, b"._-:[]");
        let wrong = match () {
            () if !consists_of(&self.client_id, values) => "client_id",
            () if !soid.is_none_or(|soid| consists_of(soid, values)) => "soid",
            () if !self.org_id.as_ref().is_none_or(|id| consists_of(id, values)) => "org_id",
            () if !self.scopes.iter().all(|scope| is_scope(scope)) => "scopes",
            () if !redirect_uri || !consists_of(&self.redirect_uri, b"._-:/?&=+,~@%[]()*!;$") => {
                "redirect_uri"
            }
            () if !self.hosts.iter().flatten().all(host) => "hosts",
            () => return Ok(()),
        };
        Err(Error::new(
            Code::Config,
            tr!("{wrong} has a character that is not allowed there", wrong),
            tr!("copy the value from the API console again, without quotes or line breaks"),
        ))
    }

    /// The data center's code, or the accounts server if it is not one of Zoho's.
    pub fn place(&self) -> String {
        self.data_center.map_or_else(|| self.accounts_url.to_string(), |dc| dc.code.to_owned())
    }

    /// Whether the scopes differ from those of a login that requested `had`. Order and case do not matter.
    pub(crate) fn wants_other_scopes(&self, had: &[String]) -> bool {
        let sorted = |scopes: &[String]| {
            let mut scopes: Vec<String> =
                scopes.iter().flat_map(|s| split_scopes(&s.to_lowercase())).collect();
            scopes.sort_unstable();
            scopes.dedup();
            scopes
        };
        let (wanted, had) = (sorted(&self.scopes), sorted(had));
        !had.is_empty() && !wanted.is_empty() && wanted != had
    }
}

/// Whether `scope` has only characters of scopes. Whether Zoho knows it is another question.
pub(crate) fn is_scope(scope: &str) -> bool {
    consists_of(scope, b"._-:/")
}

/// Whether `value` consists of ASCII letters, digits and `others`.
pub(crate) fn consists_of(value: &str, others: &[u8]) -> bool {
    value.len() <= LONGEST && value.bytes().all(|b| b.is_ascii_alphanumeric() || others.contains(&b))
}

/// Splits a list of scopes. Requests separate them by commas, responses by spaces, Japanese text by `、`.
pub(crate) fn split_scopes(text: &str) -> Vec<String> {
    let ends = |c: char| matches!(c, ',' | '、' | '，') || c.is_whitespace();
    text.split(ends).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}
