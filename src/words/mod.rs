//! What is said to people, in their language. The English text stands in the code and is the key of its translation
//! in `ja.toml`; a test fails where one is missing, unused, or has other placeholders.
//!
//! Words for machines stay English: error codes, JSON, logs, the protocols of helpers, and what is kept on disk. What
//! is kept and shown later, perhaps to somebody else, is written with [`kept!`] and shown through [`local`].

mod catalogue;
pub mod causes;
mod language;
mod width;

pub use catalogue::{fill, help, local, said};
pub use language::{Language, Speaking, language, speak};
pub use width::{cut, hang, pad, width, wrap};

/// A text in the language of the call: `t!("there is no profile '{name}'", name)`. A placeholder's value is the
/// variable of that name, or what is given as `name = value`.
macro_rules! t {
    ($english:literal $(,)?) => {
        $crate::words::said($english).unwrap_or($english).to_owned()
    };
    ($english:literal $(, $name:ident $(= $value:expr)?)+ $(,)?) => {
        match $crate::words::said($english) {
            None => format!($english $(, $name = $crate::words::value!($name $(= $value)?))+),
            Some(translation) => $crate::words::fill(
                translation,
                &[$((stringify!($name), &$crate::words::value!($name $(= $value)?) as &dyn ::std::fmt::Display)),+],
            ),
        }
    };
}

/// A text that is written down before it is shown: always English, and shown through [`local`].
macro_rules! kept {
    ($english:literal $(,)?) => { $english.to_owned() };
    ($english:literal $(, $name:ident $(= $value:expr)?)+ $(,)?) => {
        format!($english $(, $name = $crate::words::value!($name $(= $value)?))+)
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

pub(crate) use {kept, t, value};
