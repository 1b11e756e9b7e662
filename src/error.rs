//! Every way to fail: what is said, what to do next, and the exit code a script sees.
//!
//! A variant is a situation, not a place in the code. Code, message, cause and hint are one exhaustive match each,
//! so that a new situation cannot be added without deciding all four. No variant can hold a secret.

use crate::i18n::humanize;
use crate::i18n::{causes, tr};
use crate::model::ENVIRONMENT;
use crate::problem::Problem;
use crate::sanitize::mask_argument;
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
            KeyringTrouble::NoService => tr!("no keyring service can be reached"),
            KeyringTrouble::Locked => tr!("the keyring is locked"),
            KeyringTrouble::NoCollection => tr!("the keyring has no default collection to keep secrets in"),
            KeyringTrouble::Silent { waited } => {
                tr!("the keyring did not answer within {time}", time = humanize(waited))
            }
            KeyringTrouble::Failed => tr!("the keyring failed"),
        }
    }

    fn hint(self) -> String {
        let first = match self {
            KeyringTrouble::NoService => tr!("start one in this session"),
            KeyringTrouble::Locked => tr!("unlock it and try again"),
            KeyringTrouble::NoCollection => tr!("create a default keyring in the desktop's password program"),
            KeyringTrouble::Silent { .. } => tr!("restart the keyring service or unlock it"),
            KeyringTrouble::Failed => tr!("try again"),
        };
        tr!("{first}; or log in with --secrets file, which keeps secrets in files of mode 0600", first)
    }
}

