//! The one type of error: what happened, why, what to do next, and the exit code a script sees.
//!
//! The words are chosen where the error is raised, in the language of the call. Where logic depends on what failed, a
//! function has a small enum of its own, such as [`crate::refresh::RefreshError`], which becomes an [`Error`] at its
//! edge. No error holds a secret.

use crate::i18n::{humanize, tr};
use std::time::Duration;

/// What a caller can branch on: the word in `error[…]`, and the exit code (sysexits where one fits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Unforeseen, or stdout could not be written.
    Failure,
    /// An API answered with a status of 400 or more.
    Api,
    /// The command line is wrong.
    Usage,
    /// Malformed input on stdin, or a host that is not served.
    BadInput,
    /// The accounts server or the shared store cannot be reached or understood.
    Unavailable,
    /// A bug.
    Internal,
    /// A keyring, file or lock could not be read or written.
    Store,
    /// Zoho's limit: try again after `retry_after`.
    RateLimited,
    /// Another process holds the lock: try again.
    Busy,
    /// A person has to log in.
    LoginRequired,
    /// The settings are wrong.
    Config,
    /// No profile of that name.
    UnknownProfile,
    /// Zoho refuses the client: a wrong data center, id or secret.
    ClientRejected,
    /// Ended by SIGINT or SIGTERM.
    Interrupted(u8),
    /// `exec` could not run its command: 126 or 127, as a shell has it.
    Command(u8),
}

impl Code {
    /// The word in `error[…]` and in `--error-format json`.
    pub fn word(self) -> &'static str {
        self.word_and_exit_code().0
    }

    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        self.word_and_exit_code().1
    }

    fn word_and_exit_code(self) -> (&'static str, u8) {
        match self {
            Code::Failure => ("failure", 1),
            Code::Api => ("api", 1),
            Code::Usage => ("usage", 2),
            Code::BadInput => ("bad_input", 65),
            Code::Unavailable => ("unavailable", 69),
            Code::Internal => ("internal", 70),
            Code::Store => ("store", 74),
            Code::RateLimited => ("rate_limited", 75),
            Code::Busy => ("busy", 75),
            Code::LoginRequired => ("login_required", 77),
            Code::Config => ("config", 78),
            Code::UnknownProfile => ("unknown_profile", 78),
            Code::ClientRejected => ("client_rejected", 78),
            Code::Interrupted(signal) => ("interrupted", 128 + signal),
            Code::Command(code) => ("command", code),
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub(crate) fn retryable(self) -> bool {
        matches!(self, Code::Unavailable | Code::RateLimited | Code::Busy)
    }
}

/// A failed call, as people and scripts see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    message: String,
    cause: Option<String>,
    hint: Option<String>,
    retry_after: Option<Duration>,
    wrong: Option<WrongAnswer>,
}

/// The answer of a login that Zoho probably did not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongAnswer {
    /// The client, its secret, or the data center.
    Client,
    /// The scopes.
    Scopes,
    /// The organization.
    Organization,
    /// The authorization code.
    Code,
}

impl Error {
    /// An error that says what happened (lower case, no final period) and what to do next.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), Some(hint.into()));
        Error { code, message, cause: None, hint, retry_after: None, wrong: None }
    }

    /// A command line that asks for something impossible; the help of `command` says what is right.
    pub fn usage(problem: impl Into<String>, command: &str) -> Self {
        Error::new(Code::Usage, problem, tr!("run '{command} --help'", command))
    }

    /// The accounts server or the shared store gave no usable answer.
    pub fn unavailable(problem: &str) -> Self {
        Error::new(Code::Unavailable, problem, try_again(None))
    }

    /// A signal ended the call. Whoever sent it needs no hint.
    pub fn interrupted(signal: u8) -> Self {
        let message = tr!("ended by signal {signal}", signal);
        Error { hint: None, ..Error::new(Code::Interrupted(signal), message, "") }
    }

    /// Adds why it happened, where the message does not say it already.
    pub fn with_cause(self, cause: impl Into<String>) -> Self {
        Error { cause: Some(cause.into()), ..self }
    }

    /// Replaces what to do next.
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Error { hint: Some(hint.into()), ..self }
    }

    /// Adds the time until a new attempt makes sense.
    pub fn with_retry_after(self, time: Duration) -> Self {
        Error { retry_after: Some(time), ..self }
    }

    /// Adds what a login can ask for again.
    pub(crate) fn with_wrong_answer(self, wrong: Option<WrongAnswer>) -> Self {
        Error { wrong, ..self }
    }

    /// The answer of a login that was probably wrong.
    pub(crate) fn wrong_answer(&self) -> Option<WrongAnswer> {
        self.wrong
    }

    /// The word and exit code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, where the message does not say it already.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// What to do next, ready to paste where that is possible.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Until a new attempt makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Message and cause together.
    pub(crate) fn in_one_line(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {cause}", self.message),
            None => self.message.clone(),
        }
    }
}

/// Where the page `name` of the documentation is, for hints: a URL once the package has a repository.
pub(crate) fn page(name: &str) -> String {
    match env!("CARGO_PKG_REPOSITORY") {
        "" => tr!("the page '{name}' of the documentation", name),
        repository => format!("{repository}/blob/v{}/docs/{name}.md", env!("CARGO_PKG_VERSION")),
    }
}

/// The hint of an error that time may cure.
pub(crate) fn try_again(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(after) => tr!("try again in {time}", time = humanize(after)),
        None => tr!("check the network and try again"),
    }
}
