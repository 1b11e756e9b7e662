//! Edits of `config.toml` by commands: comments and order stay, links are written through.

use super::Profile;
use super::{DEFAULT_REDIRECT_URI, Grant, ProfileName, SecretsIn};
use crate::error::Error;
use crate::words::t;
use std::path::Path;
use toml_edit::{Array, DocumentMut, Item, Table, value};

/// The text of the file with `profile` in it; [`Error::Config`] where the old text is no TOML.
pub fn with_profile(path: &Path, text: &str, profile: &Profile) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    let profiles = document.entry("profile").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let not_a_table = || Error::Config {
        path: path.to_owned(),
        line: None,
        problem: t!("profile is not a table"),
        nearest: None,
    };
    let profiles = profiles.as_table_like_mut().ok_or_else(not_a_table)?;
    let table = profiles.entry(profile.name.as_str()).or_insert_with(|| Item::Table(Table::new()));
    let table = table.as_table_like_mut().ok_or_else(not_a_table)?;
    for (key, setting) in settings(profile) {
        match setting {
            Some(setting) => put(table, key, setting),
            None => {
                table.remove(key);
            }
        }
    }
    Ok(document.to_string())
}

/// The text of the file without the profile `name`, and without a `default_profile` that names it.
pub fn without_profile(path: &Path, text: &str, name: &ProfileName) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    if let Some(profiles) = document.get_mut("profile").and_then(Item::as_table_like_mut) {
        profiles.remove(name.as_str());
        if profiles.is_empty() {
            document.remove("profile");
        }
    }
    if document.get("default_profile").and_then(Item::as_str) == Some(name.as_str()) {
        document.remove("default_profile");
    }
    Ok(document.to_string())
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut, Error> {
    text.parse().map_err(|error: toml_edit::TomlError| Error::Config {
        path: path.to_owned(),
        line: None,
        problem: error.message().to_owned(),
        nearest: None,
    })
}

/// Puts a value in place of another one, whose comment stays.
fn put(table: &mut dyn toml_edit::TableLike, key: &str, setting: toml_edit::Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            let decor = old.decor().clone();
            *old = setting;
            *old.decor_mut() = decor;
        }
        None => {
            table.insert(key, value(setting));
        }
    }
}

/// The keys that a login decides; `None` removes one. Keys that only people write are left alone.
fn settings(profile: &Profile) -> Vec<(&'static str, Option<toml_edit::Value>)> {
    let dc = profile.data_center.filter(|dc| dc.accounts_url() == profile.accounts_url.as_str());
    let (grant, soid) = match &profile.grant {
        Grant::RefreshToken => (None, None),
        Grant::ClientCredentials { soid } => {
            (Some("client_credentials".into()), soid.clone().map(Into::into))
        }
    };
    let redirect = Some(&profile.redirect_uri).filter(|uri| *uri != DEFAULT_REDIRECT_URI);
    let mut settings = vec![
        ("data_center", dc.map(|dc| dc.code.into())),
        ("accounts_url", dc.is_none().then(|| profile.accounts_url.as_str().into())),
        ("client_id", Some((&*profile.client_id).into())),
        ("grant", grant),
        ("soid", soid),
        ("redirect_uri", redirect.map(|uri| uri.into())),
        (
            "secrets",
            match &profile.secrets {
                SecretsIn::Command(_) | SecretsIn::Environment => None,
                place => Some(place.word().into()),
            },
        ),
    ];
    if !profile.scopes.is_empty() {
        settings.push(("scopes", Some(profile.scopes.iter().collect::<Array>().into())));
    }
    settings
}

/// The lines that a person can paste, where the file cannot be written.
pub fn lines(profile: &Profile) -> Result<String, Error> {
    with_profile(Path::new("config.toml"), "", profile)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigFile;

    #[test]
    fn comments_and_other_keys_stay() {
        let text = "# mine\ndefault_profile = \"crm\"\n\n[profile.crm] # sales\ndata_center = \"jp\" # Tokyo\nclient_id = \"old\"\nhosts = [\"x.example\"]\n";
        let file = ConfigFile::parse(Path::new("c"), text).unwrap();
        let mut profile = file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap();
        profile.client_id = "new".into();
        profile.scopes = vec!["A.b.READ".into()];
        let edited = with_profile(Path::new("c"), text, &profile).unwrap();
        for part in [
            "# mine",
            "# sales",
            "# Tokyo",
            "client_id = \"new\"",
            "hosts = [\"x.example\"]",
            "scopes = [\"A.b.READ\"]",
        ] {
            assert!(edited.contains(part), "{part} in {edited}");
        }
        assert!(ConfigFile::parse(Path::new("c"), &edited).is_ok());
    }

    #[test]
    fn a_forgotten_profile_takes_only_its_own_lines() {
        let text = "default_profile = \"crm\"\n\n[profile.crm]\nclient_id = \"x\"\n\n# books\n[profile.books]\ndata_center = \"jp\"\nclient_id = \"y\"\n";
        let crm = ProfileName::new("crm").unwrap();
        let edited = without_profile(Path::new("c"), text, &crm).unwrap();
        let rest = "\n# books\n[profile.books]\ndata_center = \"jp\"\nclient_id = \"y\"\n";
        assert_eq!(edited, rest);
        let nobody = without_profile(Path::new("c"), rest, &crm).unwrap();
        assert_eq!(nobody, rest);
    }

    #[test]
    fn a_first_profile_makes_a_readable_file() {
        let text = "[profile.crm]\ndata_center = \"jp\"\nclient_id = \"x\"\n";
        let file = ConfigFile::parse(Path::new("c"), text).unwrap();
        let profile = file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap();
        assert_eq!(lines(&profile).unwrap(), format!("{text}secrets = \"keyring\"\n"));
    }
}
