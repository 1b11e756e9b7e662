//! An API call that a profile's scopes allow, for the texts to end with something that works.

use crate::model::Profile;
use crate::zoho::products::{self, Product};
use crate::zoho::scopes;

/// Where a call goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// A path on the API gateway.
    Gateway(String),
    /// A URL of a product's own host.
    Url(String),
}

/// Modules whose records have another field for their name than `Created_Time`.
const PEOPLE: [&str; 2] = ["Leads", "Contacts"];

impl Sample {
    pub(super) fn of(profile: &Profile) -> Self {
        let crm = || profile.scopes.iter().find_map(|scope| of_crm(&scope.to_ascii_lowercase()));
        let first = crm().or_else(|| products::all().iter().find_map(|product| of_product(product, profile)));
        first.unwrap_or_else(|| records("Leads"))
    }
}

/// A call of the CRM that `scope` (in lowercase) allows.
fn of_crm(scope: &str) -> Option<Sample> {
    let rest = scope.strip_prefix("zohocrm.")?;
    if !["all", "read"].contains(&rest.rsplit('.').next()?) {
        return None;
    }
    let gateway = |path: &str| Some(Sample::Gateway(path.to_owned()));
    match rest.split('.').next()? {
        "modules" => Some(records(&module(rest))),
        "org" => gateway("/crm/v8/org"),
        "users" => gateway("/crm/v8/users?type=CurrentUser"),
        "settings" => gateway("/crm/v8/settings/modules"),
        _ => None,
    }
}

/// The sample of the product table, if the profile's scopes allow it.
fn of_product(product: &Product, profile: &Profile) -> Option<Sample> {
    let path = format!("{}/{}", product.base, product.sample.as_ref()?);
    scopes::needed(product, "GET", &path).filter(|scope| scopes::allow(&profile.scopes, scope))?;
    let own_host = profile.data_center.filter(|_| !product.is_on_gateway()).map(|dc| product.hosts(dc));
    Some(match own_host.as_deref() {
        Some([host, ..]) => Sample::Url(format!("https://{host}{path}")),
        _ => Sample::Gateway(path),
    })
}

/// The module in `modules.contacts.READ`, as URLs name it; Leads if the scope is for all.
fn module(rest: &str) -> String {
    let name = match rest.split('.').collect::<Vec<_>>().as_slice() {
        [_, name, _] => *name,
        _ => "leads",
    };
    match name {
        "pricebooks" => "Price_Books".to_owned(),
        "salesorders" => "Sales_Orders".to_owned(),
        "purchaseorders" => "Purchase_Orders".to_owned(),
        name => name[..1].to_ascii_uppercase() + &name[1..],
    }
}

/// Zoho CRM lists records only with `fields`.
fn records(module: &str) -> Sample {
    let field = if PEOPLE.contains(&module) { "Last_Name" } else { "Created_Time" };
    Sample::Gateway(format!("/crm/v8/{module}?fields={field}&per_page=1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;
    use crate::model::ProfileName;
    use std::path::Path;

    #[test]
    fn the_call_is_one_that_the_scopes_allow() {
        let gateway = |path: &str| Sample::Gateway(path.to_owned());
        for (scopes, wanted) in [
            ("", gateway("/crm/v8/Leads?fields=Last_Name&per_page=1")),
            ("'ZohoCRM.modules.ALL'", gateway("/crm/v8/Leads?fields=Last_Name&per_page=1")),
            ("'ZohoCRM.modules.contacts.READ'", gateway("/crm/v8/Contacts?fields=Last_Name&per_page=1")),
            (
                "'ZohoCRM.modules.salesorders.ALL'",
                gateway("/crm/v8/Sales_Orders?fields=Created_Time&per_page=1"),
            ),
            ("'ZohoCRM.modules.deals.CREATE','ZohoCRM.org.READ'", gateway("/crm/v8/org")),
            ("'AaaServer.profile.READ','ZohoCRM.users.ALL'", gateway("/crm/v8/users?type=CurrentUser")),
            ("'ZohoBooks.fullaccess.all'", gateway("/books/v3/organizations")),
            ("'ZohoBooks.invoices.READ','AaaServer.profile.READ'", url("accounts.zoho.jp/oauth/user/info")),
            ("'Desk.tickets.ALL','Desk.basic.READ'", url("desk.zoho.jp/api/v1/organizations")),
            ("'ZohoMail.messages.ALL','zohomail.accounts.read'", url("mail.zoho.jp/api/accounts")),
            (
                "'ZohoRecruit.modules.ALL'",
                url("recruit.zoho.jp/recruit/v2/Candidates?fields=Last_Name&per_page=1"),
            ),
        ] {
            assert_eq!(Sample::of(&profile(scopes)), wanted, "{scopes}");
        }
    }

    /// A profile whose login used a preset gets a call that works, of its product if the table has one.
    #[test]
    fn every_preset_has_a_call_that_it_allows() {
        for product in products::all() {
            for (name, preset) in &product.presets {
                let sample = Sample::of(&profile(&format!("'{}'", preset.join("','"))));
                let (Sample::Gateway(call) | Sample::Url(call)) = &sample;
                let own = product.sample.is_some() || name.starts_with("crm");
                let expected = if own { &*product.base } else { "/oauth/user/info" };
                assert!(call.contains(expected), "{name}: {call}");
            }
        }
    }

    fn url(address: &str) -> Sample {
        Sample::Url(format!("https://{address}"))
    }

    fn profile(scopes: &str) -> Profile {
        let text = format!("[profile.crm]\nclient_id='x'\ndata_center='jp'\nscopes=[{scopes}]\n");
        let file = ConfigFile::parse(Path::new("c"), &text).unwrap();
        file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap()
    }
}
