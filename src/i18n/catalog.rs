//! The catalogs of translations, each parsed on first use. A new language needs one file, `CODE.toml`, in this folder.

use crate::i18n::language::{CATALOGS, Language, language};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::OnceLock;

#[derive(Default, Deserialize)]
struct Catalog {
    /// Whether terminals may draw characters of ambiguous width, such as arrows, in two columns.
    #[serde(default)]
    ambiguous_is_wide: bool,
    /// Answers that mean yes, in lowercase.
    #[serde(default)]
    yes: Vec<String>,
    /// Messages of `tr!`.
    messages: BTreeMap<String, String>,
    /// Help texts of commands and flags.
    help: BTreeMap<String, String>,
}

fn catalog() -> Option<&'static Catalog> {
    match language() {
        Language::English => None,
        Language::Translated(at) => Some(parsed(at)),
    }
}

fn parsed(at: usize) -> &'static Catalog {
    static PARSED: [OnceLock<Catalog>; CATALOGS.len()] = [const { OnceLock::new() }; CATALOGS.len()];
    // A unit test parses the files, so the embedded copies always parse.
    PARSED[at].get_or_init(|| toml::from_str(CATALOGS[at].1).unwrap_or_default())
}

/// Whether `answer` means yes in any language.
pub(super) fn means_yes(answer: &str) -> bool {
    (0..CATALOGS.len()).any(|at| parsed(at).yes.iter().any(|yes| yes == answer))
}

pub(super) fn ambiguous_is_wide() -> bool {
    catalog().is_some_and(|catalog| catalog.ambiguous_is_wide)
}

/// The English text of a key, without the context after `##`.
pub fn english(key: &str) -> &str {
    key.split("##").next().unwrap_or(key)
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
    use crate::i18n::tr;

    #[test]
    fn the_catalogue_can_be_read() {
        for (code, text) in CATALOGS {
            assert!(toml::from_str::<Catalog>(text).is_ok(), "{code}");
        }
    }

    #[test]
    fn the_context_of_a_word_is_not_shown() {
        let pair = || [tr!("state##of a profile"), tr!("none##instead of a time")];
        assert_eq!(pair(), ["state", "none"]);
        let _speaking = crate::i18n::speak(Language::named("ja").unwrap());
        assert_eq!(pair(), ["状態", "なし"]);
    }

    #[test]
    fn values_are_filled_in_once() {
        let (a, b) = ("{b}", 2);
        assert_eq!(fill("{b}つの{a}、{\"x\":1}と{c}", &[("a", &a), ("b", &b)]), "2つの{b}、{\"x\":1}と{c}");
    }
}
