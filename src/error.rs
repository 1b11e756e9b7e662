//! Every way to fail: what is said, what to do next, and the exit code a script sees.
//!
//! A variant is a situation, not a place in the code. Code, message, cause and hint are one exhaustive match each,
//! so that a new situation cannot be added without deciding all four. No variant can hold a secret.

use crate::config::duration::words;
use std::path::PathBuf;
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
    /// Zoho refuses the client: a wrong data centre, id or secret.
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
    pub fn retryable(self) -> bool {
        matches!(self, Code::Unavailable | Code::RateLimited | Code::Busy)
    }
}

/// Why a keyring did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringTrouble {
    /// There is none to be reached: no bus, or nobody on it.
    NoService,
    /// It is locked, and nobody unlocked it.
    Locked,
    /// It has no collection that new items go into.
    NoCollection,
    /// It did not answer.
    Silent {
        /// For so long.
        waited: Duration,
    },
    /// Anything else.
    Failed,
}

impl KeyringTrouble {
    fn message(self) -> String {
        match self {
            KeyringTrouble::NoService => "no keyring service can be reached".into(),
            KeyringTrouble::Locked => "the keyring is locked".into(),
            KeyringTrouble::NoCollection => "the keyring has no default collection to keep secrets in".into(),
            KeyringTrouble::Silent { waited } => {
                format!("the keyring did not answer within {}", words(waited))
            }
            KeyringTrouble::Failed => "the keyring failed".into(),
        }
    }

    fn hint(self) -> String {
        let first = match self {
            KeyringTrouble::NoService => "start one in this session",
            KeyringTrouble::Locked => "unlock it and try again",
            KeyringTrouble::NoCollection => "create a default keyring in the desktop's password program",
            KeyringTrouble::Silent { .. } => "restart the keyring service or unlock it",
            KeyringTrouble::Failed => "try again",
        };
        format!("{first}; or log in with --secrets file, which keeps secrets in files of mode 0600")
    }
}

