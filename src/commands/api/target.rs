//! Where a request goes, and that a token may go there.

use crate::commands::helper::not_served;
use crate::config::hosts::{self, Place};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Profile;
use crate::nearest::{did_you_mean, nearest};
use crate::zoho::products::{self, Product};
use serde_json::Value;
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

    pub(super) fn add_query(&mut self, fields: &[(String, Value)]) {
        for (name, value) in fields {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            self.url.query_pairs_mut().append_pair(name, if value.is_array() { "" } else { &text });
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
