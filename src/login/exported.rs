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
    Number(u64),
    Null,
}

/// Why a text cannot be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportError {
    /// `export` did not print it.
    Foreign,
    /// A later version of `export` printed it, whose fields may mean something else.
    Newer,
}

/// The version that `export` prints.
const VERSION: u64 = 1;

/// Parses dotenv lines or JSON. Other variables and fields are ignored.
pub fn parse(text: &str) -> Result<Env, ExportError> {
    // Editors and shells on Windows add a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    let found = if text.starts_with('{') {
        from_json(text)?
    } else {
        from_dotenv(text).ok_or(ExportError::Foreign)?
    };
    Ok(Env::of(found))
}

fn from_json(text: &str) -> Result<Vec<(&'static str, String)>, ExportError> {
    let fields: BTreeMap<String, Field> = serde_json::from_str(text).map_err(|_| ExportError::Foreign)?;
    match fields.get("version") {
        None | Some(Field::Number(VERSION)) => {}
        Some(Field::Number(version)) if *version > VERSION => return Err(ExportError::Newer),
        Some(_) => return Err(ExportError::Foreign),
    }
    let value = |field: &str| match fields.get(field)? {
        Field::Text(text) => Some(text.clone()),
        Field::Texts(texts) => Some(texts.join(",")),
        Field::Number(_) | Field::Null => None,
    };
    Ok(VARIABLES.iter().filter_map(|(name, field)| Some((*name, value(field)?))).collect())
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
    use super::{ExportError, parse};

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
        for text in ["{", "[1]", "client_id", r#"{"client_id":{}}"#, r#"{"version":"1"}"#, r#"{"version":0}"#]
        {
            assert_eq!(parse(text).err(), Some(ExportError::Foreign), "{text}");
        }
        assert_eq!(parse(r#"{"version":2,"client_id":"1000.X"}"#).err(), Some(ExportError::Newer));
    }
}
