//! Selects the language from the variables that POSIX and gettext define.

use std::cell::Cell;

/// The language code and the text of each catalog in this folder, found by `build.rs`.
pub(super) const CATALOGS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogs.rs"));

/// A supported language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, the texts in the code.
    #[default]
    English,
    /// The language of the catalog at this position of `CATALOGS`.
    Translated(usize),
}

thread_local! {
    /// Per thread, because tests run many calls in one process.
    static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
}

impl Language {
    /// The language of `LC_ALL`, else `LC_MESSAGES`, else `LANG` (POSIX, Internationalization Variables). Unless
    /// that is `C`, the first supported language in `LANGUAGE` has priority (gettext). If none of the three is set, the
    /// language is that of `setting`, a BCP 47 tag.
    pub fn of<'a>(
        variable: impl Fn(&str) -> Option<&'a str>,
        setting: impl FnOnce() -> Option<String>,
    ) -> Self {
        let Some(locale) = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| variable(name)) else {
            return setting().and_then(|tag| Self::named(&tag)).unwrap_or_default();
        };
        if matches!(locale, "C" | "POSIX") || !is_utf8(locale) {
            return Language::English;
        }
        let preferred = variable("LANGUAGE").unwrap_or_default().split(':').find_map(Self::named);
        preferred.or_else(|| Self::named(locale)).unwrap_or_default()
    }

    /// The BCP 47 language tag, for HTML.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Translated(at) => CATALOGS[at].0,
        }
    }

    /// The language of a locale such as `ja_JP.UTF-8` or a tag such as `ja-JP`, if supported.
    pub(crate) fn named(locale: &str) -> Option<Self> {
        match locale.split(['_', '-', '.', '@']).next()? {
            "en" => Some(Language::English),
            code => CATALOGS.iter().position(|(name, _)| *name == code).map(Language::Translated),
        }
    }
}

/// Our output is UTF-8, so a locale with another encoding would garble it. Without one, glibc uses an older encoding, which
/// is EUC-JP for `ja_JP`.
fn is_utf8(locale: &str) -> bool {
    let encoding = locale.split_once('.').map(|(_, rest)| rest.split('@').next().unwrap_or_default());
    encoding.is_some_and(|name| name.eq_ignore_ascii_case("UTF-8") || name.eq_ignore_ascii_case("utf8"))
}

pub(crate) fn language() -> Language {
    LANGUAGE.get()
}

/// Restores the previous language when dropped.
pub struct Speaking {
    before: Language,
}

/// Sets the language of this thread until the guard is dropped.
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
    use super::Language::{self, English};

    #[test]
    fn the_variables_rank_as_posix_and_gettext_have_them() {
        let japanese = Language::named("ja").unwrap();
        let of = |set: &[(&str, &'static str)]| {
            Language::of(|name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| *value), || None)
        };
        assert_eq!(of(&[]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), japanese);
        assert_eq!(of(&[("LANG", "ja_JP.utf8@x")]), japanese);
        assert_eq!(of(&[("LANG", "ja")]), English);
        assert_eq!(of(&[("LANG", "ja_JP")]), English, "that is EUC-JP");
        assert_eq!(of(&[("LANG", "en_US"), ("LANGUAGE", "ja")]), English);
        assert_eq!(of(&[("LANG", "ja_JP.eucJP")]), English);
        assert_eq!(of(&[("LANG", "jam_JM.UTF-8")]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")]), English);
        assert_eq!(of(&[("LC_ALL", "ja_JP.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")]), japanese);
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "ja")]), English);
        assert_eq!(of(&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "de:ja:en")]), japanese);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "en:ja")]), English);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LANGUAGE", "de")]), japanese);
        assert_eq!(of(&[("LANGUAGE", "ja")]), English);
    }
}
