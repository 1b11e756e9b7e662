//! Zoho's data centers. The table is static because `/oauth/serverinfo` omits some of them.
//!
//! Source: <https://www.zoho.com/accounts/protocol/oauth/multi-dc.html> and the responses of the hosts. Canada
//! follows no pattern: accounts at `zohocloud.ca`, APIs at `zohoapis.ca`. `ae` is confirmed by zcatalyst-cli and the
//! documentation of WorkDrive, `sg` by third parties only. `inhq` is India Enterprise.

use crate::i18n::{normalize, tr};
use crate::nearest::nearest;
use Certainty::{Known, NoGateway, Partly, ThirdParty};

/// One of Zoho's data centers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataCenter {
    /// Zoho's code for it, as in the callback's `location`: `us`, `eu`, …
    pub code: &'static str,
    /// Host of the accounts server.
    pub accounts_host: &'static str,
    /// Host of the API gateway.
    pub api_host: &'static str,
    /// Host of the API console, where clients are registered.
    pub console_host: &'static str,
    /// Domain of the products' own hosts (`desk.<product_domain>`).
    pub product_domain: &'static str,
    /// How far these hosts are known to be right.
    pub certainty: Certainty,
}

/// Where the hosts of a data center are known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// Zoho documents them, or they were seen in use.
    Known,
    /// Zoho documents the accounts server or an API; other hosts follow the pattern.
    Partly,
    /// Only third parties mention them.
    ThirdParty,
    /// Zoho's tools know the accounts server, but nobody the API gateway. The accounts server's answer names it.
    NoGateway,
}

const fn dc(
    code: &'static str,
    accounts_host: &'static str,
    api_host: &'static str,
    console_host: &'static str,
    product_domain: &'static str,
    certainty: Certainty,
) -> DataCenter {
    DataCenter { code, accounts_host, api_host, console_host, product_domain, certainty }
}

/// All data centers, in the order in which they are offered.
pub const ALL: [DataCenter; 12] = [
    dc("us", "accounts.zoho.com", "www.zohoapis.com", "api-console.zoho.com", "zoho.com", Known),
    dc("eu", "accounts.zoho.eu", "www.zohoapis.eu", "api-console.zoho.eu", "zoho.eu", Known),
    dc("in", "accounts.zoho.in", "www.zohoapis.in", "api-console.zoho.in", "zoho.in", Known),
    dc("au", "accounts.zoho.com.au", "www.zohoapis.com.au", "api-console.zoho.com.au", "zoho.com.au", Known),
    dc("jp", "accounts.zoho.jp", "www.zohoapis.jp", "api-console.zoho.jp", "zoho.jp", Known),
    dc("ca", "accounts.zohocloud.ca", "www.zohoapis.ca", "api-console.zohocloud.ca", "zohocloud.ca", Known),
    dc("sa", "accounts.zoho.sa", "www.zohoapis.sa", "api-console.zoho.sa", "zoho.sa", Known),
    dc("uk", "accounts.zoho.uk", "www.zohoapis.uk", "api-console.zoho.uk", "zoho.uk", Partly),
    dc("cn", "accounts.zoho.com.cn", "www.zohoapis.com.cn", "api-console.zoho.com.cn", "zoho.com.cn", Known),
    dc("ae", "accounts.zoho.ae", "www.zohoapis.ae", "api-console.zoho.ae", "zoho.ae", Partly),
    dc("sg", "accounts.zoho.sg", "www.zohoapis.sg", "api-console.zoho.sg", "zoho.sg", ThirdParty),
    dc("inhq", "accounts.zohohq.in", "www.zohohq.in", "api-console.zohohq.in", "zohohq.in", NoGateway),
];

