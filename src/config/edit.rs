//! Edits `config.toml`. Comments, order and symbolic links are kept.

use crate::config::ConfigFile;
use crate::config::table::wrong;
use crate::error::Error;
use crate::model::{DEFAULT_REDIRECT_URI, Grant, Profile, ProfileName, SecretBackend};
use crate::system::{files, new_file};
use std::io;
use std::path::Path;
use toml_edit::{Array, Decor, DocumentMut, Item, Key, RawString, Table, TableLike, Value, value};

/// How often an edit is repeated after concurrent changes to the file.
const MOST_TRIES: u32 = 10;

/// Replaces the file's text by the result of `edit`, which gets it with `\n` as line ends. If the file changes before the
/// rename, `edit` runs again on the new text. The inner error is a failed write.
pub fn apply(
    config: &ConfigFile,
    mut edit: impl FnMut(&str) -> Result<String, Error>,
) -> Result<io::Result<()>, Error> {
    for _ in 0..MOST_TRIES {
        let old = config.text_now()?;
        let text = old.as_deref().unwrap_or_default();
        let mut edited = edit(&text.replace("\r\n", "\n"))?;
        if text.contains("\r\n") {
            edited = edited.replace('\n', "\r\n");
        }
        if edited == text {
            return Ok(new_file::sync_folder(&files::canonical(config.path())));
        }
        let is_unchanged = || config.text_now().is_ok_and(|now| now == old);
        match new_file::replace_config(config.path(), &edited, is_unchanged) {
            Ok(true) => return Ok(Ok(())),
            Ok(false) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Err(io::ErrorKind::ResourceBusy.into()))
}

/// Adds or updates `profile` in `text`. `Code::Config` if `text` is not valid TOML.
pub(crate) fn with_profile(path: &Path, text: &str, profile: &Profile) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    let profiles = document.get_mut("profile").and_then(Item::as_table_like_mut);
    let table = profiles.and_then(|all| all.get_mut(profile.name.as_str())?.as_table_like_mut());
    let Some(table) = table else {
        // A new profile follows everything else, with the comments at the end of the file.
        let before = text.trim_end();
        let gap = if before.is_empty() { "" } else { "\n\n" };
        let edited = format!("{before}{gap}{}", lines(profile));
        return parse(path, &edited).map(|_| edited);
    };
    for (key, setting) in settings(profile) {
        match setting {
            Some(setting) => set_value(table, key, setting),
            None => remove_key(table, key),
        }
    }
    Ok(document.to_string())
}

/// The profile as lines to paste, if the file cannot be written.
pub(crate) fn lines(profile: &Profile) -> String {
    let mut table = Table::new();
    for (key, setting) in settings(profile) {
        setting.into_iter().for_each(|setting| set_value(&mut table, key, setting));
    }
    let mut profiles = Table::new();
    profiles.set_implicit(true);
    profiles.insert(profile.name.as_str(), Item::Table(table));
    let mut document = DocumentMut::new();
    document.insert("profile", Item::Table(profiles));
    document.to_string()
}

/// Makes `name` the `default_profile` of `text`.
pub(crate) fn with_default(path: &Path, text: &str, name: &ProfileName) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    if document.contains_key("default_profile") {
        set_value(document.as_table_mut(), "default_profile", name.as_str().into());
        return Ok(document.to_string());
    }
    // The key precedes all tables, and the comments at the top of the file precede the key.
    let is_comment = |line: &&str| line.trim().is_empty() || line.starts_with('#');
    let top: usize = text.split_inclusive('\n').take_while(is_comment).map(str::len).sum();
    let head = of_others(&text[..top]);
    let rest = text[head.len()..].trim_start_matches('\n');
    let gap = if rest.is_empty() { "" } else { "\n" };
    Ok(format!("{head}default_profile = \"{name}\"\n{gap}{rest}"))
}

/// Renames the profile `old`, and a `default_profile` that names it.
pub(crate) fn with_new_name(
    path: &Path,
    text: &str,
    old: &ProfileName,
    new: &ProfileName,
) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    if let Some(profiles) = document.get_mut("profile").and_then(Item::as_table_like_mut)
        && let Some(table) = profiles.remove(old.as_str())
    {
        profiles.insert(new.as_str(), table);
    }
    if document.get("default_profile").and_then(Item::as_str) == Some(old.as_str()) {
        set_value(document.as_table_mut(), "default_profile", new.as_str().into());
    }
    Ok(document.to_string())
}

