//! Names of scopes: presets, typos, and the scope that a call needs.

use crate::nearest::nearest;
use crate::zoho::products::{self, Product};
use std::sync::LazyLock;

/// Operations that a scope ending in `ALL` contains.
const OPERATIONS: [&str; 5] = ["ALL", "READ", "CREATE", "UPDATE", "DELETE"];
/// Stands for any name in the table.
const ANY_NAME: &str = "{module}";

/// The presets that most people want, for questions. [`presets`] has all.
pub(crate) const COMMON: [&str; 6] =
    ["crm", "crm-readonly", "books", "books-readonly", "desk", "desk-readonly"];

/// All presets with their scopes, by product.
pub fn table() -> impl Iterator<Item = (&'static str, &'static [String])> {
    let presets = products::all().iter().flat_map(|product| &product.presets);
    presets.map(|(name, scopes)| (name.as_str(), scopes.as_slice()))
}

/// The scopes of a preset.
pub(crate) fn preset(name: &str) -> Option<&'static [String]> {
    table().find(|(preset, _)| preset.eq_ignore_ascii_case(name)).map(|(_, scopes)| scopes)
}

/// The names of all presets.
pub(crate) fn presets() -> impl Iterator<Item = &'static str> {
    table().map(|(name, _)| name)
}

/// Scopes worth completing. A scope for everything is followed by its read-only form.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    static KNOWN: LazyLock<Vec<String>> = LazyLock::new(|| {
        let scopes = products::all().iter().flat_map(|product| &product.scopes);
        let both = scopes.flat_map(|scope| {
            let readonly = scope.strip_suffix(".ALL").map(|prefix| format!("{prefix}.READ"));
            [Some(scope.clone()), readonly].into_iter().flatten()
        });
        both.filter(|scope| !scope.contains(ANY_NAME)).collect()
    });
    KNOWN.iter().map(String::as_str)
}

/// Whether the table has this scope, in any case and with any operation that the listed one contains. The table is not
/// complete, so an unknown scope deserves a warning, not an error.
pub(crate) fn is_known(scope: &str) -> bool {
    products::all().iter().flat_map(|product| &product.scopes).any(|known| matches(known, scope))
}

fn matches(known: &str, scope: &str) -> bool {
    let (known, scope): (Vec<_>, Vec<_>) = (known.split('.').collect(), scope.split('.').collect());
    let operation = |word: &&str| OPERATIONS.iter().any(|operation| operation.eq_ignore_ascii_case(word));
    let last = known.len() - 1;
    known.len() == scope.len()
        && known.iter().zip(&scope).enumerate().all(|(at, (known, word))| {
            known.eq_ignore_ascii_case(word)
                || (*known == ANY_NAME && !word.is_empty() && !operation(word))
                || (at == last && known.eq_ignore_ascii_case("ALL") && operation(word))
        })
}

/// The known scope or preset most likely meant.
pub(crate) fn suggestion(word: &str) -> Option<&'static str> {
    nearest(word, if word.contains('.') { known().collect::<Vec<_>>() } else { presets().collect() })
}

/// The scope that a call most likely needs. `path` is the path of its URL.
pub(crate) fn needed(product: &Product, method: &str, path: &str) -> Option<String> {
    let operation = match method {
        "GET" | "HEAD" => "READ",
        "POST" => "CREATE",
        "PUT" | "PATCH" => "UPDATE",
        "DELETE" => "DELETE",
        _ => "ALL",
    };
    let path = path.split('?').next().unwrap_or_default();
    let own = path.strip_prefix(&*product.base).unwrap_or(path);
    let segments = || own.split('/').filter(|segment| !segment.is_empty());
    let meant = |segment: &str| product.resources.get(segment).map_or(segment, String::as_str).to_lowercase();
    let groups = segments().map(meant).collect::<Vec<_>>();
    let names_group = |scope: &&String| {
        let words: Vec<_> = scope.split('.').collect();
        words.len() > 2 && groups.iter().any(|group| words[words.len() - 2].to_lowercase() == *group)
    };
    let with_operation = |scope: &String| match scope.strip_suffix(".ALL") {
        Some(prefix) => format!("{prefix}.{operation}"),
        None => scope.clone(),
    };
    let fits = |scope: &&String| with_operation(scope).ends_with(operation);
    let named: Vec<_> = product.scopes.iter().filter(names_group).collect();
    if let Some(scope) = named.iter().find(|scope| fits(scope)).or(named.first()) {
        return Some(with_operation(scope));
    }
    let open = product.scopes.iter().find(|scope| scope.contains(ANY_NAME));
    match (open, segments().find(|segment| !is_version(segment))) {
        (Some(open), Some(module)) => Some(with_operation(&open.replace(ANY_NAME, module))),
        _ => product.scopes.first().map(with_operation),
    }
}

