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

/// Replaces the placeholders of a translation. Japanese text has blanks around Latin words only, so the one after a
/// placeholder is left out if the value turns out to end in Japanese. A path keeps it, to end there.
pub fn fill(translation: &str, values: &[(&str, &dyn Display)]) -> String {
    let mut filled = String::new();
    let mut rest = translation;
    while let Some((before, name, mut after)) = placeholder(rest) {
        filled += before;
        match values.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => {
                let value = value.to_string();
                let next = after.trim_start_matches(' ');
                if value.ends_with(is_japanese)
                    && next.starts_with(is_japanese)
                    && !value.contains(['/', '\\'])
                {
                    after = next;
                }
                filled += &value;
            }
            None => filled += &rest[before.len()..rest.len() - after.len()],
        }
        rest = after;
    }
    filled + rest
}

fn is_japanese(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}' | '々' | '\u{4e00}'..='\u{9fff}')
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

    /// Regression: the login guide said `API コンソール を開いて` for a server that is not Zoho's.
    #[test]
    fn a_japanese_value_has_no_blank_after_it() {
        let filled = |value: &str| fill("{console} を開いて", &[("console", &value)]);
        assert_eq!(filled("API コンソール"), "API コンソールを開いて");
        assert_eq!(filled("https://x.jp"), "https://x.jp を開いて");
        assert_eq!(filled("/home/山田"), "/home/山田 を開いて");
    }

    #[test]
    fn values_are_filled_in_once() {
        let (a, b) = ("{b}", 2);
        assert_eq!(fill("{b}つの{a}、{\"x\":1}と{c}", &[("a", &a), ("b", &b)]), "2つの{b}、{\"x\":1}と{c}");
    }
}