/// A failed call, as people and scripts see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// The command line is wrong; clap's words or ours.
    Usage(String),
    /// A profile name that could not stand in a path.
    BadProfileName,
    /// No profile was named and none can be chosen.
    NoProfile {
        /// The profiles there are.
        known: Vec<String>,
    },
    /// No profile of this name.
    UnknownProfile {
        /// What was asked for.
        name: String,
        /// The profiles there are.
        known: Vec<String>,
    },
    /// The config file says something that cannot be.
    Config {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A setting from flags or the environment that cannot be.
    Setting {
        /// What is wrong.
        problem: String,
        /// What to do about it.
        hint: String,
    },
    /// The environment profile lacks a variable.
    EnvironmentIncomplete {
        /// The variable that is missing.
        missing: &'static str,
    },
    /// There is no credential for the profile.
    NeverLoggedIn {
        /// The profile.
        profile: String,
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
    /// The person, or Zoho's limit on codes, refused the consent.
    Denied {
        /// Zoho's error code.
        error: String,
    },
    /// Zoho did not take an authorization code.
    CodeRefused {
        /// Zoho's error code.
        error: String,
    },
    /// The consent was given, but no refresh token came.
    NoRefreshToken {
        /// The profile.
        profile: String,
    },
    /// Nobody answered the consent page in time.
    NobodyCame,
    /// The port that the browser is to come back to is in use.
    PortTaken {
        /// The port.
        port: u16,
    },
    /// A redirect that must not lead to a request.
    UntrustedRedirect {
        /// What is wrong with it.
        problem: String,
    },
    /// Zoho does not accept the client (`invalid_client` and the like).
    ClientRejected {
        /// The profile.
        profile: String,
        /// Zoho's error code.
        error: String,
        /// The accounts server that was asked.
        accounts_url: String,
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
    /// The fleet's lease was lost before the request could be sent, so it was not.
    LeaseLost,
    /// The accounts server (or the shared store) gave no usable answer.
    Unavailable {
        /// What was tried and what came back.
        problem: String,
        /// Until it is tried again, where that is known.
        retry_after: Option<Duration>,
    },
    /// `--offline`, and the cache holds no living token.
    Offline,
    /// A file, keyring or lock could not be read or written.
    Store {
        /// What was being done, beginning with a verb: `read`, `write`, `lock`.
        action: &'static str,
        /// What it was done to.
        what: String,
        /// What the system said.
        problem: String,
    },
    /// The system's keyring did not do what it was asked.
    Keyring {
        /// Why.
        trouble: KeyringTrouble,
        /// What the keyring said, if anything.
        problem: String,
    },
    /// A login stored secrets that their place no longer has.
    SecretsGone {
        /// The profile.
        profile: String,
        /// The place.
        place: &'static str,
    },
    /// A logout would revoke what other profiles use too.
    Shared {
        /// The profile.
        profile: String,
        /// The others.
        others: Vec<String>,
    },
    /// Zoho did not confirm that the refresh token is dead.
    NotRevoked {
        /// The profile.
        profile: String,
        /// What came back.
        problem: String,
    },
    /// A folder or file that others could read, own or have planted.
    Unsafe {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do about it.
        hint: String,
    },
    /// Malformed input on stdin.
    BadInput {
        /// What is wrong with it.
        problem: String,
    },
    /// A helper was asked about a host that the profile's token must not go to.
    HostNotServed {
        /// The host; none where no token may go there whatever the settings say.
        host: Option<String>,
        /// The profile.
        profile: String,
    },
    /// The file of `--out`, or a CI system's, could not be written.
    Out {
        /// The file.
        path: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// The command of `exec` could not be run.
    Command {
        /// Its program.
        program: String,
        /// Whether it is there at all.
        found: bool,
        /// What the system said.
        problem: String,
    },
    /// The accounts server's or the cache's token has bytes that no token has.
    HostileToken,
    /// Standard output could not be written.
    Stdout {
        /// What the system said.
        problem: String,
    },
    /// A signal ended the call.
    Interrupted {
        /// Its number: 2 or 15.
        signal: u8,
    },
}

impl Error {
    /// The word and exit code of the situation.
    pub fn code(&self) -> Code {
        match self {
            Error::Usage(_) | Error::BadProfileName | Error::NoProfile { .. } | Error::Shared { .. } => {
                Code::Usage
            }
            Error::UnknownProfile { .. } => Code::UnknownProfile,
            Error::Config { .. } | Error::Setting { .. } | Error::EnvironmentIncomplete { .. } => {
                Code::Config
            }
            Error::NeverLoggedIn { .. }
            | Error::SecretsGone { .. }
            | Error::Refused { .. }
            | Error::Denied { .. }
            | Error::CodeRefused { .. }
            | Error::NoRefreshToken { .. }
            | Error::NobodyCame => Code::LoginRequired,
            Error::ClientRejected { .. } => Code::ClientRejected,
            Error::CoolingDown { .. } | Error::OutOfBudget { .. } | Error::TooManyRejects { .. } => {
                Code::RateLimited
            }
            Error::Busy { .. } | Error::LeaseLost | Error::PortTaken { .. } => Code::Busy,
            Error::Unavailable { .. } | Error::NotRevoked { .. } | Error::Offline | Error::HostileToken => {
                Code::Unavailable
            }
            Error::Store { .. } | Error::Keyring { .. } | Error::Unsafe { .. } | Error::Out { .. } => {
                Code::Store
            }
            Error::BadInput { .. } | Error::HostNotServed { .. } | Error::UntrustedRedirect { .. } => {
                Code::BadInput
            }
            Error::Command { found, .. } => Code::Command(if *found { 126 } else { 127 }),
            Error::Stdout { .. } => Code::Failure,
            Error::Interrupted { signal } => Code::Interrupted(*signal),
        }
    }

    /// What happened: lower case, no final period.
    pub fn message(&self) -> String {
        match self {
            Error::Usage(words) => words.clone(),
            Error::BadProfileName => "that is not a profile name".into(),
            Error::NoProfile { known } if known.is_empty() => "there is no profile yet".into(),
            Error::NoProfile { .. } => "which profile?".into(),
            Error::UnknownProfile { name, .. } => format!("there is no profile '{name}'"),
            Error::Config { path, line: Some(line), problem, .. } => {
                format!("{}, line {line}: {problem}", path.display())
            }
            Error::Config { path, line: None, problem, .. } => format!("{}: {problem}", path.display()),
            Error::Setting { problem, .. } => problem.clone(),
            Error::EnvironmentIncomplete { missing } => format!("the environment profile lacks {missing}"),
            Error::NeverLoggedIn { profile } => format!("profile '{profile}' has no credential"),
            Error::Keyring { trouble, .. } => trouble.message(),
            Error::Shared { profile, others } => {
                format!("the credential of '{profile}' is also used by {}", others.join(", "))
            }
            Error::NotRevoked { profile, .. } => {
                format!("the refresh token of '{profile}' could not be revoked, so nothing was forgotten")
            }
            Error::SecretsGone { profile, place } => {
                format!("the secrets of '{profile}' are no longer in its {place} store")
            }
            Error::Refused { profile, .. } => {
                format!("Zoho no longer accepts the refresh token of '{profile}'")
            }
            Error::Denied { error } => format!("the consent was not given: '{error}'"),
            Error::CodeRefused { error } => format!("Zoho did not take the code: '{error}'"),
            Error::NoRefreshToken { .. } => "Zoho granted access, but sent no refresh token".into(),
            Error::NobodyCame => "nobody answered the consent page in time".into(),
            Error::PortTaken { port } => format!("port {port} of this machine is in use"),
            Error::UntrustedRedirect { problem } => format!("the redirect was not accepted: {problem}"),
            Error::ClientRejected { error, .. } => format!("Zoho rejected the client with '{error}'"),
            Error::LeaseLost => "another machine took over before the request was sent".into(),
            Error::CoolingDown { .. } => "Zoho throttled this refresh token, so nobody asks for now".into(),
            Error::OutOfBudget { used, limit, .. } => {
                format!("out of budget: {used} of Zoho's {limit} token requests are used")
            }
            Error::TooManyRejects { .. } => "rejected tokens have already caused 3 refreshes".into(),
            Error::Busy { waited, .. } => format!("another process held the lock for {}", words(*waited)),
            Error::Unavailable { problem, .. } => problem.clone(),
            Error::Offline => "no living token is cached, and --offline forbids asking for one".into(),
            Error::Store { action, what, .. } => format!("could not {action} {what}"),
            Error::Unsafe { path, problem, .. } => format!("{} {problem}", path.display()),
            Error::BadInput { problem } => problem.clone(),
            Error::HostNotServed { host: Some(host), profile } => {
                format!("profile '{profile}' serves no tokens for {host}")
            }
            Error::HostNotServed { host: None, .. } => "no token goes to such an address".into(),
            Error::Out { path, .. } => format!("could not write {}", path.display()),
            Error::Command { program, found: true, .. } => format!("could not run '{program}'"),
            Error::Command { program, found: false, .. } => format!("there is no command '{program}'"),
            Error::HostileToken => {
                "the access token has bytes that no token has, so it was not printed".into()
            }
            Error::Stdout { .. } => "could not write to standard output".into(),
            Error::Interrupted { signal } => format!("ended by signal {signal}"),
        }
    }

    /// Why, where the message does not say it already.
    pub fn cause(&self) -> Option<String> {
        match self {
            Error::Refused { error, .. } => Some(format!(
                "it was answered '{error}': revoked, replaced by a newer login, or of another data centre"
            )),
            Error::ClientRejected { accounts_url, .. } => Some(format!(
                "most likely the wrong data centre ({accounts_url} was asked), else a wrong client id or secret"
            )),
            Error::Denied { .. } => {
                Some("somebody pressed Reject, or more than 10 codes were asked for in 10 minutes".into())
            }
            Error::CodeRefused { .. } => {
                Some("a code is good for two minutes and one use, at the data centre that made it".into())
            }
            Error::NoRefreshToken { .. } => {
                Some("Zoho sends one only for offline access with a new consent".into())
            }
            Error::PortTaken { .. } => Some("another login may be waiting there, or another program".into()),
            Error::UntrustedRedirect { .. } => {
                Some("anybody can send such an address, and the client secret would go where it says".into())
            }
            Error::CoolingDown { .. } => Some("more than 10 tokens were asked for in 10 minutes".into()),
            Error::TooManyRejects { .. } => Some("a caller rejects every token it is given".into()),
            Error::Busy { holder: Some(pid), .. } => Some(format!("process {pid} is refreshing the token")),
            Error::Store { problem, .. }
            | Error::NotRevoked { problem, .. }
            | Error::Stdout { problem }
            | Error::Out { problem, .. }
            | Error::Command { problem, found: true, .. } => Some(problem.clone()),
            Error::Keyring { problem, .. } => Some(problem.clone()).filter(|problem| !problem.is_empty()),
            Error::BadProfileName => {
                Some("a name is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit".into())
            }
            Error::Usage(_)
            | Error::NoProfile { .. }
            | Error::UnknownProfile { .. }
            | Error::Config { .. }
            | Error::Setting { .. }
            | Error::EnvironmentIncomplete { .. }
            | Error::NeverLoggedIn { .. }
            | Error::NobodyCame
            | Error::SecretsGone { .. }
            | Error::Shared { .. }
            | Error::OutOfBudget { .. }
            | Error::Busy { holder: None, .. }
            | Error::LeaseLost
            | Error::Unavailable { .. }
            | Error::Offline
            | Error::Unsafe { .. }
            | Error::BadInput { .. }
            | Error::HostNotServed { .. }
            | Error::Command { found: false, .. }
            | Error::HostileToken
            | Error::Interrupted { .. } => None,
        }
    }

    /// What to do next, ready to paste where that is possible.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Usage(_) => Some("run 'zoho-cred --help'".into()),
            Error::BadProfileName => Some("choose a name such as 'crm'".into()),
            Error::NoProfile { known } | Error::UnknownProfile { known, .. } if known.is_empty() => Some(
                "run 'zoho-cred login crm', or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN"
                    .into(),
            ),
            Error::NoProfile { known } => Some(format!("name one of: {}", known.join(", "))),
            Error::UnknownProfile { name, known } => {
                match crate::config::nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => Some(format!("did you mean '{near}'?")),
                    None => Some(format!("there are: {}", known.join(", "))),
                }
            }
            Error::Config { nearest: Some(near), .. } => Some(format!("did you mean '{near}'?")),
            Error::Config { nearest: None, .. } => {
                Some("correct that line; docs/config.md lists every key".into())
            }
            Error::Setting { hint, .. } | Error::Unsafe { hint, .. } => Some(hint.clone()),
            Error::EnvironmentIncomplete { missing } => {
                Some(format!("set {missing} or {missing}_FILE, or unset the other ZOHO_ variables"))
            }
            Error::Denied { .. }
            | Error::CodeRefused { .. }
            | Error::NobodyCame
            | Error::UntrustedRedirect { .. } => Some("run the same login again".into()),
            Error::NoRefreshToken { profile } => Some(format!(
                "remove the app from Connected Apps in your Zoho account, then run 'zoho-cred login {profile}' again"
            )),
            Error::PortTaken { .. } => {
                Some("end that program, or register another port and give it with --redirect-uri".into())
            }
            Error::Keyring { trouble, .. } => Some(trouble.hint()),
            Error::SecretsGone { profile, .. } => Some(format!(
                "run 'zoho-cred login {profile}', or 'zoho-cred logout {profile} --local' to forget it"
            )),
            Error::Shared { .. } => {
                Some("--force revokes it for all of them; --local forgets it for this profile only".into())
            }
            Error::NotRevoked { profile, .. } => Some(format!(
                "try again; 'zoho-cred logout {profile} --local' forgets it here and leaves it alive at Zoho"
            )),
            Error::NeverLoggedIn { profile } | Error::Refused { profile, .. } => {
                Some(format!("run 'zoho-cred login {profile}'"))
            }
            Error::ClientRejected { profile, .. } => Some(format!(
                "compare data_center, client id and secret with the API console, then run 'zoho-cred login {profile}'"
            )),
            Error::CoolingDown { retry_after }
            | Error::OutOfBudget { retry_after, .. }
            | Error::TooManyRejects { retry_after } => Some(format!("try again in {}", words(*retry_after))),
            Error::Busy { .. } | Error::LeaseLost => Some("try again, or give a longer --timeout".into()),
            Error::Unavailable { retry_after: Some(after), .. } => {
                Some(format!("try again in {}", words(*after)))
            }
            Error::Unavailable { retry_after: None, .. } => Some("check the network and try again".into()),
            Error::Offline => Some("run the same command without --offline".into()),
            Error::Store { .. } => {
                Some("check the folder's permissions and free space, or set ZOHO_CRED_STATE_DIR".into())
            }
            Error::BadInput { .. } => Some("see docs/protocols.md for what is read from stdin".into()),
            Error::HostNotServed { host: Some(host), profile } => Some(format!(
                "if it is an API of Zoho's, add \"{host}\" to hosts of [profile.{profile}] in the config"
            )),
            Error::HostNotServed { host: None, .. } => {
                Some("write it as https://host/path, without user info".into())
            }
            Error::Out { .. } => Some("check the folder's permissions and free space".into()),
            Error::Command { .. } => Some("check the name behind '--', and PATH".into()),
            Error::HostileToken => Some("check that the accounts server is Zoho's".into()),
            Error::Stdout { .. } => Some("check where the output is going".into()),
            Error::Interrupted { .. } => None,
        }
    }

    /// Until a new attempt makes sense, where that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::CoolingDown { retry_after }
            | Error::OutOfBudget { retry_after, .. }
            | Error::TooManyRejects { retry_after }
            | Error::Refused { retry_after, .. } => Some(*retry_after),
            Error::Unavailable { retry_after, .. } => *retry_after,
            Error::Busy { .. } | Error::LeaseLost => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}
