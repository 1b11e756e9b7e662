use serde::Serialize;

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Ok,
    /// It works, but needs attention.
    Warning,
    Failed,
    Skipped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    /// One or two words.
    pub(crate) name: String,
    pub(crate) status: Verdict,
    pub(crate) message: String,
    pub(crate) fix: Option<String>,
}

impl Check {
    pub(crate) fn ok(name: &str, message: impl Into<String>) -> Self {
        Check { name: name.to_owned(), status: Verdict::Ok, message: message.into(), fix: None }
    }

    pub(crate) fn skipped(name: &str, message: impl Into<String>) -> Self {
        Check { status: Verdict::Skipped, ..Check::ok(name, message) }
    }

    pub(crate) fn warning(name: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Check { status: Verdict::Warning, fix: Some(fix.into()), ..Check::ok(name, message) }
    }

    pub(crate) fn failed(name: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Check { status: Verdict::Failed, fix: Some(fix.into()), ..Check::ok(name, message) }
    }

    /// A failed check with the message of `error`, and its hint as the fix.
    pub(crate) fn error(name: &str, error: &crate::error::Error) -> Self {
        Check {
            status: Verdict::Failed,
            fix: error.hint().map(str::to_owned),
            ..Check::ok(name, error.in_one_line())
        }
    }
}
