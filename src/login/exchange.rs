//! The requests of a login. A code is exchanged only once: Zoho refuses a second exchange even if the first answer
//! was lost.

use crate::error::{self, Error};
use crate::i18n::tr;
use crate::model::{AccountsUrl, Granted, Profile, Timestamp};
use crate::oauth::rejection::LikelyCause;
use crate::oauth::token::{self, TokenForm};
use crate::oauth::{Answer, classify, client_rejected};
use crate::problem::Problem;
use crate::refresh::cooling_down;
use crate::secret::Secret;
use crate::system::{Clock, Http, HttpAnswer, HttpRequest, Method};
use std::time::Duration;

/// Time limit of a whole request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long Zoho refuses all token requests after a throttle.
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(600);

/// The result of a flow.
#[derive(Debug)]
pub struct IssuedTokens {
    /// The tokens.
    pub granted: Granted,
    /// When the request was sent.
    pub asked: Timestamp,
    /// The accounts server that issued the tokens.
    pub accounts_url: AccountsUrl,
}

/// An authorization code and what its exchange needs.
#[derive(Debug)]
pub struct AuthorizationCode {
    /// The authorization code.
    pub code: Secret,
    /// `None` for a Self Client.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier, if a challenge was sent.
    pub verifier: Option<Secret>,
    /// The accounts server that issued the code.
    pub accounts_url: AccountsUrl,
}

/// A failed exchange, by what helps.
pub(crate) enum ExchangeError {
    /// Another code.
    Code(Error),
    /// Another client secret, with the same code.
    ClientSecret(Error),
    Other(Error),
}

impl From<ExchangeError> for Error {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Code(error) | ExchangeError::ClientSecret(error) | ExchangeError::Other(error) => {
                error
            }
        }
    }
}

pub(crate) fn exchange(
    clock: &dyn Clock,
    http: &dyn Http,
    profile: &Profile,
    client_secret: &Secret,
    code: &AuthorizationCode,
) -> Result<IssuedTokens, ExchangeError> {
    let (uri, verifier) = (code.redirect_uri.as_deref(), code.verifier.as_ref());
    let form = TokenForm::exchange(profile, client_secret, &code.code, uri, verifier);
    let asked = clock.timestamp();
    let answer = post(http, token::url(&code.accounts_url), &form).map_err(ExchangeError::Other)?;
    let class = classify(answer.status, &answer.body, code.accounts_url.is_loopback());
    // Zoho does not document that all types of clients support PKCE, nor how one that does not would refuse the verifier.
    let refused = match &class {
        Answer::Refused(_) | Answer::Unknown(_) => true,
        Answer::Transient(problem) => matches!(problem, Problem::Status(400..=499)),
        _ => false,
    };
    let explain = |error: Error| {
        if refused && verifier.is_some() { error.with_hint(try_without_pkce()) } else { error }
    };
    grant(profile, class, asked, code.accounts_url.clone()).map_err(|error| match error {
        ExchangeError::Code(error) => ExchangeError::Code(explain(error)),
        ExchangeError::ClientSecret(error) => ExchangeError::ClientSecret(error),
        ExchangeError::Other(error) => ExchangeError::Other(explain(error)),
    })
}

/// What to do about a failure that PKCE may explain.
pub(super) fn try_without_pkce() -> String {
    tr!("run the same login again; if it fails again, add --no-pkce")
}

/// The grant in an answer, or the error that its failure means during a login.
pub(crate) fn grant(
    profile: &Profile,
    class: Answer,
    asked: Timestamp,
    accounts_url: AccountsUrl,
) -> Result<IssuedTokens, ExchangeError> {
    let name = profile.name.to_string();
    let error = match class {
        Answer::Granted(granted) if granted.refresh_token.is_none() => no_refresh_token(&name),
        Answer::Granted(granted) => return Ok(IssuedTokens { granted, asked, accounts_url }),
        Answer::Throttled => cooling_down(COOL_DOWN),
        Answer::Refused(refusal) => return Err(ExchangeError::Code(code_refused(&refusal.error))),
        Answer::Misconfigured(rejection) => {
            let error = client_rejected(&name, &rejection.error, accounts_url.as_str());
            return Err(match LikelyCause::of(&rejection.error) {
                Some(LikelyCause::ClientSecret | LikelyCause::DataCenter) => {
                    ExchangeError::ClientSecret(error)
                }
                _ => ExchangeError::Other(error),
            });
        }
        Answer::Unknown(rejection) => no_answer(&accounts_url.host(), &Problem::Error(rejection.error)),
        Answer::Transient(problem) => no_answer(&accounts_url.host(), &problem),
    };
    Err(ExchangeError::Other(error))
}

pub(crate) fn no_answer(host: &str, problem: &Problem) -> Error {
    problem.error(host, None)
}

/// Posts a form once; a missing answer is `Code::Unavailable`.
pub(crate) fn post(http: &dyn Http, url: String, form: &TokenForm) -> Result<HttpAnswer, Error> {
    let request =
        HttpRequest { method: Method::Post, url, form: form.fields(), authorization: None, timeout: TIMEOUT };
    http.send(&request).map_err(|failure| no_answer(&request.host(), &failure.problem))
}

fn code_refused(error: &str) -> Error {
    Error::new(
        error::Code::LoginRequired,
        tr!("Zoho rejected the code: '{error}'", error),
        tr!("run the same login again"),
    )
    .with_cause(tr!("a code is valid for two minutes and one use, in the data center that issued it"))
}

fn no_refresh_token(profile: &str) -> Error {
    Error::new(
        error::Code::LoginRequired,
        tr!("Zoho granted access, but sent no refresh token"),
        tr!(
            "remove the app from Connected Apps in your Zoho account, then run 'zoho-cred login {profile}' again",
            profile
        ),
    )
    .with_cause(tr!("Zoho sends one only for offline access with a new consent"))
}
