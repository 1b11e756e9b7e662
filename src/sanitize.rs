//! Sanitizes untrusted text before it is printed, logged, or written to a page or a generated file.
//!
//! Text from a server, Redis, the config, the environment or a redirect could move the cursor, reorder a line, or
//! contain a command to a CI runner. Two layers prevent that. `tr!` sanitizes every value in a text. `System`
//! sanitizes everything it writes to stderr again, except for its own line breaks.

use serde::Serialize;
use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// The longest value shown, in characters.
const LIMIT: usize = 2_000;

/// Sanitizes one value: masks tokens, escapes control characters and line breaks, and cuts it to [`LIMIT`]
/// characters.
pub(crate) fn sanitize(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => Cow::Owned(clean(&text[..end], "").into_owned() + "..."),
        None => clean(text, ""),
    }
}

/// Sanitizes text of several lines. Line breaks stay.
pub(crate) fn sanitize_lines(text: &str) -> Cow<'_, str> {
    clean(text, "\n")
}

/// A value that is sanitized when it is formatted.
pub(crate) struct Sanitized<T>(pub T);

impl<T: Display> Display for Sanitized<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sanitize(&self.0.to_string()))
    }
}

/// Serializes `value` as JSON. Characters that [`sanitize`] escapes become `\u` escapes, so that the value stays the
/// same.
pub fn json<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    let mut json = String::with_capacity(text.len());
    for (c, harmful) in harmful(&text) {
        if harmful {
            // All of them are in the basic plane and outside JSON's syntax.
            write!(json, "\\u{:04x}", u32::from(c)).unwrap_or_default();
        } else {
            json.push(c);
        }
    }
    json
}

/// Masks tokens and secrets in a command-line argument.
pub(crate) fn mask_argument(text: &str) -> String {
    mask(text, |word| is_token(word) || word.split(['.', '-', '_']).any(is_secret))
}

/// `1000.<hex>.<hex>`, the form of access tokens, refresh tokens and codes, or the 42 hex digits of a client secret. After
/// another number than Zoho's 1000 and 1004, the parts must be long.
fn is_token(word: &str) -> bool {
    if word.len() == 42 && word.bytes().all(|b| b.is_ascii_hexdigit()) {
        return true;
    }
    let mut parts = word.split('.');
    let number = parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit())).unwrap_or_default();
    let least = if number.len() == 4 && number.starts_with("100") { 1 } else { 16 };
    let mut is_part = || {
        let part = parts.next().unwrap_or_default();
        part.len() >= least && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    !number.is_empty() && is_part() && is_part()
}

/// Whether `part` is as long and mixed as a client secret.
fn is_secret(part: &str) -> bool {
    let bytes = part.as_bytes();
    let mixed = bytes.iter().any(u8::is_ascii_digit) && bytes.iter().any(u8::is_ascii_alphabetic);
    bytes.len() >= 30 && mixed
}

fn ends_word(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Replaces every word for which `hides` is true by `***`.
fn mask(text: &str, hides: impl Fn(&str) -> bool) -> String {
    let masked = text.split_inclusive(ends_word).map(|piece| {
        let word = piece.trim_end_matches(ends_word);
        if hides(word) { format!("***{}", &piece[word.len()..]) } else { piece.to_owned() }
    });
    masked.collect()
}

/// Masks tokens and client secrets, and escapes harmful characters except those in `kept`.
fn clean<'a>(text: &'a str, kept: &str) -> Cow<'a, str> {
    if text.split(ends_word).any(is_token) {
        return Cow::Owned(escape(&mask(text, is_token), kept).into_owned());
    }
    escape(text, kept)
}

fn escape<'a>(text: &'a str, kept: &str) -> Cow<'a, str> {
    let escapes = |(c, harmful): (char, bool)| harmful && !kept.contains(c);
    if !harmful(text).any(escapes) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for (c, harmful) in harmful(text) {
        match c {
            c if !escapes((c, harmful)) => escaped.push(c),
            '#' => escaped.extend(c.escape_unicode()),
            _ => escaped.extend(c.escape_default()),
        }
    }
    Cow::Owned(escaped)
}

/// Iterates over the characters of `text`, with whether each must be escaped.
fn harmful(text: &str) -> impl Iterator<Item = (char, bool)> + '_ {
    let mut before = ' ';
    text.chars().map(move |c| {
        // GitHub's runner executes `##[…]`, Azure's agent `##vso[…]` and TeamCity `##teamcity[…]` anywhere in a line.
        let begins_command = c == '#' && before == '#';
        before = c;
        (c, begins_command || c.is_control() || is_bidirectional(c) || matches!(c, '\u{2028}' | '\u{2029}'))
    })
}

/// Unicode's `Bidi_Control`.
fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_and_ci_commands_are_escaped() {
        assert_eq!(sanitize("a\n::error::b\r\t"), "a\\n::error::b\\r\\t");
        assert_eq!(
            sanitize("\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{2028}"),
            "\\u{1b}[2J\\u{9b}31m\\u{7f}\\u{202e}\\u{2028}"
        );
        assert_eq!(sanitize("x ##vso[task.setvariable]"), "x #\\u{23}vso[task.setvariable]");
        assert_eq!(sanitize("日本 'a\\b' #1"), "日本 'a\\b' #1");
        assert_eq!(sanitize_lines("a\nb\r"), "a\nb\\r");
    }

    #[test]
    fn tokens_and_secrets_are_masked() {
        let hex = "0123456789abcdef0123456789abcdef";
        assert_eq!(mask_argument(&format!("'1000.{hex}.{hex}'?")), "'***'?");
        assert_eq!(mask_argument(&format!("--token=1000.{hex}.{hex}")), "--token=***");
        assert_eq!(mask_argument(&format!("{hex}0123456789")), "***");
        assert_eq!(mask_argument("1000.a.b 1000.CLIENT 10.0.0.1 1.2.3"), "*** 1000.CLIENT 10.0.0.1 1.2.3");
        let plain = "get crm --output-file /home/x/zoho-cred/token --timeout 10s";
        assert_eq!(mask_argument(plain), plain);
    }

    #[test]
    fn a_value_is_not_longer_than_the_limit() {
        assert_eq!(sanitize(&"あ".repeat(LIMIT)).chars().count(), LIMIT);
        assert_eq!(sanitize(&"あ".repeat(LIMIT + 1)), "あ".repeat(LIMIT) + "...");
    }

    #[test]
    fn values_are_sanitized_in_both_languages() {
        use crate::i18n::{Language, speak, tr};
        let name = "x\n##vso[y]\u{1b}";
        for language in [Language::English, Language::named("ja").unwrap()] {
            let _speaking = speak(language);
            let text = tr!("there is no profile '{name}'", name);
            assert!(text.contains("x\\n#\\u{23}vso[y]\\u{1b}"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn json_keeps_the_value(text in "[\\x00-\\x7f#\u{80}-\u{9f}あ\u{2028}-\u{2069}]*") {
            let json = json(&text);
            prop_assert!(harmful(&json).all(|(_, harmful)| !harmful), "{json}");
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn sanitized_text_has_nothing_harmful_and_stays_the_same(text in "[\\x00-\\x7f#\u{80}-\u{9f}あ\u{2028}-\u{2069}]*") {
            let once = sanitize(&text).into_owned();
            prop_assert!(harmful(&once).all(|(_, harmful)| !harmful), "{once}");
            prop_assert_eq!(sanitize(&once), once.as_str());
        }
    }
}