/// The profile to make the default when `new` is added to a config without one: `new` if it is the first, the only other
/// one so that it stays what `zoho-cred get` uses, or none.
pub(crate) fn default_beside(config: &ConfigFile, new: &ProfileName) -> Option<ProfileName> {
    if config.default_profile().is_some() {
        return None;
    }
    let others: Vec<_> = config.names().into_iter().filter(|name| name != new.as_str()).collect();
    match others.as_slice() {
        [] => Some(new.clone()),
        [other] => ProfileName::new(other).ok(),
        _ => None,
    }
}

/// Removes the profile `name` from `text`, and a `default_profile` that names it.
pub(crate) fn without_profile(path: &Path, text: &str, name: &ProfileName) -> Result<String, Error> {
    let mut document = parse(path, text)?;
    let mut top = String::new();
    if document.get("default_profile").and_then(Item::as_str) == Some(name.as_str()) {
        top = comments(document.key("default_profile").map(Key::leaf_decor)).to_owned();
        document.remove("default_profile");
    }
    if let Some(profiles) = document.get_mut("profile").and_then(Item::as_table_like_mut) {
        let removed = profiles.remove(name.as_str());
        if profiles.is_empty() {
            document.remove("profile");
        }
        let removed = removed.as_ref().and_then(Item::as_table);
        let above = of_others(comments(removed.map(Table::decor))).to_owned();
        match removed.and_then(|removed| next_table(&mut document, removed.position())) {
            Some(next) => put_above(next.decor_mut(), &above),
            None => {
                let trailing = format!("{above}{}", document.trailing().as_str().unwrap_or_default());
                document.set_trailing(trailing);
            }
        }
    }
    Ok(top + &document.to_string())
}

/// The lines above a key or table, or nothing if they contain no comment.
fn comments(decor: Option<&Decor>) -> &str {
    let lines = decor.and_then(Decor::prefix).and_then(RawString::as_str);
    lines.filter(|lines| lines.contains('#')).unwrap_or_default()
}

/// The part of `lines` that a blank line separates from the table below: it does not describe that table.
fn of_others(lines: &str) -> &str {
    let end = lines.rfind("\n\n").map_or(0, |at| at + 2);
    Some(&lines[..end]).filter(|lines| lines.contains('#')).unwrap_or_default()
}

fn put_above(decor: &mut Decor, lines: &str) {
    if !lines.is_empty() {
        let below = decor.prefix().and_then(RawString::as_str).unwrap_or_default().trim_start_matches('\n');
        decor.set_prefix(format!("{lines}{below}"));
    }
}

/// The first table after `position`.
fn next_table(document: &mut DocumentMut, position: Option<isize>) -> Option<&mut Table> {
    let tables = document.iter_mut().filter_map(|(_, item)| item.as_table_mut());
    let explicit = tables.flat_map(|table| {
        if !table.is_implicit() {
            return vec![table];
        }
        table.iter_mut().filter_map(|(_, item)| item.as_table_mut()).collect()
    });
    explicit.filter(|table| table.position() > position).min_by_key(|table| table.position())
}

/// Removes a key. Comments above it may describe more keys, so they move to the next key, or else to the one before.
fn remove_key(table: &mut dyn TableLike, key: &str) {
    let Some(at) = table.iter().position(|(found, _)| found == key) else { return };
    let above = comments(table.key(key).map(Key::leaf_decor)).to_owned();
    table.remove(key);
    let left = table.iter().count();
    let neighbor = table.iter().nth(at.min(left.saturating_sub(1))).map(|(name, _)| name.to_owned());
    if let Some(mut neighbor) = neighbor.and_then(|name| table.key_mut(&name)) {
        put_above(neighbor.leaf_decor_mut(), &above);
    }
}

fn parse(path: &Path, text: &str) -> Result<DocumentMut, Error> {
    text.parse().map_err(|error: toml_edit::TomlError| wrong(path, None, error.message(), None))
}

