//! The Japanese words, read when the first of them is wanted.

use crate::i18n::{Language, language};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::OnceLock;

/// Every English text with its translation.
#[derive(Default, Deserialize)]
struct Catalogue {
    /// What is said with `t!`.
    said: BTreeMap<String, String>,
    /// The help of commands and flags.
    help: BTreeMap<String, String>,
}

fn catalog() -> Option<&'static Catalogue> {
    static JAPANESE: OnceLock<Catalogue> = OnceLock::new();
    match language() {
        Language::English => None,
        // A test reads the whole file, so that what is built in can be parsed.
        Language::Japanese => {
            Some(JAPANESE.get_or_init(|| toml::from_str(include_str!("ja.toml")).unwrap_or_default()))
        }
    }
}

/// The translation of a text of `t!`; `None` in English.
pub fn said(english: &str) -> Option<&'static str> {
    catalog()?.said.get(english).map(String::as_str)
}

/// The translation of the help of a command or flag; `None` in English.
pub(crate) fn help(english: &str) -> Option<&'static str> {
    catalog()?.help.get(english).map(String::as_str)
}

/// A translation with its values.
pub fn fill(translation: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::new();
    let mut rest = translation;
    while let Some((before, name, after)) = placeholder(rest) {
        filled += before;
        match values.iter().find(|(found, _)| *found == name) {
            Some((_, value)) => filled += &value.to_string(),
            None => filled += &rest[before.len()..rest.len() - after.len()],
        }
        rest = after;
    }
    filled + rest
}

/// What stands before the first `{name}`, the name, and what stands after it.
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
        assert!(toml::from_str::<Catalogue>(include_str!("ja.toml")).is_ok());
    }

    #[test]
    fn values_are_filled_in_once() {
        let (a, b) = ("{b}", 2);
        assert_eq!(fill("{b}つの{a}、{\"x\":1}と{c}", &[("a", &a), ("b", &b)]), "2つの{b}、{\"x\":1}と{c}");
    }
}
