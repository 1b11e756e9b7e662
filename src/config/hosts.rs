//! The hosts that helper commands may send a token to. git asks a helper that is configured for all hosts about every
//! one of them.

use crate::model::Profile;
use crate::zoho::data_center::{ALL, Certainty};
use crate::zoho::{DataCenter, products};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A host, with its port if that is not the default. Its scheme keeps a token private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(String);

impl Place {
    /// Parses host and optional port. `None` if a token must never be sent there: plain http to another machine, user
    /// info, or an authority that parsers could read differently.
    pub fn new(scheme: &str, authority: &str) -> Option<Self> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b);
        if authority.is_empty() || authority.len() > 300 || !authority.bytes().all(legal) {
            return None;
        }
        let host = authority.to_ascii_lowercase();
        let usual = match scheme.to_ascii_lowercase().as_str() {
            "https" | "grpcs" => ":443",
            "http" if is_loopback(&host) => ":80",
            _ => return None,
        };
        Some(Place(host.strip_suffix(usual).unwrap_or(&host).to_owned()))
    }

    /// Everything after the authority is ignored.
    pub(crate) fn of_uri(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        Place::new(scheme, rest.split(['/', '?', '#']).next().unwrap_or_default())
    }

    /// Host and port, as in a profile's `hosts`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_loopback(host: &str) -> bool {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback());
    }
    let name = host.split(':').next().unwrap_or_default();
    name == "localhost" || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a token of `profile` may be sent to `place`. `hosts` decides if it is set, otherwise the profile's data
/// center. For an accounts server that is not Zoho's, the `api_domain` of its last response decides.
pub(crate) fn may_have(profile: &Profile, answered: Option<&str>, place: &Place) -> bool {
    is_gateway(profile, place) || hosts(profile, answered).iter().any(|host| host == place.as_str())
}

/// Whether this is the host of most APIs, which the table of products lists, too. Reading that table takes longer than the
/// rest of a cached call.
fn is_gateway(profile: &Profile, place: &Place) -> bool {
    let dc = own_data_center(profile).filter(|dc| dc.certainty != Certainty::NoGateway);
    profile.hosts.is_none() && dc.is_some_and(|dc| place.as_str() == format!("www.{}", dc.gateway_domain()))
}

/// The data center whose hosts are allowed by default.
pub(crate) fn own_data_center(profile: &Profile) -> Option<&'static DataCenter> {
    profile.data_center.filter(|dc| dc.accounts_url() == profile.accounts_url.as_str())
}

/// Whether the allowed hosts depend on a response of the accounts server.
pub(crate) fn depend_on_answer(profile: &Profile) -> bool {
    let own = own_data_center(profile);
    profile.hosts.is_none() && own.is_none_or(|dc| dc.certainty == Certainty::NoGateway)
}

/// The hosts allowed by [`may_have`], that of the APIs first.
pub(crate) fn hosts(profile: &Profile, answered: Option<&str>) -> Vec<String> {
    if let Some(hosts) = &profile.hosts {
        return hosts.iter().filter_map(|host| Place::new("https", host)).map(|place| place.0).collect();
    }
    let answered = answered.and_then(Place::of_uri);
    let Some(dc) = own_data_center(profile) else {
        return answered.map(|place| place.0).into_iter().collect();
    };
    let mut hosts = products::hosts(dc);
    if let Some(gateway) = answered.filter(|place| dc.certainty == Certainty::NoGateway && is_zohos(place)) {
        hosts.insert(0, gateway.0);
    }
    hosts
}

