//! The requests of a login. A code is exchanged only once: Zoho refuses a second exchange even if the first answer
//! was lost.

use crate::error::{Code, Error, WrongAnswer};
use crate::i18n::tr;
use crate::model::{AccountsUrl, Granted, Profile, Timestamp};
use crate::oauth::revoke::{self, Revoked};
use crate::oauth::token::{self, Form};
use crate::oauth::{Answer, classify, client_rejected};
use crate::problem::Problem;
use crate::refresh;
use crate::secret::Secret;
use crate::system::{Clock, Http, HttpAnswer, HttpRequest};
use std::time::Duration;

/// Time limit of a whole request.
const TIMEOUT: Duration = Duration::from_secs(10);

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

/// Exchanges a code. An error that another code or client secret may help against says so ([`Error::wrong_answer`]).
pub(crate) fn exchange(
    clock: &dyn Clock,
    http: &dyn Http,
    profile: &Profile,
    client_secret: &Secret,
    code: &AuthorizationCode,
) -> Result<IssuedTokens, Error> {
    let (uri, verifier) = (code.redirect_uri.as_deref(), code.verifier.as_ref());
    let form = token::exchange(profile, client_secret, &code.code, uri, verifier);
    let asked = clock.timestamp();
    let answer = post(http, code.accounts_url.join(token::PATH), &form)?;
    let class = classify(answer.status, &answer.body, code.accounts_url.is_loopback());
    // Zoho does not document that all types of clients support PKCE, nor how one that does not would refuse the verifier.
    let may_be_pkce = verifier.is_some()
        && match &class {
            Answer::Refused(_) | Answer::Unknown(_) => true,
            Answer::Transient(problem) => matches!(problem, Problem::Status(400..=499)),
            _ => false,
        };
    grant(profile, class, asked, code.accounts_url.clone())
        .map_err(|error| if may_be_pkce { error.with_hint(try_without_pkce()) } else { error })
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
) -> Result<IssuedTokens, Error> {
    let name = profile.name.as_str();
    Err(match class {
        Answer::Granted(granted) if granted.refresh_token.is_none() => no_refresh_token(name),
        Answer::Granted(granted) => return Ok(IssuedTokens { granted, asked, accounts_url }),
        Answer::Throttled => throttled(),
        Answer::Refused(error) => code_refused(&error),
        Answer::Misconfigured(error) => client_rejected(&Profile { accounts_url, ..profile.clone() }, &error),
        Answer::Unknown(error) => Problem::Error(error).error(accounts_url.host(), None),
        Answer::Transient(problem) => problem.error(accounts_url.host(), None),
    })
}

/// The error of a throttled login. A credential has none of its own before it exists.
pub(crate) fn throttled() -> Error {
    refresh::throttled(tr!("Zoho throttled this login"), refresh::COOL_DOWN)
}

/// Posts a form once; a missing answer is `Code::Unavailable`.
pub(crate) fn post(http: &dyn Http, url: String, form: &Form) -> Result<HttpAnswer, Error> {
    let request = HttpRequest::post(url, form, TIMEOUT);
    http.send(&request).map_err(|failure| failure.problem.error(&request.host(), None))
}

/// Revokes `token` at `accounts`. A missing answer revokes nothing.
pub(crate) fn revoke(http: &dyn Http, accounts: &AccountsUrl, token: &Secret) -> Revoked {
    match post(http, accounts.join(revoke::PATH), &vec![("token", token.clone())]) {
        Ok(answer) => revoke::outcome(answer.status, &answer.body),
        Err(error) => Revoked::No(error.message().to_owned()),
    }
}

fn code_refused(error: &str) -> Error {
    Error::new(
        Code::LoginRequired,
        tr!("Zoho rejected the code: '{error}'", error),
        tr!("run the same login again"),
    )
    .with_cause(tr!("a code is valid for two minutes and one use, in the data center that issued it"))
    .with_wrong_answer(Some(WrongAnswer::Code))
}

fn no_refresh_token(profile: &str) -> Error {
    Error::new(
        Code::LoginRequired,
        tr!("Zoho granted access, but sent no refresh token"),
        tr!(
            "remove the app from Connected Apps in your Zoho account, then run 'zoho-cred login {profile}' again",
            profile
        ),
    )
    .with_cause(tr!("Zoho sends one only for offline access with a new consent"))
}
