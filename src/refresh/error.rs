//! Why there is no token. The protocol depends on some of the reasons, so they are variants; everything else is an [`Error`]
//! already.

use crate::error::{Code, Error, try_again};
use crate::i18n::tr;
use crate::model::{BudgetUse, Profile, SecretBackend};
use crate::secrets::CredentialError;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshError {
    /// Zoho throttled the refresh token. No request is sent until the cooldown ends.
    CoolingDown {
        retry_after: Duration,
    },
    /// The ledger says that one more request would exceed the budget.
    OutOfBudget {
        /// What is used, and when the next automatic refresh is allowed.
        in_use: BudgetUse,
        /// Until this request would be allowed, which is earlier under `--refresh`.
        wait: Duration,
    },
    /// Rejected tokens have caused as many refreshes as they may in a window.
    TooManyRejects {
        /// Until the next one is free.
        retry_after: Duration,
    },
    /// Zoho no longer accepts the refresh token.
    Refused(Error),
    /// The lock or the lease was lost before the request could be sent, so it was not.
    LeaseLost,
    Offline,
    Failed(Error),
}

impl RefreshError {
    /// How long until a request is allowed, if only time is missing.
    pub(crate) fn wait_for_budget(&self) -> Option<Duration> {
        match self {
            RefreshError::OutOfBudget { wait, .. } => Some(*wait),
            RefreshError::CoolingDown { retry_after } | RefreshError::TooManyRejects { retry_after } => {
                Some(*retry_after)
            }
            _ => None,
        }
    }

    /// Whether a signal ended the call.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(self, RefreshError::Failed(error) if matches!(error.code(), Code::Interrupted(_)))
    }
}

impl From<Error> for RefreshError {
    fn from(error: Error) -> Self {
        RefreshError::Failed(error)
    }
}

impl From<CredentialError> for RefreshError {
    fn from(error: CredentialError) -> Self {
        RefreshError::Failed(error.into())
    }
}

impl From<RefreshError> for Error {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::CoolingDown { retry_after } => cooling_down(retry_after),
            RefreshError::OutOfBudget { in_use, .. } => out_of_budget(&in_use),
            RefreshError::TooManyRejects { retry_after } => {
                rate_limited(tr!("rejected tokens have already caused 3 refreshes"), retry_after)
                    .with_cause(tr!("a caller rejects every token it is given"))
            }
            RefreshError::LeaseLost => Error::new(
                Code::Busy,
                tr!("another process or machine took over before the request was sent"),
                tr!("try again, or give a longer --timeout"),
            )
            .with_retry_after(Duration::from_secs(1)),
            RefreshError::Offline => Error::new(
                Code::Unavailable,
                tr!("no valid token is cached, and --offline sends no request"),
                tr!("run the same command without --offline"),
            ),
            RefreshError::Refused(error) | RefreshError::Failed(error) => error,
        }
    }
}

fn out_of_budget(in_use: &BudgetUse) -> Error {
    let (used, limit) = (in_use.used, in_use.limit);
    let message = tr!("out of budget: {used} of Zoho's {limit} token requests are used", used, limit);
    let error = rate_limited(message, in_use.next_slot);
    if in_use.left() == 0 { error } else { error.with_cause(tr!("the last one is reserved for --refresh")) }
}

/// The error for a throttled refresh token.
fn cooling_down(retry_after: Duration) -> Error {
    throttled(tr!("Zoho throttled this refresh token, so no request is sent for now"), retry_after)
}

/// The error for whatever Zoho throttled, which `message` names.
pub(crate) fn throttled(message: String, retry_after: Duration) -> Error {
    rate_limited(message, retry_after).with_cause(tr!(
        "more than 10 tokens were asked for in 10 minutes; Zoho blocks for 10 minutes, up to 30 reported"
    ))
}

fn rate_limited(message: String, retry_after: Duration) -> Error {
    Error::new(Code::RateLimited, message, try_again(Some(retry_after))).with_retry_after(retry_after)
}

/// The failure of a refresh token that Zoho answered with the word `error`.
pub(super) fn refused(profile: &Profile, error: &str, retry_after: Duration) -> RefreshError {
    let name = &profile.name;
    let hint = match profile.secrets {
        SecretBackend::Environment => tr!(
            "put another refresh token into ZOHO_REFRESH_TOKEN, or run 'zoho-cred login crm' and use that profile"
        ),
        SecretBackend::Command(_) => tr!("put another refresh token where secret_command reads it"),
        SecretBackend::Keyring | SecretBackend::File => {
            tr!("run 'zoho-cred login {profile}'", profile = name)
        }
    };
    let message = tr!("Zoho no longer accepts the refresh token of '{profile}'", profile = name);
    RefreshError::Refused(
        Error::new(Code::LoginRequired, message, hint)
            .with_cause(tr!(
                "it was answered '{error}': revoked, replaced by a newer login, or of another data center",
                error
            ))
            .with_retry_after(retry_after),
    )
}
