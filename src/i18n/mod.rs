//! What is said to people, in their language. The English text stands in the code and is the key of its translation
//! in `ja.toml`; a test fails where one is missing, unused, or has other placeholders.
//!
//! Words for machines stay English: error codes, JSON, logs and the protocols of helpers. What is kept on disk is a code,
//! see [`crate::problem`].

mod catalog;
pub(crate) mod causes;
mod humanize;
mod language;
mod layout;

pub(crate) use catalog::help;
pub use catalog::{fill, said};
pub(crate) use humanize::humanize;
pub(crate) use language::language;
pub use language::{Language, Speaking, speak};
pub(crate) use layout::{cut, hang, pad, width, wrap};

/// A text in the language of the call: `tr!("there is no profile '{name}'", name)`. A placeholder's value is the
/// variable of that name, or what is given as `name = value`.
macro_rules! tr {
    ($english:literal $(,)?) => {
        $crate::i18n::said($english).unwrap_or($english).to_owned()
    };
    ($english:literal $(, $name:ident $(= $value:expr)?)+ $(,)?) => {
        match $crate::i18n::said($english) {
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
