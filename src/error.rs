//! Every way to fail: what is said, what to do next, and the exit code a script sees.
//!
//! A variant is a situation, not a place in the code. Code, message, cause and hint are one exhaustive match each,
//! so that a new situation cannot be added without deciding all four. No variant can hold a secret.

use crate::i18n::humanize;
use crate::i18n::tr;
use crate::model::ENVIRONMENT;
use crate::problem::Problem;
use std::time::Duration;

/// What a caller can branch on: the word in `error[…]`, and the exit code (sysexits where one fits).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Unforeseen, or stdout could not be written.
    Failure,
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
        match self {
            Code::Failure => "failure",
            Code::Usage => "usage",
            Code::BadInput => "bad_input",
            Code::Unavailable => "unavailable",
            Code::Internal => "internal",
            Code::Store => "store",
            Code::RateLimited => "rate_limited",
            Code::Busy => "busy",
            Code::LoginRequired => "login_required",
            Code::Config => "config",
            Code::UnknownProfile => "unknown_profile",
            Code::ClientRejected => "client_rejected",
            Code::Interrupted(_) => "interrupted",
            Code::Command(_) => "command",
        }
    }

    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Code::Failure => 1,
            Code::Usage => 2,
            Code::BadInput => 65,
            Code::Unavailable => 69,
            Code::Internal => 70,
            Code::Store => 74,
            Code::RateLimited | Code::Busy => 75,
            Code::LoginRequired => 77,
            Code::Config | Code::UnknownProfile | Code::ClientRejected => 78,
            Code::Interrupted(signal) => 128 + signal,
            Code::Command(code) => code,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub(crate) fn retryable(self) -> bool {
        matches!(self, Code::Unavailable | Code::RateLimited | Code::Busy)
    }
}

/// A setting that secrets are bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangedSetting {
    /// `accounts_url` or `data_center`.
    AccountsServer,
    /// `client_id`.
    ClientId,
    /// `grant`.
    Grant,
}

/// A failed call, as people and scripts see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// An error whose words are chosen where it is raised.
    Plain {
        /// Its code.
        code: Code,
        /// What happened.
        message: String,
        /// Why.
        cause: Option<String>,
        /// What to do next.
        hint: Option<String>,
        /// Until a new attempt makes sense.
        retry_after: Option<Duration>,
    },
    /// There is no credential for the profile.
    NeverLoggedIn {
        /// The profile.
        profile: String,
    },
    /// The profile no longer has the settings that its secrets were made for, so they are not used.
    SettingsChanged {
        /// The profile.
        profile: String,
        /// The setting that differs.
        setting: ChangedSetting,
    },
    /// Zoho says the refresh token is dead (`invalid_code`).
    Refused {
        /// The profile.
        profile: String,
        /// Zoho's error code.
        error: String,
        /// Until Zoho is asked again.
        retry_after: Duration,
    },
    /// Zoho throttled the refresh token; nobody asks until the cool-down ends.
    CoolingDown {
        /// Until then.
        retry_after: Duration,
    },
    /// Our own ledger says that one more request would reach Zoho's limit.
    OutOfBudget {
        /// Requests that count at the moment.
        used: u32,
        /// Requests that Zoho allows in a window.
        limit: u32,
        /// Until the next one is free.
        retry_after: Duration,
    },
    /// Refreshes caused by `reject` have used up their share of the window.
    TooManyRejects {
        /// Until the next one is free.
        retry_after: Duration,
    },
    /// Someone else held the lock for the whole of `--timeout`.
    Busy {
        /// How long this caller waited.
        waited: Duration,
        /// Process id of the holder, if known.
        holder: Option<u32>,
    },
    /// A login or logout of the profile ended while this call was under way.
    ConcurrentModification {
        /// The profile.
        profile: String,
    },
    /// The fleet's lease was lost before the request could be sent, so it was not.
    LeaseLost,
    /// The accounts server (or the shared store) gave no usable answer.
    Unavailable {
        /// What was tried and what came back.
        problem: String,
        /// Until it is tried again, where that is known.
        retry_after: Option<Duration>,
    },
    /// A request to the accounts server brought no usable answer.
    NoAnswer {
        /// The accounts server's host.
        host: String,
        /// Why.
        problem: Problem,
        /// Until it is tried again, where that is known.
        retry_after: Option<Duration>,
    },
    /// `--offline`, and the cache holds no living token.
    Offline,
    /// A login stored secrets that their place no longer has.
    SecretsGone {
        /// The profile.
        profile: String,
        /// The place.
        place: &'static str,
    },
}

