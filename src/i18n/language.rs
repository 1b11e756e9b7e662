//! Which language a call speaks, by the variables that POSIX and gettext have for it.

use std::cell::Cell;

/// A language that we have words in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The words in the code.
    #[default]
    English,
    /// The words in `ja.toml`.
    Japanese,
}

thread_local! {
    /// Of this thread, as the tests run many calls side by side in one process.
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
}

impl Language {
    /// The language of messages: `LC_ALL`, else `LC_MESSAGES`, else `LANG` (POSIX, Internationalization Variables);
    /// unless that is `C`, the first of `LANGUAGE` that we have goes before it (gettext).
    pub fn of<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| variable(name)).unwrap_or("C");
        if matches!(locale, "C" | "POSIX") || !is_utf8(locale) {
            return Language::English;
        }
        let preferred = variable("LANGUAGE").unwrap_or_default().split(':').find_map(Self::named);
        preferred.or_else(|| Self::named(locale)).unwrap_or_default()
    }

    /// Its tag in HTML (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Japanese => "ja",
        }
    }

    /// The language of a locale such as `ja_JP.UTF-8`, if we have it.
    fn named(locale: &str) -> Option<Self> {
        match locale.split(['_', '.', '@']).next()? {
            "ja" => Some(Language::Japanese),
            "en" => Some(Language::English),
            _ => None,
        }
    }
}

/// A locale that names another encoding than UTF-8 would show ours as garbage.
fn is_utf8(locale: &str) -> bool {
    let encoding = locale.split_once('.').map(|(_, rest)| rest.split('@').next().unwrap_or_default());
    encoding.is_none_or(|name| name.eq_ignore_ascii_case("UTF-8") || name.eq_ignore_ascii_case("utf8"))
}

/// The language of this thread.
pub(crate) fn language() -> Language {
    LANGUAGE.get()
}

/// The language of this thread until it is dropped; then it is again what it was.
pub struct Speaking {
    before: Language,
}

/// Speaks `language` from here on.
#[must_use = "the language ends with the guard"]
pub fn speak(language: Language) -> Speaking {
    Speaking { before: LANGUAGE.replace(language) }
}

impl Drop for Speaking {
    fn drop(&mut self) {
        LANGUAGE.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, English, Japanese};

    #[test]
    fn the_variables_rank_as_posix_and_gettext_have_them() {
        let of = |set: &[(&str, &'static str)]| {
            Language::of(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| *value))
        };
        assert_eq!(of(&[]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), Japanese);
        assert_eq!(of(&[("LANG", "ja_JP.utf8@x")]), Japanese);
        assert_eq!(of(&[("LANG", "ja")]), Japanese);
        assert_eq!(of(&[("LANG", "ja_JP.eucJP")]), English);
        assert_eq!(of(&[("LANG", "jam_JM.UTF-8")]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")]), English);
        assert_eq!(of(&[("LC_ALL", "ja_JP.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")]), Japanese);
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "ja")]), English);
        assert_eq!(of(&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "de:ja:en")]), Japanese);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "en:ja")]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "de")]), Japanese);
        assert_eq!(of(&[("LANGUAGE", "ja")]), English);
    }
}
