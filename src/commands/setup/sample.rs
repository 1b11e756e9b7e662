//! An API call that a profile's scopes allow, for the texts to end with something that works.

use crate::model::Profile;

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
        profile
            .scopes
            .iter()
            .find_map(|scope| allowed(&scope.to_ascii_lowercase(), profile))
            .unwrap_or_else(|| records("Leads"))
    }
}

/// A call that `scope` (in lowercase) allows.
fn allowed(scope: &str, profile: &Profile) -> Option<Sample> {
    let (product, rest) = scope.split_once('.')?;
    if !["all", "read"].contains(&rest.rsplit('.').next()?) {
        return None;
    }
    let area = rest.split('.').next()?;
    let gateway = |path: &str| Some(Sample::Gateway(path.to_owned()));
    match (product, area) {
        ("zohocrm", "modules") => Some(records(&module(rest))),
        ("zohocrm", "org") => gateway("/crm/v8/org"),
        ("zohocrm", "users") => gateway("/crm/v8/users?type=CurrentUser"),
        ("zohocrm", "settings") => gateway("/crm/v8/settings/modules"),
        ("zohobooks", "fullaccess" | "settings") => gateway("/books/v3/organizations"),
        ("desk", "basic") => {
            let domain = profile.data_center?.product_domain;
            Some(Sample::Url(format!("https://desk.{domain}/api/v1/organizations")))
        }
        _ => None,
    }
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
            ("'Desk.basic.READ'", Sample::Url("https://desk.zoho.jp/api/v1/organizations".into())),
        ] {
            let text = format!("[profile.crm]\nclient_id='x'\ndata_center='jp'\nscopes=[{scopes}]\n");
            let file = ConfigFile::parse(Path::new("c"), &text).unwrap();
            let profile = file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap();
            assert_eq!(Sample::of(&profile), wanted, "{scopes}");
        }
    }
}
