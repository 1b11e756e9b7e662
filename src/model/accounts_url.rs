//! The base URL of an accounts server.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::zoho::DataCenter;
use std::fmt;
use url::{Host, Url};

/// A base URL without a trailing slash. The scheme is https, or http on a loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsUrl(String);

impl AccountsUrl {
    /// Parses and normalizes `text`. `Code::Config` if a client secret must not be sent to it.
    pub fn new(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| {
            Err(Error::new(
                Code::Config,
                tr!("accounts_url {problem}", problem),
                tr!("write it as https://accounts.zoho.eu, or use data_center"),
            ))
        };
        let Ok(url) = Url::parse(text.trim()) else { return refuse(&tr!("is not a URL")) };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse(&tr!("must not have user info"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse(&tr!("must not have a query or fragment"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            _ => return refuse(&tr!("must be https, or http on a loopback address")),
        }
        // The URL is copied into generated files.
        if !url.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b":/.-_~[]".contains(&b)) {
            return refuse(&tr!("has a character that is not allowed there"));
        }
        Ok(AccountsUrl(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The accounts server of `data_center`.
    pub fn of(data_center: &DataCenter) -> Self {
        AccountsUrl(data_center.accounts_url())
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host without the port.
    pub fn host(&self) -> String {
        let url = Url::parse(&self.0).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Whether the server is on this machine. Only such a server may issue tokens that expire within seconds.
    pub(crate) fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// `None` if this is not one of Zoho's accounts servers.
    pub fn data_center(&self) -> Option<&'static DataCenter> {
        DataCenter::by_accounts_url(&self.0)
    }

    /// Returns the URL of an endpoint. `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for AccountsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the host of `url` is `localhost`, in 127.0.0.0/8, or `::1`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_slash_does_not_make_another_server() {
        assert_eq!(
            AccountsUrl::new("https://Accounts.Zoho.EU/").unwrap().as_str(),
            "https://accounts.zoho.eu"
        );
        assert_eq!(AccountsUrl::new("https://x.example:443/iam/").unwrap().as_str(), "https://x.example/iam");
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!(AccountsUrl::new("http://127.0.0.1:8080").unwrap().is_loopback());
        assert!(AccountsUrl::new("http://[::1]:8080").unwrap().is_loopback());
        for bad in [
            "http://accounts.zoho.eu",
            "http://localhost.evil.example",
            "ftp://x",
            "x",
            "https://a:b@x.example",
        ] {
            assert!(AccountsUrl::new(bad).is_err(), "{bad}");
        }
    }
}