/// Whether one of `granted` contains `scope`: the same, of all operations, of all modules, or full access.
pub(crate) fn allow(granted: &[String], scope: &str) -> bool {
    let scope = scope.to_lowercase();
    let (Some((product, _)), Some((group, operation))) = (scope.split_once('.'), scope.rsplit_once('.'))
    else {
        return granted.iter().any(|it| it.eq_ignore_ascii_case(&scope));
    };
    granted.iter().map(|it| it.to_lowercase()).any(|it| {
        let Some((own, allowed)) = it.rsplit_once('.') else { return false };
        let covers =
            own == group || group.starts_with(&format!("{own}.")) || own == format!("{product}.fullaccess");
        covers && (allowed == "all" || allowed == operation)
    })
}

/// `v8`, or the first segment of a base path.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        || products::all().iter().any(|product| products::first_segment(&product.base) == segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_have_unique_names_and_known_scopes() {
        let mut names: Vec<_> = presets().collect();
        for (name, scopes) in table() {
            assert!(!scopes.is_empty() && scopes.iter().all(|scope| is_known(scope)), "{name}");
            let readonly = name.ends_with("-readonly");
            assert!(!readonly || scopes.iter().all(|scope| scope.ends_with(".READ")), "{name}");
        }
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(COMMON.iter().all(|name| preset(name).is_some()));
        assert_eq!(preset("Crm-ReadOnly").unwrap()[0], "ZohoCRM.modules.READ");
        assert!(preset("ZohoCRM.modules.ALL").is_none());
    }

    #[test]
    fn a_typo_is_noticed_and_customers_modules_are_not() {
        for known in [
            "ZohoCRM.modules.ALL",
            "zohocrm.modules.read",
            "ZohoCRM.modules.Spaceships.READ",
            "ZohoCRM.settings.fields.READ",
            "Desk.tickets.UPDATE",
            "ZohoBooks.fullaccess.all",
            "ZOHOPEOPLE.forms.READ",
            "email",
        ] {
            assert!(is_known(known), "{known}");
        }
        for (typo, near) in [
            ("ZohoCRM.module.ALL", "ZohoCRM.modules.ALL"),
            ("ZohoCRM.modules", "ZohoCRM.modules.ALL"),
            ("ZohoCRM.setings.READ", "ZohoCRM.settings.READ"),
            ("Desk.ticket.READ", "Desk.tickets.READ"),
            ("ZohoBooks.fullacess.all", "ZohoBooks.fullaccess.all"),
        ] {
            assert!(!is_known(typo), "{typo}");
            assert_eq!(suggestion(typo), Some(near), "{typo}");
        }
        assert_eq!((suggestion("x.y"), suggestion("bokos")), (None, Some("books")));
    }

    #[test]
    fn a_call_needs_the_scope_of_its_resource() {
        for (name, method, path, scope) in [
            ("crm", "GET", "/crm/v8/Leads?fields=Last_Name", "ZohoCRM.modules.Leads.READ"),
            ("crm", "POST", "/crm/v7/Spaceships/1", "ZohoCRM.modules.Spaceships.CREATE"),
            ("crm", "GET", "/crm/v8/org", "ZohoCRM.org.READ"),
            ("crm", "GET", "/crm/v8/settings/fields", "ZohoCRM.settings.READ"),
            ("desk", "DELETE", "/api/v1/tickets/1", "Desk.tickets.DELETE"),
            ("desk", "GET", "/api/v1/agents", "Desk.basic.READ"),
            ("books", "PUT", "/books/v3/contacts/1", "ZohoBooks.contacts.UPDATE"),
            ("books", "GET", "/books/v3/items", "ZohoBooks.settings.READ"),
            ("cliq", "POST", "/api/v2/channelsbyname/x/message", "ZohoCliq.Webhooks.CREATE"),
            ("accounts", "GET", "/oauth/user/info", "AaaServer.profile.READ"),
        ] {
            let product = products::by_name(name).unwrap();
            assert_eq!(needed(product, method, path).as_deref(), Some(scope), "{method} {path}");
        }
    }
}
