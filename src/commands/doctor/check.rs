//! One finding, and the list of them.

use serde::Serialize;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// All is well.
    Ok,
    /// It works, but somebody should look at it.
    Warning,
    /// It does not work.
    Failed,
    /// There is nothing to check.
    Skipped,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// What was looked at, in one or two words.
    pub(crate) name: String,
    /// How it ended.
    pub(crate) status: Verdict,
    /// What was found.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) fix: Option<String>,
}

impl Check {
    /// All is well.
    pub(crate) fn ok(name: &str, message: impl Into<String>) -> Self {
        Check { name: name.to_owned(), status: Verdict::Ok, message: message.into(), fix: None }
    }

    /// There is nothing to check.
    pub(crate) fn skipped(name: &str, message: impl Into<String>) -> Self {
        Check { status: Verdict::Skipped, ..Check::ok(name, message) }
    }

    /// It works, but somebody should do `fix`.
    pub(crate) fn warning(name: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Check { status: Verdict::Warning, fix: Some(fix.into()), ..Check::ok(name, message) }
    }

    /// It does not work until somebody does `fix`.
    pub(crate) fn failed(name: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Check { status: Verdict::Failed, fix: Some(fix.into()), ..Check::ok(name, message) }
    }

    /// What an error says, with its hint as the fix.
    pub(crate) fn error(name: &str, error: &crate::error::Error) -> Self {
        Check { status: Verdict::Failed, fix: error.hint(), ..Check::ok(name, error.in_one_line()) }
    }
}
