//! The base URL of an accounts server.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::zoho::DataCenter;
use std::fmt;
use url::{Host, Url};

/// A base URL without a trailing slash. The scheme is https, or http on a loopback address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountsUrl {
    text: String,
    host: String,
    is_loopback: bool,
}

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
        Ok(AccountsUrl {
            text: url.as_str().trim_end_matches('/').to_owned(),
            host: url.host_str().unwrap_or_default().to_owned(),
            is_loopback: is_loopback(&url),
        })
    }

    pub fn of(data_center: &DataCenter) -> Self {
        let (text, host) = (data_center.accounts_url(), data_center.accounts_host.to_owned());
        AccountsUrl { text, host, is_loopback: false }
    }

    /// The URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the server is on this machine. Only such a server may issue tokens that expire within seconds.
    pub(crate) fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// `None` if this is not one of Zoho's accounts servers.
    pub fn data_center(&self) -> Option<&'static DataCenter> {
        DataCenter::by_accounts_url(&self.text)
    }

    /// Returns the URL of an endpoint. `path` begins with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }
}

impl fmt::Display for AccountsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