impl DataCenter {
    /// `code` in any case.
    pub(crate) fn by_code(code: &str) -> Option<&'static DataCenter> {
        ALL.iter().find(|dc| dc.code.eq_ignore_ascii_case(code))
    }

    /// A data center as people write it: its code, the ending of its addresses (`com`), or any Zoho address.
    pub fn by_name(text: &str) -> Option<&'static DataCenter> {
        let word = normalize(text).to_lowercase();
        let word = word.split_once("://").map_or(&*word, |(_, rest)| rest);
        let word = word.split(['/', '?', '#', ':']).next().unwrap_or_default().trim_matches('.');
        DataCenter::by_code(word).or_else(|| ALL.iter().find(|dc| dc.has_address(word)))
    }

    /// Whether `host` is one of its hosts, or the ending that they have in common.
    fn has_address(&self, host: &str) -> bool {
        let ending = self.product_domain.split_once('.').map(|(_, ending)| ending);
        let domains = [self.product_domain, self.api_host.trim_start_matches("www.")];
        let is_in =
            |domain: &str| host.strip_suffix(domain).is_some_and(|sub| sub.is_empty() || sub.ends_with('.'));
        Some(host) == ending || domains.into_iter().any(is_in)
    }

    /// Like [`DataCenter::by_name`]. The error suggests the nearest code or lists all of them.
    pub fn named(text: &str) -> Result<&'static DataCenter, String> {
        DataCenter::by_name(text).ok_or_else(|| match DataCenter::nearest(text) {
            Some(near) => tr!("'{text}' is not a data center, did you mean '{near}'?", text, near),
            None => {
                let codes = DataCenter::list();
                tr!("'{text}' is not a data center: use one of {codes}", text, codes)
            }
        })
    }

    /// The code most likely meant by a name, an address, or a typo.
    pub fn nearest(text: &str) -> Option<&'static str> {
        let by_name = DataCenter::by_name(text).map(|dc| dc.code);
        by_name.or_else(|| nearest(text.trim(), DataCenter::codes()))
    }

    /// All codes, separated by commas.
    pub(crate) fn list() -> String {
        DataCenter::codes().collect::<Vec<_>>().join(&tr!(", "))
    }

    /// `None` if `url` is not one of Zoho's accounts servers.
    pub(crate) fn by_accounts_url(url: &str) -> Option<&'static DataCenter> {
        let host = url.strip_prefix("https://")?;
        ALL.iter().find(|dc| dc.accounts_host == host)
    }

    /// The data center of an `api_domain`, including those of CRM sandboxes and developer editions.
    pub(crate) fn by_api_domain(url: &str) -> Option<&'static DataCenter> {
        let url = url::Url::parse(url).ok()?;
        let (edition, gateway) = url.host_str()?.split_once('.')?;
        if url.as_str() != format!("https://{edition}.{gateway}/") {
            return None;
        }
        let is_edition = ["www", "sandbox", "developer"].contains(&edition);
        ALL.iter().find(|dc| is_edition && dc.gateway_domain() == gateway)
    }

    /// Domain of the API gateway and its editions (`sandbox.<domain>`).
    pub(crate) fn gateway_domain(&self) -> &'static str {
        self.api_host.strip_prefix("www.").unwrap_or(self.api_host)
    }

    /// Base URL of the accounts server, without a trailing slash.
    pub fn accounts_url(&self) -> String {
        format!("https://{}", self.accounts_host)
    }

    /// Base URL of the API gateway, as in `api_domain`.
    pub fn api_domain(&self) -> String {
        format!("https://{}", self.api_host)
    }

    /// All codes, for messages and completions.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        ALL.iter().map(|dc| dc.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canada_is_where_it_really_is() {
        let ca = DataCenter::by_code("CA").unwrap();
        assert_eq!(ca.accounts_url(), "https://accounts.zohocloud.ca");
        assert_eq!(ca.api_domain(), "https://www.zohoapis.ca");
    }

    #[test]
    fn an_address_names_its_data_center() {
        for (text, code) in [
            ("com", "us"),
            ("ｊｐ", "jp"),
            (" JP ", "jp"),
            (".jp", "jp"),
            ("zoho.eu", "eu"),
            ("crm.zoho.jp", "jp"),
            ("https://crm.zoho.jp/crm/org1/tab/Leads?x=.com", "jp"),
            ("https://accounts.zoho.com.au/", "au"),
            ("www.zohoapis.com.cn", "cn"),
            ("zohocloud.ca", "ca"),
            ("http://crm.zoho.com:443/", "us"),
        ] {
            assert_eq!(DataCenter::by_name(text).map(|dc| dc.code), Some(code), "{text}");
        }
        for text in ["", "zoho", "evilzoho.com", "zoho.com.evil.example", "jpp", "nowhere"] {
            assert_eq!(DataCenter::by_name(text), None, "{text}");
        }
        assert_eq!(DataCenter::nearest("jpp"), Some("jp"));
        assert_eq!(DataCenter::nearest("nowhere"), None);
    }

    #[test]
    fn a_sandbox_of_crm_is_in_its_data_centre() {
        let code = |url: &str| DataCenter::by_api_domain(url).map(|dc| dc.code);
        for edition in ["www", "sandbox", "developer"] {
            assert_eq!(code(&format!("https://{edition}.zohoapis.com.au/")), Some("au"));
        }
        for bad in [
            "https://evil.zohoapis.eu",
            "https://zohoapis.eu",
            "https://www.zohoapis.eu.evil.example",
            "http://www.zohoapis.jp",
            "https://evil@www.zohoapis.jp",
        ] {
            assert_eq!(code(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_an_exact_https_host_is_zohos() {
        assert!(DataCenter::by_accounts_url("https://accounts.zoho.jp").is_some());
        for bad in ["http://accounts.zoho.jp", "https://accounts.zoho.jp.evil.example", "https://zoho.jp"] {
            assert!(DataCenter::by_accounts_url(bad).is_none(), "{bad}");
        }
    }
}