/// Whether this is an API host of any of Zoho's data centers.
pub(crate) fn is_zohos(place: &Place) -> bool {
    ALL.iter().any(|dc| products::hosts(dc).iter().any(|host| host == place.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::model::ProfileName;
    use std::path::Path;

    fn profile(settings: &str) -> Profile {
        let text = format!("[profile.crm]\nclient_id='x'\n{settings}");
        let file = ConfigFile::parse(Path::new("c"), &text).unwrap();
        file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap()
    }

    fn served(profile: &Profile, answered: Option<&str>, uri: &str) -> bool {
        Place::of_uri(uri).is_some_and(|place| may_have(profile, answered, &place))
    }

    #[test]
    fn the_gateway_is_a_host_of_the_table() {
        for dc in ALL.iter().filter(|dc| dc.certainty != Certainty::NoGateway) {
            let host = format!("www.{}", dc.gateway_domain());
            assert!(products::hosts(dc).contains(&host), "{host}");
            let profile = profile(&format!("data_center='{}'", dc.code));
            assert!(is_gateway(&profile, &Place::new("https", &host).unwrap()), "{host}");
            let named = Profile { hosts: Some(vec!["x.example".into()]), ..profile };
            assert!(!is_gateway(&named, &Place::new("https", &host).unwrap()), "{host}");
        }
    }

    #[test]
    fn a_data_centres_own_hosts_and_no_others() {
        let jp = profile("data_center='jp'");
        let own = "https://www.zohoapis.jp https://WWW.ZohoAPIs.jp:443/crm/v8/org?x=1#y
            grpcs://www.zohoapis.jp/service/Method https://sandbox.zohoapis.jp/crm https://developer.zohoapis.jp/crm
            https://desk.zoho.jp/api/v1 https://api.catalyst.zoho.jp/x";
        for uri in own.split_whitespace() {
            assert!(served(&jp, None, uri), "{uri}");
        }
        let others = r"http://www.zohoapis.jp https://www.zohoapis.com https://zoho.jp https://evilwww.zohoapis.jp
            https://www.zohoapis.jp.evil.example https://x.www.zohoapis.jp https://www.zohoapis.jp.
            https://www.zohoapis.jp:8443 https://www.zohoapis.jp: https://www.zohoapis.jp@evil.example
            https://user@www.zohoapis.jp https://user:pass@www.zohoapis.jp https://evil.example\@www.zohoapis.jp
            https://www.zohoapis.jp\.evil.example https://www.zohoapis%2ejp https://www.zohoapis。jp
            https://ԝww.zohoapis.jp https:///www.zohoapis.jp https:www.zohoapis.jp www.zohoapis.jp
            ftp://www.zohoapis.jp ssh://www.zohoapis.jp https://accounts.zoho.com/oauth/user/info https://";
        for uri in others.split_whitespace().chain(["https://www.zohoapis.jp\n.evil.example", ""]) {
            assert!(!served(&jp, None, uri), "{uri}");
        }
        assert!(served(&profile("data_center='ca'"), None, "https://www.zohoapis.ca"));
        assert!(served(&profile("data_center='ca'"), None, "https://desk.zohocloud.ca"));
        let inhq = profile("data_center='inhq'");
        assert!(served(&inhq, None, "https://analyticsapi.zohohq.in/restapi/v2"));
        assert!(served(&inhq, Some("https://www.zohoapis.in"), "https://www.zohoapis.in/crm/v8/org"));
        assert!(!served(&inhq, None, "https://www.zohoapis.in/crm/v8/org"));
        assert!(!served(&inhq, Some("https://evil.example"), "https://evil.example/crm"));
    }

    #[test]
    fn another_accounts_server_serves_what_it_answered() {
        let own = profile("accounts_url='http://127.0.0.1:9'\ndata_center='jp'");
        assert!(!served(&own, None, "http://127.0.0.1:9"));
        assert!(served(&own, Some("http://127.0.0.1:9"), "http://127.0.0.1:9/crm"));
        assert!(!served(&own, Some("http://127.0.0.1:9"), "http://127.0.0.1:8/crm"));
        assert!(!served(&own, Some("http://127.0.0.1:9"), "https://www.zohoapis.jp"));
        assert!(served(&own, Some("https://api.example"), "https://api.example:443"));
        assert!(!served(&own, Some("https://api.example"), "http://api.example:443"));
    }

    #[test]
    fn listed_hosts_replace_all_others() {
        let listed = profile("data_center='jp'\nhosts=['API.example:443', 'x.example:8443', 'localhost:7']");
        assert!(served(&listed, None, "https://api.example"));
        assert!(served(&listed, None, "https://x.example:8443"));
        assert!(served(&listed, None, "http://localhost:7"));
        for uri in ["https://www.zohoapis.jp", "https://x.example", "http://api.example", "http://localhost"]
        {
            assert!(!served(&listed, None, uri), "{uri}");
        }
        assert!(!served(&profile("data_center='jp'\nhosts=[]"), None, "https://www.zohoapis.jp"));
    }

    #[test]
    fn plain_http_is_for_loopback() {
        for host in ["localhost", "127.0.0.1:80", "127.9.9.9:1", "[::1]", "[::1]:80"] {
            assert!(Place::new("http", host).is_some(), "{host}");
        }
        for host in ["localhost.evil.example", "127.0.0.1.evil.example", "[::2]", "0x7f.1", "127.1"] {
            assert!(Place::new("http", host).is_none(), "{host}");
        }
        assert_eq!(Place::new("HTTP", "127.0.0.1:80"), Place::new("http", "127.0.0.1"));
    }
}