impl Error {
    /// An error that says what happened (lower case, no final period) and what to do next.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        let (message, hint) = (message.into(), Some(hint.into()));
        Error::Plain { code, message, cause: None, hint, retry_after: None }
    }

    /// A command line that asks for what cannot be; the help of `command` says what is right.
    pub fn usage(problem: impl Into<String>, command: &str) -> Self {
        Error::new(Code::Usage, problem, tr!("run '{command} --help'", command))
    }

    /// The accounts server or the shared store gave no usable answer.
    pub fn unavailable(problem: &str) -> Self {
        Error::Unavailable { problem: problem.to_owned(), retry_after: None }
    }

    /// A signal ended the call. Whoever sent it needs no hint.
    pub fn interrupted(signal: u8) -> Self {
        Error::Plain {
            code: Code::Interrupted(signal),
            message: tr!("ended by signal {signal}", signal),
            cause: None,
            hint: None,
            retry_after: None,
        }
    }

    /// The same error with a cause, where the message does not say it already.
    pub fn with_cause(mut self, why: impl Into<String>) -> Self {
        if let Error::Plain { cause, .. } = &mut self {
            *cause = Some(why.into());
        }
        self
    }

    /// The same error with the time until a new attempt makes sense.
    pub fn with_retry_after(mut self, time: Duration) -> Self {
        if let Error::Plain { retry_after, .. } = &mut self {
            *retry_after = Some(time);
        }
        self
    }

    /// The word and exit code of the situation.
    pub fn code(&self) -> Code {
        match self {
            Error::Plain { code, .. } => *code,
            Error::NeverLoggedIn { .. }
            | Error::SettingsChanged { .. }
            | Error::SecretsGone { .. }
            | Error::Refused { .. } => Code::LoginRequired,
            Error::CoolingDown { .. } | Error::OutOfBudget { .. } | Error::TooManyRejects { .. } => {
                Code::RateLimited
            }
            Error::Busy { .. } | Error::ConcurrentModification { .. } | Error::LeaseLost => Code::Busy,
            Error::Unavailable { .. } | Error::NoAnswer { .. } | Error::Offline => Code::Unavailable,
        }
    }

    /// What happened: lower case, no final period.
    pub fn message(&self) -> String {
        match self {
            Error::Plain { message, .. } => message.clone(),
            Error::NeverLoggedIn { profile } => tr!("profile '{profile}' has no credential", profile),
            Error::SettingsChanged { profile, .. } => {
                tr!("profile '{profile}': settings changed since the login", profile)
            }
            Error::SecretsGone { profile, place } => {
                tr!("the secrets of '{profile}' are no longer in its {place} store", profile, place)
            }
            Error::Refused { profile, .. } => {
                tr!("Zoho no longer accepts the refresh token of '{profile}'", profile)
            }
            Error::LeaseLost => tr!("another process or machine took over before the request was sent"),
            Error::CoolingDown { .. } => tr!("Zoho throttled this refresh token, so nobody asks for now"),
            Error::OutOfBudget { used, limit, .. } => {
                tr!("out of budget: {used} of Zoho's {limit} token requests are used", used, limit)
            }
            Error::TooManyRejects { .. } => tr!("rejected tokens have already caused 3 refreshes"),
            Error::Busy { waited, .. } => {
                tr!("another process held the lock for {time}", time = humanize(*waited))
            }
            Error::ConcurrentModification { profile } => {
                tr!("a login or logout of '{profile}' came before this command was done", profile)
            }
            Error::Unavailable { problem, .. } => problem.clone(),
            Error::NoAnswer { host, problem, .. } => problem.message(host),
            Error::Offline => tr!("no living token is cached, and --offline forbids asking for one"),
        }
    }

    /// Message and cause together.
    pub(crate) fn in_one_line(&self) -> String {
        let cause = self.cause().map(|cause| format!(": {cause}"));
        self.message() + &cause.unwrap_or_default()
    }

    /// Why, where the message does not say it already.
    pub fn cause(&self) -> Option<String> {
        match self {
            Error::Plain { cause, .. } => cause.clone(),
            Error::SettingsChanged { setting, .. } => Some(match setting {
                ChangedSetting::AccountsServer => tr!("its secrets belong to another accounts server"),
                ChangedSetting::ClientId => tr!("its secrets belong to another client_id"),
                ChangedSetting::Grant => tr!("its secrets belong to another grant"),
            }),
            Error::Refused { error, .. } => Some(tr!(
                "it was answered '{error}': revoked, replaced by a newer login, or of another data center",
                error
            )),
            Error::CoolingDown { .. } => Some(tr!("more than 10 tokens were asked for in 10 minutes")),
            Error::TooManyRejects { .. } => Some(tr!("a caller rejects every token it is given")),
            Error::Busy { holder: Some(pid), .. } => Some(tr!("process {pid} is refreshing the token", pid)),
            _ => None,
        }
    }

    /// What to do next, ready to paste where that is possible.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Plain { hint, .. } => hint.clone(),
            Error::SecretsGone { profile, .. } => Some(tr!(
                "run 'zoho-cred login {profile}', or 'zoho-cred logout {profile} --local' to forget it",
                profile
            )),
            Error::Refused { profile, .. } if profile == ENVIRONMENT => Some(tr!(
                "put another refresh token into ZOHO_REFRESH_TOKEN, or run 'zoho-cred login crm' and use that profile"
            )),
            Error::NeverLoggedIn { profile }
            | Error::SettingsChanged { profile, .. }
            | Error::Refused { profile, .. } => Some(tr!("run 'zoho-cred login {profile}'", profile)),
            Error::CoolingDown { retry_after }
            | Error::OutOfBudget { retry_after, .. }
            | Error::TooManyRejects { retry_after } => {
                Some(tr!("try again in {time}", time = humanize(*retry_after)))
            }
            Error::Busy { .. } | Error::LeaseLost => Some(tr!("try again, or give a longer --timeout")),
            Error::ConcurrentModification { .. } => Some(tr!("run it again")),
            Error::Unavailable { retry_after, .. } => Some(try_again(*retry_after)),
            Error::NoAnswer { problem, retry_after, .. } => {
                Some(problem.advice().unwrap_or_else(|| try_again(*retry_after)))
            }
            Error::Offline => Some(tr!("run the same command without --offline")),
        }
    }

    /// Until a new attempt makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Plain { retry_after, .. } => *retry_after,
            Error::CoolingDown { retry_after }
            | Error::OutOfBudget { retry_after, .. }
            | Error::TooManyRejects { retry_after }
            | Error::Refused { retry_after, .. } => Some(*retry_after),
            Error::Unavailable { retry_after, .. } | Error::NoAnswer { retry_after, .. } => *retry_after,
            Error::Busy { .. } | Error::ConcurrentModification { .. } | Error::LeaseLost => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }
}

fn try_again(retry_after: Option<Duration>) -> String {
    match retry_after {
        Some(after) => tr!("try again in {time}", time = humanize(after)),
        None => tr!("check the network and try again"),
    }
}
