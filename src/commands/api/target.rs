//! Where a request goes, and that a token may go there.

use crate::commands::helper::not_served;
use crate::config::hosts::{self, Place};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Profile;
use crate::nearest::{did_you_mean, nearest};
use crate::zoho::products::{self, Product};
use url::Url;

/// A URL that may get the profile's token.
pub(super) struct ApiTarget {
    pub(super) url: Url,
    pub(super) product: Option<&'static Product>,
}

impl ApiTarget {
    /// Errors: `Code::BadInput` if the profile's token must not go there.
    pub(super) fn new(
        profile: &Profile,
        named: Option<&'static Product>,
        endpoint: &str,
        api_domain: Option<&str>,
    ) -> Result<Self, Error> {
        let text = if is_url(endpoint) {
            endpoint.to_owned()
        } else {
            of_path(profile, named, endpoint, api_domain)?
        };
        let refused = |host: Option<&str>| not_served(host, profile.name.as_str());
        let place = Place::of_uri(&text).ok_or_else(|| refused(None))?;
        let mut url = Url::parse(&text).map_err(|_| refused(None))?;
        // Both parsers must agree on the host.
        if !["https", "http"].contains(&url.scheme()) || Place::of_uri(url.as_str()).as_ref() != Some(&place)
        {
            return Err(refused(None));
        }
        if !hosts::may_have(profile, api_domain, &place) {
            return Err(refused(Some(place.as_str())));
        }
        url.set_fragment(None);
        let found = || products::of_request(hosts::own_data_center(profile), place.as_str(), url.path());
        let product = named.or_else(found);
        Ok(ApiTarget { url, product })
    }

    /// The host, for messages.
    pub(super) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    pub(super) fn add_query(&mut self, fields: &[(String, String)]) {
        if !fields.is_empty() {
            self.url.query_pairs_mut().extend_pairs(fields);
        }
    }

    /// Adds a parameter unless the query has it.
    pub(super) fn add_default(&mut self, name: &str, value: &str) {
        if !self.url.query_pairs().any(|(key, _)| key == name) {
            self.url.query_pairs_mut().append_pair(name, value);
        }
    }
}

pub(super) fn is_url(endpoint: &str) -> bool {
    let scheme = endpoint.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)))
}

/// The URL of a path. The product's base path is added unless the path has it, maybe with another version.
fn of_path(
    profile: &Profile,
    named: Option<&'static Product>,
    path: &str,
    api_domain: Option<&str>,
) -> Result<String, Error> {
    let own_host = named.filter(|product| !product.is_on_gateway()).zip(hosts::own_data_center(profile));
    let own_host = own_host.and_then(|(product, dc)| product.hosts(dc).into_iter().next());
    let server = match (own_host, api_domain) {
        (Some(host), _) => format!("https://{host}"),
        (None, Some(domain)) => domain.trim_end_matches('/').to_owned(),
        (None, None) => {
            let profile = &profile.name;
            return Err(Error::new(
                Code::Config,
                tr!("the accounts server did not name the host of its APIs"),
                tr!(
                    "pass a full URL, and add its host to hosts of [profile.{profile}] in the config",
                    profile
                ),
            ));
        }
    };
    let path = path.trim_start_matches('/');
    let base = named.map_or("", |product| &product.base);
    let has_base = base.is_empty() || products::first_segment(path) == products::first_segment(base);
    let base = if has_base { "" } else { base };
    Ok(format!("{server}{base}/{path}"))
}

