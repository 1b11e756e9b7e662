//! Presets of scopes, and which scopes are known. No list of Zoho's is complete: an unknown scope is worth a warning.

use crate::nearest::nearest;

/// Each preset with its scopes. All include the one that lets `login` show whose account it is.
const PRESETS: [(&str, &[&str]); 5] = [
    (
        "crm",
        &[
            "ZohoCRM.modules.ALL",
            "ZohoCRM.settings.ALL",
            "ZohoCRM.users.READ",
            "ZohoCRM.org.READ",
            "ZohoCRM.coql.READ",
            "AaaServer.profile.READ",
        ],
    ),
    (
        "crm-readonly",
        &[
            "ZohoCRM.modules.READ",
            "ZohoCRM.settings.READ",
            "ZohoCRM.users.READ",
            "ZohoCRM.org.READ",
            "ZohoCRM.coql.READ",
            "AaaServer.profile.READ",
        ],
    ),
    ("books", &["ZohoBooks.fullaccess.all", "AaaServer.profile.READ"]),
    (
        "desk",
        &[
            "Desk.tickets.ALL",
            "Desk.contacts.ALL",
            "Desk.settings.READ",
            "Desk.basic.READ",
            "AaaServer.profile.READ",
        ],
    ),
    (
        "desk-readonly",
        &["Desk.tickets.READ", "Desk.contacts.READ", "Desk.basic.READ", "AaaServer.profile.READ"],
    ),
];

/// The scopes of a preset.
pub(crate) fn preset(name: &str) -> Option<&'static [&'static str]> {
    PRESETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, scopes)| *scopes)
}

/// The names of all presets.
pub(crate) fn presets() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// Known scopes.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().flat_map(|(_, scopes)| scopes.iter().copied())
}

/// Whether `scope` is known, or of a known product with a known operation.
pub(crate) fn is_known(scope: &str) -> bool {
    known().any(|known| known.eq_ignore_ascii_case(scope))
}

/// The known scope or preset most likely meant.
pub(crate) fn suggestion(word: &str) -> Option<&'static str> {
    nearest(word, if word.contains('.') { known().collect::<Vec<_>>() } else { presets().collect() })
}
