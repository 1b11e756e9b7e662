//! The requests of a login. A code is exchanged once: after an answer that was lost it would be refused anyway.

use crate::error::Error;
use crate::model::Granted;
use crate::model::Timestamp;
use crate::model::{AccountsUrl, Profile};
use crate::oauth::token;
use crate::oauth::token::TokenForm;
use crate::oauth::{Answer, classify};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::system::{Clock, Http, HttpAnswer, HttpRequest, Method};
use std::time::Duration;

/// A whole request takes at most this long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long Zoho refuses everything after a throttle.
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(600);

/// What a flow got: a grant, when it was asked for, and where.
#[derive(Debug)]
pub struct Grant {
    /// The tokens.
    pub granted: Granted,
    /// When the request was sent.
    pub asked: Timestamp,
    /// The accounts server that they belong to.
    pub accounts_url: AccountsUrl,
}

/// What a code is exchanged with.
#[derive(Debug)]
pub struct Code {
    /// The code.
    pub code: Secret,
    /// Where it was asked to be sent; none for a self client.
    pub redirect_uri: Option<String>,
    /// The PKCE verifier, if a challenge was sent.
    pub verifier: Option<Secret>,
    /// The accounts server that takes it.
    pub accounts_url: AccountsUrl,
}

/// Exchanges `code` for tokens.
pub(crate) fn exchange(
    clock: &dyn Clock,
    http: &dyn Http,
    profile: &Profile,
    client_secret: &Secret,
    code: &Code,
) -> Result<Grant, Error> {
    let (uri, verifier) = (code.redirect_uri.as_deref(), code.verifier.as_ref());
    let form = TokenForm::exchange(profile, client_secret, &code.code, uri, verifier);
    let asked = clock.timestamp();
    let answer = post(http, token::url(&code.accounts_url), &form)?;
    let class = classify(answer.status, &answer.body, code.accounts_url.is_loopback());
    grant(profile, class, asked, code.accounts_url.clone())
}

/// The grant in an answer, or what its failure means to somebody who logs in.
pub(crate) fn grant(
    profile: &Profile,
    class: Answer,
    asked: Timestamp,
    accounts_url: AccountsUrl,
) -> Result<Grant, Error> {
    let name = profile.name.to_string();
    match class {
        Answer::Granted(granted) if granted.refresh_token.is_none() => {
            Err(Error::NoRefreshToken { profile: name })
        }
        Answer::Granted(granted) => Ok(Grant { granted, asked, accounts_url }),
        Answer::Throttled => Err(Error::CoolingDown { retry_after: COOL_DOWN }),
        Answer::Refused(refusal) => Err(Error::CodeRefused { error: refusal.error }),
        Answer::Misconfigured(rejection) => {
            let accounts_url = accounts_url.to_string();
            Err(Error::ClientRejected { profile: name, error: rejection.error, accounts_url })
        }
        Answer::Unknown(rejection) => Err(no_answer(&accounts_url.host(), Problem::Error(rejection.error))),
        Answer::Transient(problem) => Err(no_answer(&accounts_url.host(), problem)),
    }
}

/// The error of a request without a usable answer.
pub(crate) fn no_answer(host: &str, problem: Problem) -> Error {
    Error::NoAnswer { host: host.to_owned(), problem, retry_after: None }
}

/// Posts a form once to a path of the accounts server; no answer is [`Error::NoAnswer`].
pub(crate) fn post(http: &dyn Http, url: String, form: &TokenForm) -> Result<HttpAnswer, Error> {
    let request =
        HttpRequest { method: Method::Post, url, form: form.fields(), authorization: None, timeout: TIMEOUT };
    http.send(&request).map_err(|failure| no_answer(&request.host(), failure.problem))
}