/// The product with this name.
pub(super) fn product(name: &str) -> Result<&'static Product, Error> {
    products::by_name(&name.to_ascii_lowercase()).ok_or_else(|| {
        let names = || products::all().iter().map(|product| product.name.as_str());
        let hint = match nearest(name, names()) {
            Some(near) => did_you_mean(near),
            None => tr!("use one of {names}", names = names().collect::<Vec<_>>().join(", ")),
        };
        Error::new(Code::Usage, tr!("there is no product '{name}'", name), hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::model::ProfileName;
    use crate::zoho::DataCenter;
    use std::path::Path;

    fn profile(dc: &str) -> Profile {
        let text = format!("[profile.crm]\nclient_id='x'\ndata_center='{dc}'");
        let file = ConfigFile::parse(Path::new("c"), &text).unwrap();
        file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap()
    }

    /// Whether the helpers and `api` serve a URL. They never disagree.
    fn served(profile: &Profile, url: &str) -> bool {
        let by_helpers = Place::of_uri(url).is_some_and(|place| hosts::may_have(profile, None, &place));
        assert_eq!(ApiTarget::new(profile, None, url, None).is_ok(), by_helpers, "{url}");
        by_helpers
    }

    #[test]
    fn products_are_served_in_their_data_center_and_look_alikes_nowhere() {
        const HOSTS: [&str; 40] = [
            "www.zohoapis.jp",
            "zohoapis.jp",
            "sandbox.zohoapis.eu",
            "developer.zohoapis.com",
            "content.zohoapis.com.au",
            "www.zohoapis.ca",
            "crmsandbox.zoho.eu",
            "books.zoho.com",
            "invoice.zoho.jp",
            "desk.zoho.com.au",
            "desk.zohocloud.ca",
            "mail.zoho.jp",
            "projectsapi.zoho.eu",
            "projects.zoho.com",
            "people.zoho.com.au",
            "recruit.zohocloud.ca",
            "recruitsandbox.zoho.com",
            "analyticsapi.zoho.jp",
            "analytics.zoho.eu",
            "creator.zoho.com",
            "cliq.zoho.com.au",
            "workdrive.zohocloud.ca",
            "upload.zoho.com",
            "download.zoho.eu",
            "download-accl.zoho.com",
            "files.zoho.jp",
            "sign.zoho.com.au",
            "signsandbox.zoho.eu",
            "sheet.zoho.jp",
            "writer.zohocloud.ca",
            "calendar.zoho.com",
            "meeting.zoho.eu",
            "campaigns.zoho.jp",
            "sprintsapi.zoho.com",
            "api.catalyst.zoho.eu",
            "bookings.zoho.com",
            "salesiq.zohocloud.ca",
            "assist.zoho.jp",
            "payments.zoho.com",
            "contacts.zoho.com.au",
        ];
        let profiles = ["us", "eu", "au", "jp", "ca"].map(profile);
        for host in HOSTS {
            let serving =
                profiles.iter().filter(|profile| served(profile, &format!("https://{host}/x"))).count();
            assert_eq!(serving, 1, "{host} is served in its own data center only");
        }
        for url in [
            "http://www.zohoapis.jp/",
            "https://wwwzohoapis.jp/",
            "https://www.zohoapis.jp.evil.example/",
            "https://evil.example/www.zohoapis.jp",
            "https://desk-zoho.com/",
            "https://zoho.com/",
            "https://www.zoho.com/",
            "https://desk.zoho.co/",
            "https://desk.zohoo.com/",
            "https://desk.zoho.com.evil.example/",
            "https://desk.zoho.ca/",
            "https://xdesk.zoho.com/",
            "https://desk.zoho.com:8443/",
            "https://user@desk.zoho.com/",
            "https://desk.zoho.com@evil.example/",
            "https://evil.example\\@desk.zoho.com/",
            "https://desk.zoho.com\\.evil.example/",
            "https://desk%2ezoho.com/",
            "https://app.site24x7.com/",
            "https://mcp.zohomcp.com/",
            "https://zohoapis.com.evil.example/",
        ] {
            assert!(!profiles.iter().any(|profile| served(profile, url)), "{url}");
        }
    }

    #[test]
    fn a_path_goes_to_the_host_of_its_product() {
        let jp = profile("jp");
        for (product, path, url) in [
            (None, "/crm/v8/org", "https://api.test/crm/v8/org"),
            (None, "crm/v8/org", "https://api.test/crm/v8/org"),
            (None, "//evil.example/x", "https://api.test/evil.example/x"),
            (None, "/x?u=https://y", "https://api.test/x?u=https://y"),
            (Some("crm"), "Leads", "https://api.test/crm/v8/Leads"),
            (Some("crm"), "/crm/v7/Leads", "https://api.test/crm/v7/Leads"),
            (Some("desk"), "/tickets?limit=1", "https://desk.zoho.jp/api/v1/tickets?limit=1"),
            (Some("desk"), "/api/v2/tickets", "https://desk.zoho.jp/api/v2/tickets"),
            (Some("accounts"), "info", "https://accounts.zoho.jp/oauth/user/info"),
        ] {
            let named = product.map(|name| super::product(name).unwrap());
            assert_eq!(of_path(&jp, named, path, Some("https://api.test")).unwrap(), url);
        }
        assert_eq!(DataCenter::by_code("jp"), hosts::own_data_center(&jp));
    }
}
