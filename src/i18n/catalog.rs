//! The Japanese catalog, parsed on first use.

use crate::i18n::language::{Language, language};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::OnceLock;

#[derive(Default, Deserialize)]
struct Catalog {
    /// Messages of `tr!`.
    messages: BTreeMap<String, String>,
    /// Help texts of commands and flags.
    help: BTreeMap<String, String>,
}

fn catalog() -> Option<&'static Catalog> {
    static JAPANESE: OnceLock<Catalog> = OnceLock::new();
    match language() {
        Language::English => None,
        // A unit test parses the file, so the embedded copy always parses.
        Language::Japanese => {
            Some(JAPANESE.get_or_init(|| toml::from_str(include_str!("ja.toml")).unwrap_or_default()))
        }
    }
}

/// The translation of a message; `None` in English.
pub fn translate(english: &str) -> Option<&'static str> {
    catalog()?.messages.get(english).map(String::as_str)
}

/// The translation of a help text; `None` in English.
pub(crate) fn help(english: &str) -> Option<&'static str> {
    catalog()?.help.get(english).map(String::as_str)
}

/// Replaces the placeholders of a translation.
pub fn fill(translation: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::new();
    let mut rest = translation;
    while let Some((before, name, after)) = placeholder(rest) {
        filled += before;
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => filled += &value.to_string(),
            None => filled += &rest[before.len()..rest.len() - after.len()],
        }
        rest = after;
    }
    filled + rest
}

/// The text before the first `{name}`, the name, and the text after it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let close = open + text[open..].find('}')?;
        let name = &text[open + 1..close];
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        {
            return Some((&text[..open], name, &text[close + 1..]));
        }
        from = open + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_can_be_read() {
        assert!(toml::from_str::<Catalog>(include_str!("ja.toml")).is_ok());
    }

    #[test]
    fn values_are_filled_in_once() {
        let (a, b) = ("{b}", 2);
        assert_eq!(fill("{b}つの{a}、{\"x\":1}と{c}", &[("a", &a), ("b", &b)]), "2つの{b}、{\"x\":1}と{c}");
    }
}
