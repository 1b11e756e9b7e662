//! What Zoho's redirect brings back: a code and the user's data center, or an error.
//!
//! Anyone who gets a browser to visit a URL can forge a redirect, and the client secret would be sent to the server that it
//! names. So the state is compared first, and the accounts server must be one of Zoho's, or the profile's own.

use crate::i18n::tr;
use crate::model::{AccountsUrl, is_well_formed};
use crate::secret::Secret;
use crate::zoho::DataCenter;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use url::form_urlencoded;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callback {
    /// It does not belong to this login: another state, or none.
    Foreign,
    /// An error without a state, which anyone could have sent.
    Stray(String),
    /// The consent was not given.
    Denied(String),
    /// The code must not be exchanged, for this reason.
    Untrusted(String),
    /// A code, and the accounts server that takes it.
    Granted {
        /// Valid for one use and two minutes.
        code: Secret,
        /// The accounts server for the exchange and all later refreshes.
        accounts: AccountsUrl,
    },
}

/// Reads the query of a redirect to the login that sent `state`, for a profile that so far uses `accounts`.
pub fn read(query: &str, state: &Secret, accounts: &AccountsUrl) -> Callback {
    let mut values = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if values.insert(name, value).is_some() {
            return Callback::Foreign;
        }
    }
    let value = |name: &str| values.get(name).map(|value| &**value);
    match (value("state"), value("error")) {
        (None, Some(error)) => return Callback::Stray(plain(error)),
        (Some(given), _) if !is_same(given, state.expose()) => return Callback::Foreign,
        (None, None) => return Callback::Foreign,
        (Some(_), Some(error)) => return Callback::Denied(plain(error)),
        (Some(_), None) => {}
    }
    let Some(code) = value("code").filter(|code| is_code(code)) else {
        return Callback::Untrusted(tr!("it carries no code"));
    };
    match issuer(value("accounts-server"), value("location"), accounts) {
        Ok(accounts) => Callback::Granted { code: Secret::new(code), accounts },
        Err(problem) => Callback::Untrusted(problem),
    }
}

/// The accounts server to exchange the code at: one of Zoho's that agrees with `location`, or the profile's own.
fn issuer(server: Option<&str>, location: Option<&str>, own: &AccountsUrl) -> Result<AccountsUrl, String> {
    let server = server.map(|server| server.strip_suffix('/').unwrap_or(server));
    if own.data_center().is_none() && server.is_none_or(|server| server == own.as_str()) {
        return Ok(own.clone());
    }
    let located = location.and_then(DataCenter::by_code);
    match (server, location) {
        (None, None) => Ok(own.clone()),
        (None, Some(location)) => located
            .map(AccountsUrl::of)
            .ok_or_else(|| tr!("its location '{location}' is none of Zoho's", location = plain(location))),
        (Some(server), location) => {
            let dc = DataCenter::by_accounts_url(server)
                .ok_or_else(|| tr!("its accounts server is none of Zoho's"))?;
            match location {
                Some(location) if located != Some(dc) => Err(tr!(
                    "its location '{location}' contradicts its accounts server",
                    location = plain(location)
                )),
                _ => Ok(AccountsUrl::of(dc)),
            }
        }
    }
}

/// Whether `code` can be an authorization code: printable and of a sensible length.
pub(crate) fn is_code(code: &str) -> bool {
    (1..=1024).contains(&code.len()) && is_well_formed(code)
}

/// Whether `text` looks like a code that a person copied: Zoho's codes have three parts with dots between them.
pub(crate) fn looks_like_code(text: &str) -> bool {
    is_code(text) && text.contains('.')
}

/// Compares in constant time.
fn is_same(given: &str, wanted: &str) -> bool {
    Sha256::digest(given.as_bytes()) == Sha256::digest(wanted.as_bytes())
}

/// Removes everything from an untrusted text that cannot be part of an error code.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')).take(64).collect()
}

/// The query of a redirect in what a person pasted: the whole URL, its query, or the code with anything that Zoho appended.
/// `None` if it is none of these. Quotes around it, as a shell or a mail has them, do not count. A code that was copied
/// alone has no state, so it gets that of the login.
pub fn pasted(text: &str, state: &Secret) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'', '<', '>']);
    if let Some((_, query)) = text.split_once('?').filter(|(_, query)| query.contains('=')) {
        return Some(query.split('#').next().unwrap_or_default().to_owned());
    }
    let has = |name: &str| text.split('&').any(|pair| pair.starts_with(name));
    if has("state=") || has("error=") {
        return Some(text.to_owned());
    }
    let name = if has("code=") { "" } else { "code=" };
    let is_code = name.is_empty()
        || text.split('&').next().is_some_and(|code| looks_like_code(code) && !code.contains('='));
    is_code.then(|| format!("state={}&{name}{text}", state.expose()))
}
