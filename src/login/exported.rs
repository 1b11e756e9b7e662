//! Reads what `export` prints, as the variables of the environment profile.

use crate::system::Env;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The variables that a credential consists of, with their names in JSON.
const VARIABLES: [(&str, &str); 8] = [
    ("ZOHO_CLIENT_ID", "client_id"),
    ("ZOHO_CLIENT_SECRET", "client_secret"),
    ("ZOHO_REFRESH_TOKEN", "refresh_token"),
    ("ZOHO_GRANT", "grant"),
    ("ZOHO_SOID", "soid"),
    ("ZOHO_DATA_CENTER", "data_center"),
    ("ZOHO_ACCOUNTS_URL", "accounts_url"),
    ("ZOHO_SCOPES", "scopes"),
];

#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Text(String),
    Texts(Vec<String>),
    Number(#[expect(dead_code, reason = "only the version is a number")] u64),
    Null,
}

/// Parses dotenv lines or JSON. `None` if `text` is neither. Other variables and fields are ignored.
pub fn parse(text: &str) -> Option<Env> {
    // Editors and shells on Windows add a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    let found = if text.starts_with('{') { from_json(text)? } else { from_dotenv(text)? };
    Some(Env::of(found))
}

fn from_json(text: &str) -> Option<Vec<(&'static str, String)>> {
    let fields: BTreeMap<String, Field> = serde_json::from_str(text).ok()?;
    let value = |field: &str| match fields.get(field)? {
        Field::Text(text) => Some(text.clone()),
        Field::Texts(texts) => Some(texts.join(",")),
        Field::Number(_) | Field::Null => None,
    };
    Some(VARIABLES.iter().filter_map(|(name, field)| Some((*name, value(field)?))).collect())
}

fn from_dotenv(text: &str) -> Option<Vec<(&'static str, String)>> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        if let Some((name, _)) = VARIABLES.iter().find(|(known, _)| *known == name.trim()) {
            found.push((*name, unquoted(value.trim()).to_owned()));
        }
    }
    Some(found)
}

fn unquoted(value: &str) -> &str {
    let quoted = |quote| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn both_formats_give_the_same_variables() {
        let dotenv = "# mine\nexport ZOHO_CLIENT_ID='1000.X'\nZOHO_DATA_CENTER = \"jp\"\nPATH=/x\nZOHO_SCOPES=A.b.READ,C.d.ALL\n";
        let json = r#"{"version":1,"client_id":"1000.X","soid":null,"data_center":"jp","scopes":["A.b.READ","C.d.ALL"],"x":"y"}"#;
        for text in [dotenv, json, &format!("\u{feff}{dotenv}")] {
            let env = parse(text).unwrap();
            assert_eq!(env.get("ZOHO_CLIENT_ID"), Some("1000.X"));
            assert_eq!(env.get("ZOHO_DATA_CENTER"), Some("jp"));
            assert_eq!(env.get("ZOHO_SCOPES"), Some("A.b.READ,C.d.ALL"));
            assert_eq!((env.get("PATH"), env.get("ZOHO_SOID")), (None, None));
        }
        for text in ["{", "[1]", "client_id", "{\"client_id\":{}}"] {
            assert!(parse(text).is_none(), "{text}");
        }
    }
}
