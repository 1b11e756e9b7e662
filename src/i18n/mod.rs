//! Messages in the user's language. The English text in the code is the key of its translation in a catalog such as
//! `ja.toml`. A test fails if a translation is missing, unused, or has other placeholders.
//!
//! Text for programs stays English: error codes, JSON, logs and the helper protocols. Files on disk hold codes, see
//! [`crate::problem`].

mod catalog;
pub(crate) mod causes;
mod humanize;
mod input;
mod language;
mod layout;

pub(crate) use catalog::help;
pub use catalog::{english, fill, translate};
pub(crate) use humanize::humanize;
pub(crate) use input::{is_yes, normalize};
pub(crate) use language::language;
pub use language::{Language, Speaking, speak};
pub(crate) use layout::{cut, hang, pad, width, wrap};

/// A message in the user's language: `tr!("there is no profile '{name}'", name)`. A placeholder takes its value
/// from the variable of the same name, or from `name = value`. A word with several meanings has a context after `##`,
/// which is not shown: `tr!("none##instead of a time")`.
macro_rules! tr {
    ($english:literal $(,)?) => {
        $crate::i18n::translate($english).unwrap_or_else(|| $crate::i18n::english($english)).to_owned()
    };
    ($english:literal $(, $name:ident $(= $value:expr)?)+ $(,)?) => {
        match $crate::i18n::translate($english) {
            None => format!($english $(, $name = $crate::i18n::value!($name $(= $value)?))+),
            Some(translation) => $crate::i18n::fill(
                translation,
                &[$((stringify!($name), &$crate::i18n::value!($name $(= $value)?) as &dyn ::std::fmt::Display)),+],
            ),
        }
    };
}

/// The value of a placeholder, [sanitized](crate::sanitize).
macro_rules! value {
    ($name:ident) => {
        $crate::sanitize::Sanitized(&$name)
    };
    ($name:ident = $value:expr) => {
        $crate::sanitize::Sanitized(&$value)
    };
}

pub(crate) use {tr, value};