/// A failed call, as people and scripts see it.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// What was asked for cannot be.
    Usage {
        /// What is wrong.
        problem: String,
        /// The command whose help says what is right.
        command: &'static str,
    },
    /// The command line is wrong, as clap sees it.
    CommandLine {
        /// What is wrong.
        problem: String,
        /// What was probably meant.
        nearest: Option<String>,
        /// The command whose help says what is right.
        command: String,
    },
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
    LoginTimedOut,
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
    /// Another login or logout was changing profiles for as long as this one waited.
    LoginUnderWay {
        /// How long this one waited.
        waited: Duration,
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
    /// What a login was given is not what it asked for.
    BadAnswer {
        /// What is wrong.
        problem: String,
    },
    /// A helper was asked about a host that the profile's token must not go to.
    HostNotServed {
        /// The host; none where no token may go there whatever the settings say.
        host: Option<String>,
        /// The profile.
        profile: String,
    },
    /// The file of `--output-file`, or a CI system's, could not be written.
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
    /// The machine slept while a token was on its way to the caller.
    pub(crate) fn expired_meanwhile() -> Self {
        let problem = tr!("the token expired before it could be handed out");
        Error::Unavailable { problem, retry_after: None }
    }

    /// The word and exit code of the situation.
    pub fn code(&self) -> Code {
        match self {
            Error::Usage { .. }
            | Error::CommandLine { .. }
            | Error::BadProfileName
            | Error::NoProfile { .. }
            | Error::Shared { .. } => Code::Usage,
            Error::UnknownProfile { .. } => Code::UnknownProfile,
            Error::Config { .. } | Error::Setting { .. } | Error::EnvironmentIncomplete { .. } => {
                Code::Config
            }
            Error::NeverLoggedIn { .. }
            | Error::SettingsChanged { .. }
            | Error::SecretsGone { .. }
            | Error::Refused { .. }
            | Error::Denied { .. }
            | Error::CodeRefused { .. }
            | Error::NoRefreshToken { .. }
            | Error::LoginTimedOut => Code::LoginRequired,
            Error::ClientRejected { .. } => Code::ClientRejected,
            Error::CoolingDown { .. } | Error::OutOfBudget { .. } | Error::TooManyRejects { .. } => {
                Code::RateLimited
            }
            Error::Busy { .. }
            | Error::LoginUnderWay { .. }
            | Error::ConcurrentModification { .. }
            | Error::LeaseLost
            | Error::PortTaken { .. } => Code::Busy,
            Error::Unavailable { .. }
            | Error::NoAnswer { .. }
            | Error::NotRevoked { .. }
            | Error::Offline
            | Error::HostileToken => Code::Unavailable,
            Error::Store { .. } | Error::Keyring { .. } | Error::Unsafe { .. } | Error::Out { .. } => {
                Code::Store
            }
            Error::BadInput { .. }
            | Error::BadAnswer { .. }
            | Error::HostNotServed { .. }
            | Error::UntrustedRedirect { .. } => Code::BadInput,
            Error::Command { found, .. } => Code::Command(if *found { 126 } else { 127 }),
            Error::Stdout { .. } => Code::Failure,
            Error::Interrupted { signal } => Code::Interrupted(*signal),
        }
    }

    /// What happened: lower case, no final period.
    pub fn message(&self) -> String {
        match self {
            Error::Usage { problem, .. } | Error::CommandLine { problem, .. } => problem.clone(),
            Error::BadProfileName => tr!("that is not a profile name"),
            Error::NoProfile { known } if known.is_empty() => tr!("there is no profile yet"),
            Error::NoProfile { .. } => tr!("which profile?"),
            Error::UnknownProfile { name, .. } => {
                tr!("there is no profile '{name}'", name = mask_argument(name))
            }
            Error::Config { path, line: Some(line), problem, .. } => {
                tr!("{path}, line {line}: {problem}", path = path.display(), line, problem)
            }
            Error::Config { path, line: None, problem, .. } => format!("{}: {problem}", path.display()),
            Error::Setting { problem, .. } => problem.clone(),
            Error::EnvironmentIncomplete { missing } => {
                tr!("the environment profile lacks {missing}", missing)
            }
            Error::NeverLoggedIn { profile } => tr!("profile '{profile}' has no credential", profile),
            Error::SettingsChanged { profile, .. } => {
                tr!("profile '{profile}': settings changed since the login", profile)
            }
            Error::Keyring { trouble, .. } => trouble.message(),
            Error::Shared { profile, others } => {
                tr!(
                    "the credential of '{profile}' is also used by {others}",
                    profile,
                    others = others.join(", ")
                )
            }
            Error::NotRevoked { profile, .. } => {
                tr!(
                    "the refresh token of '{profile}' could not be revoked, so nothing was forgotten",
                    profile
                )
            }
            Error::SecretsGone { profile, place } => {
                tr!("the secrets of '{profile}' are no longer in its {place} store", profile, place)
            }
            Error::Refused { profile, .. } => {
                tr!("Zoho no longer accepts the refresh token of '{profile}'", profile)
            }
            Error::Denied { error } => tr!("the consent was not given: '{error}'", error),
            Error::CodeRefused { error } => tr!("Zoho did not take the code: '{error}'", error),
            Error::NoRefreshToken { .. } => tr!("Zoho granted access, but sent no refresh token"),
            Error::LoginTimedOut => tr!("nobody answered the consent page in time"),
            Error::PortTaken { port } => tr!("port {port} of this machine is in use", port),
            Error::UntrustedRedirect { problem } => tr!("the redirect was not accepted: {problem}", problem),
            Error::ClientRejected { error, .. } => tr!("Zoho rejected the client with '{error}'", error),
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
            Error::LoginUnderWay { waited } => {
                tr!("another login or logout did not end within {time}", time = humanize(*waited))
            }
            Error::Unavailable { problem, .. } => problem.clone(),
            Error::NoAnswer { host, problem, .. } => problem.message(host),
            Error::Offline => tr!("no living token is cached, and --offline forbids asking for one"),
            Error::Store { action, what, .. } => could_not(action, what),
            Error::Unsafe { path, problem, .. } => tr!("{path} {problem}", path = path.display(), problem),
            Error::BadInput { problem } | Error::BadAnswer { problem } => problem.clone(),
            Error::HostNotServed { host: Some(host), profile } => {
                tr!("profile '{profile}' serves no tokens for {host}", profile, host)
            }
            Error::HostNotServed { host: None, .. } => tr!("no token goes to such an address"),
            Error::Out { path, .. } => tr!("could not write {path}", path = path.display()),
            Error::Command { program, found: true, .. } => tr!("could not run '{program}'", program),
            Error::Command { program, found: false, .. } => tr!("there is no command '{program}'", program),
            Error::HostileToken => {
                tr!("the access token has bytes that no token has, so it was not printed")
            }
            Error::Stdout { .. } => tr!("could not write to standard output"),
            Error::Interrupted { signal } => tr!("ended by signal {signal}", signal),
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
            Error::SettingsChanged { setting, .. } => Some(match setting {
                ChangedSetting::AccountsServer => tr!("its secrets belong to another accounts server"),
                ChangedSetting::ClientId => tr!("its secrets belong to another client_id"),
                ChangedSetting::Grant => tr!("its secrets belong to another grant"),
            }),
            Error::Refused { error, .. } => Some(tr!(
                "it was answered '{error}': revoked, replaced by a newer login, or of another data centre",
                error
            )),
            Error::ClientRejected { error, accounts_url, .. } => Some(rejected_for(error, accounts_url)),
            Error::Denied { .. } => {
                Some(tr!("somebody pressed Reject, or more than 10 codes were asked for in 10 minutes"))
            }
            Error::CodeRefused { .. } => {
                Some(tr!("a code is good for two minutes and one use, at the data centre that made it"))
            }
            Error::NoRefreshToken { .. } => {
                Some(tr!("Zoho sends one only for offline access with a new consent"))
            }
            Error::PortTaken { .. } => Some(tr!("another login may be waiting there, or another program")),
            Error::UntrustedRedirect { .. } => {
                Some(tr!("anybody can send such an address, and the client secret would go where it says"))
            }
            Error::CoolingDown { .. } => Some(tr!("more than 10 tokens were asked for in 10 minutes")),
            Error::TooManyRejects { .. } => Some(tr!("a caller rejects every token it is given")),
            Error::Busy { holder: Some(pid), .. } => Some(tr!("process {pid} is refreshing the token", pid)),
            Error::Store { problem, .. }
            | Error::Stdout { problem }
            | Error::Out { problem, .. }
            | Error::Command { problem, found: true, .. } => Some(causes::told(problem)),
            Error::NotRevoked { problem, .. } => Some(problem.clone()),
            Error::Keyring { problem, .. } => {
                Some(causes::told(problem)).filter(|problem| !problem.is_empty())
            }
            Error::BadProfileName => {
                Some(tr!("a name is 1 to 64 of A-Z a-z 0-9 . _ - and starts with a letter or digit"))
            }
            Error::Usage { .. }
            | Error::CommandLine { .. }
            | Error::NoProfile { .. }
            | Error::UnknownProfile { .. }
            | Error::Config { .. }
            | Error::Setting { .. }
            | Error::EnvironmentIncomplete { .. }
            | Error::NeverLoggedIn { .. }
            | Error::LoginTimedOut
            | Error::SecretsGone { .. }
            | Error::Shared { .. }
            | Error::OutOfBudget { .. }
            | Error::Busy { holder: None, .. }
            | Error::LoginUnderWay { .. }
            | Error::ConcurrentModification { .. }
            | Error::LeaseLost
            | Error::Unavailable { .. }
            | Error::NoAnswer { .. }
            | Error::Offline
            | Error::Unsafe { .. }
            | Error::BadInput { .. }
            | Error::BadAnswer { .. }
            | Error::HostNotServed { .. }
            | Error::Command { found: false, .. }
            | Error::HostileToken
            | Error::Interrupted { .. } => None,
        }
    }

    /// What to do next, ready to paste where that is possible.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Usage { command, .. } => Some(tr!("run '{command} --help'", command)),
            Error::CommandLine { nearest: None, command, .. } => Some(tr!("run '{command} --help'", command)),
            Error::BadProfileName => Some(tr!("choose a name such as 'crm'")),
            Error::NoProfile { known } | Error::UnknownProfile { known, .. } if known.is_empty() => {
                Some(tr!(
                    "run 'zoho-cred login crm', or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET and ZOHO_REFRESH_TOKEN"
                ))
            }
            Error::NoProfile { known } => Some(tr!("name one of: {known}", known = known.join(", "))),
            Error::UnknownProfile { name, known } => {
                match crate::nearest::nearest(name, known.iter().map(String::as_str)) {
                    Some(near) => Some(tr!("did you mean '{near}'?", near)),
                    None => Some(tr!("there are: {known}", known = known.join(", "))),
                }
            }
            Error::Config { nearest: Some(near), .. } | Error::CommandLine { nearest: Some(near), .. } => {
                Some(tr!("did you mean '{near}'?", near))
            }
            Error::Config { nearest: None, line, .. } => Some(match line {
                Some(_) => tr!("correct that line; docs/config.md lists every key"),
                None => tr!("correct that file; docs/config.md lists every key"),
            }),
            Error::Setting { hint, .. } | Error::Unsafe { hint, .. } => Some(hint.clone()),
            Error::EnvironmentIncomplete {
                missing: missing @ ("ZOHO_CLIENT_SECRET" | "ZOHO_REFRESH_TOKEN"),
            } => Some(tr!("set {missing} or {missing}_FILE, or unset the other ZOHO_ variables", missing)),
            Error::EnvironmentIncomplete { missing } => {
                Some(tr!("set {missing}, or unset the other ZOHO_ variables", missing))
            }
            Error::Denied { .. }
            | Error::CodeRefused { .. }
            | Error::BadAnswer { .. }
            | Error::LoginTimedOut
            | Error::UntrustedRedirect { .. } => Some(tr!("run the same login again")),
            Error::NoRefreshToken { profile } => Some(tr!(
                "remove the app from Connected Apps in your Zoho account, then run 'zoho-cred login {profile}' again",
                profile
            )),
            Error::PortTaken { .. } => {
                Some(tr!("end that program, or register another port and give it with --redirect-uri"))
            }
            Error::Keyring { trouble, .. } => Some(trouble.hint()),
            Error::SecretsGone { profile, .. } => Some(tr!(
                "run 'zoho-cred login {profile}', or 'zoho-cred logout {profile} --local' to forget it",
                profile
            )),
            Error::Shared { .. } => {
                Some(tr!("--force revokes it for all of them; --local forgets it for this profile only"))
            }
            Error::NotRevoked { profile, .. } => Some(tr!(
                "try again; 'zoho-cred logout {profile} --local' forgets it here and leaves it alive at Zoho",
                profile
            )),
            Error::Refused { profile, .. } if profile == ENVIRONMENT => Some(tr!(
                "put another refresh token into ZOHO_REFRESH_TOKEN, or run 'zoho-cred login crm' and use that profile"
            )),
            Error::ClientRejected { profile, error, .. } if profile == ENVIRONMENT => {
                Some(match rejected(error) {
                    Rejected::Scope => tr!("correct ZOHO_SCOPES, or ask for other scopes when you log in"),
                    Rejected::Organisation => tr!("correct ZOHO_SOID"),
                    _ => tr!(
                        "compare ZOHO_DATA_CENTER, ZOHO_CLIENT_ID and ZOHO_CLIENT_SECRET with the API console"
                    ),
                })
            }
            Error::NeverLoggedIn { profile }
            | Error::SettingsChanged { profile, .. }
            | Error::Refused { profile, .. } => Some(tr!("run 'zoho-cred login {profile}'", profile)),
            Error::ClientRejected { profile, error, .. } => Some(match rejected(error) {
                Rejected::Client => tr!(
                    "compare data_center, client id and secret with the API console, then run 'zoho-cred login {profile}'",
                    profile
                ),
                Rejected::RedirectUri => tr!(
                    "run 'zoho-cred login {profile}' with --redirect-uri and what is registered in the API console",
                    profile
                ),
                Rejected::Kind => tr!(
                    "run 'zoho-cred login {profile}' with the --flow that fits its type in the API console",
                    profile
                ),
                Rejected::Scope => {
                    tr!(
                        "correct scopes in the config, or run 'zoho-cred login {profile}' with --scope",
                        profile
                    )
                }
                Rejected::Organisation => {
                    tr!("correct soid in the config, or run 'zoho-cred login {profile}' with --soid", profile)
                }
            }),
            Error::CoolingDown { retry_after }
            | Error::OutOfBudget { retry_after, .. }
            | Error::TooManyRejects { retry_after } => {
                Some(tr!("try again in {time}", time = humanize(*retry_after)))
            }
            Error::Busy { .. } | Error::LeaseLost => Some(tr!("try again, or give a longer --timeout")),
            Error::ConcurrentModification { .. } => Some(tr!("run it again")),
            Error::LoginUnderWay { .. } => Some(tr!(
                "wait for it or end it, then run this command again: nothing was stored or forgotten"
            )),
            Error::NoAnswer { problem, retry_after, .. } => {
                Some(problem.advice().unwrap_or_else(|| try_again(*retry_after)))
            }
            Error::Unavailable { retry_after, .. } => Some(try_again(*retry_after)),
            Error::Offline => Some(tr!("run the same command without --offline")),
            Error::Store { action: "run", .. } => Some(tr!("run it by hand and see what it prints")),
            Error::Store { action: "read", .. } => {
                Some(tr!("check that it is there and that you may read it"))
            }
            Error::Store { .. } => {
                Some(tr!("check the folder's permissions and free space, or set ZOHO_CRED_STATE_DIR"))
            }
            Error::BadInput { .. } => Some(tr!("see docs/protocols.md for what is read from stdin")),
            Error::HostNotServed { host: Some(host), profile } => Some(tr!(
                "if it is an API of Zoho's, add \"{host}\" to hosts of [profile.{profile}] in the config",
                host,
                profile
            )),
            Error::HostNotServed { host: None, .. } => {
                Some(tr!("write it as https://host/path, without user info"))
            }
            Error::Out { .. } => Some(tr!("check the folder's permissions and free space")),
            Error::Command { .. } => Some(tr!("check the name behind '--', and PATH")),
            Error::HostileToken => Some(tr!("check that the accounts server is Zoho's")),
            Error::Stdout { .. } => Some(tr!("check where the output is going")),
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
            Error::Unavailable { retry_after, .. } | Error::NoAnswer { retry_after, .. } => *retry_after,
            Error::Busy { .. }
            | Error::LoginUnderWay { .. }
            | Error::ConcurrentModification { .. }
            | Error::LeaseLost => Some(Duration::from_secs(1)),
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

/// What Zoho's word for a rejected client speaks of.
enum Rejected {
    Client,
    RedirectUri,
    Kind,
    Scope,
    Organisation,
}

fn rejected(error: &str) -> Rejected {
    match error {
        "invalid_redirect_uri" => Rejected::RedirectUri,
        "unauthorized_client" => Rejected::Kind,
        error if error.contains("scope") => Rejected::Scope,
        error if ["_org", "org_", "soid"].iter().any(|part| error.contains(part)) => Rejected::Organisation,
        _ => Rejected::Client,
    }
}

fn rejected_for(error: &str, accounts_url: &str) -> String {
    match rejected(error) {
        Rejected::Client => tr!(
            "most likely the wrong data centre ({accounts_url} was asked), else a wrong client id or secret",
            accounts_url
        ),
        Rejected::RedirectUri => tr!("the redirect URI is not, to the letter, one that the client has"),
        Rejected::Kind => tr!("the client is of a type that may not log in this way"),
        Rejected::Scope => tr!("a scope is misspelt, or its product is not part of the account"),
        Rejected::Organisation => tr!("soid is missing or wrong; it is like ZohoCRM.600000434"),
    }
}

/// What could not be done with a file, keyring or lock.
fn could_not(action: &str, what: &str) -> String {
    match action {
        "create" => tr!("could not create {what}", what),
        "listen on" => tr!("could not listen on {what}", what),
        "lock" => tr!("could not lock {what}", what),
        "protect" => tr!("could not protect {what}", what),
        "read" => tr!("could not read {what}", what),
        "remove" => tr!("could not remove {what}", what),
        "run" => tr!("could not run {what}", what),
        "settle on" => tr!("could not settle on {what}", what),
        "write" => tr!("could not write {what}", what),
        action => tr!("could not do '{action}' with {what}", action, what),
    }
}