/// Replaces a value and keeps its comment. An equal value keeps its spelling.
fn set_value(table: &mut dyn TableLike, key: &str, setting: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) if is_equal(old, &setting) => {}
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

/// Whether two values are the same string or list of strings.
fn is_equal(one: &Value, other: &Value) -> bool {
    fn texts(value: &Value) -> Option<Vec<&str>> {
        match value.as_array() {
            Some(list) => list.iter().map(Value::as_str).collect(),
            None => value.as_str().map(|text| vec![text]),
        }
    }
    one.is_array() == other.is_array()
        && texts(one).is_some_and(|texts_of_one| Some(texts_of_one) == texts(other))
}

/// The keys that a login sets. `None` removes a key. Other keys stay as they are.
fn settings(profile: &Profile) -> Vec<(&'static str, Option<Value>)> {
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
                SecretBackend::Command(_) | SecretBackend::Environment => None,
                place => Some(place.word().into()),
            },
        ),
    ];
    if !profile.scopes.is_empty() {
        settings.push(("scopes", Some(profile.scopes.iter().collect::<Array>().into())));
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AccountsUrl;

    const CRM: &str = "[profile.crm]\ndata_center = \"jp\"\nclient_id = \"x\"\nsecrets = \"file\"\n";
    const BOOKS: &str = "[profile.books]\ndata_center = \"jp\"\n# client_id = \"old\"\n";

    fn path() -> &'static Path {
        Path::new("c")
    }

    fn crm(text: &str) -> Profile {
        let file = ConfigFile::parse(path(), text).unwrap();
        file.profile(&ProfileName::new("crm").unwrap()).unwrap().unwrap()
    }

    #[test]
    fn an_edit_keeps_comments_and_other_keys() {
        let before = "# mine\n\n[profile.crm] # sales\n# ours is in Tokyo\ndata_center = \"jp\"\n\
             client_id = \"old\" # of 2026\nhosts = [\"x.example\"]\nscopes = [\n  \"A.b.READ\", # leads\n]\n";
        let profile = Profile {
            client_id: "new".into(),
            accounts_url: AccountsUrl::new("https://accounts.example").unwrap(),
            data_center: None,
            ..crm(before)
        };
        let after = "# mine\n\n[profile.crm] # sales\n# ours is in Tokyo\nclient_id = \"new\" # of 2026\n\
             hosts = [\"x.example\"]\nscopes = [\n  \"A.b.READ\", # leads\n]\n\
             accounts_url = \"https://accounts.example\"\nsecrets = \"keyring\"\n";
        assert_eq!(with_profile(path(), before, &profile).unwrap(), after);
    }

    #[test]
    fn a_new_profile_goes_behind_everything() {
        assert_eq!(lines(&crm(CRM)), CRM);
        let store = format!("{BOOKS}\n[store]\nurl = \"redis://redis\"\n# mine\n");
        for before in ["# mine\n", BOOKS, &store] {
            assert_eq!(with_profile(path(), before, &crm(CRM)).unwrap(), format!("{before}\n{CRM}"));
        }
    }

    #[test]
    fn a_removed_profile_takes_only_its_own_comments() {
        let name = ProfileName::new("crm").unwrap();
        let sales = "# sales\n[profile.crm] # here\ndata_center = \"us\"\n";
        let head = "# mine\n# and yours\n\n";
        for (before, after) in [
            (format!("{head}{sales}\n{BOOKS}"), format!("{head}{BOOKS}")),
            (format!("{BOOKS}\n{head}{sales}"), format!("{BOOKS}\n{head}")),
            (format!("{head}{sales}# the end\n"), format!("{head}# the end\n")),
            (format!("{sales}\n# books\n{BOOKS}"), format!("\n# books\n{BOOKS}")),
            (
                format!("# which\ndefault_profile = \"crm\" # it\n\n{sales}\n{BOOKS}"),
                format!("# which\n\n{BOOKS}"),
            ),
            (BOOKS.to_owned(), BOOKS.to_owned()),
        ] {
            assert_eq!(without_profile(path(), &before, &name).unwrap(), after, "{before}");
        }
    }
}
