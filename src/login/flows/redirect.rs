//! What the browser's address bar shows after the consent, pasted into the terminal or a file.

use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::{denied, untrusted};
use crate::login::prompts::bad_answer;
use crate::login::random;
use crate::model::{AccountsUrl, Profile};
use crate::oauth::authorize;
use crate::oauth::callback::{self, Callback, Pasted};
use crate::oauth::pkce::Pkce;
use crate::secret::Secret;

/// A request for consent.
pub(super) struct ConsentRequest<'a> {
    profile: &'a Profile,
    state: Secret,
    pkce: Option<Pkce>,
}

/// Why a pasted text is not the redirect of this login.
pub(super) enum Unusable {
    /// Something else was pasted.
    Mistaken(String),
    /// Its code must not be exchanged.
    Untrusted(String),
    /// There was no consent.
    Denied(String),
}

impl Unusable {
    /// For a person who can paste again.
    pub(super) fn reason(&self) -> String {
        match self {
            Unusable::Mistaken(reason) => reason.clone(),
            Unusable::Untrusted(reason) => untrusted(reason.clone()).message().to_owned(),
            Unusable::Denied(error) => denied(error).message().to_owned(),
        }
    }

    pub(super) fn into_error(self) -> Error {
        match self {
            Unusable::Mistaken(reason) => bad_answer(reason),
            Unusable::Untrusted(reason) => untrusted(reason),
            Unusable::Denied(error) => denied(&error),
        }
    }
}

impl<'a> ConsentRequest<'a> {
    pub(super) fn new(profile: &'a Profile, no_pkce: bool) -> Result<Self, Error> {
        Ok(ConsentRequest { profile, state: random::state()?, pkce: random::pkce(no_pkce)? })
    }

    /// The URL of the consent page.
    pub(super) fn url(&self) -> String {
        authorize::url(self.profile, &self.state, self.pkce.as_ref().map(|pkce| pkce.challenge.as_str()))
    }

    /// What the query of a redirect means.
    pub(super) fn read(&self, query: &str) -> Callback {
        callback::read(query, &self.state, &self.profile.accounts_url)
    }

    /// The code in a pasted text, and the accounts server that issued it.
    pub(super) fn pasted(&self, text: &str) -> Result<(Secret, AccountsUrl), Unusable> {
        match callback::pasted(text) {
            Some(Pasted::Code(code)) => Ok((code, self.profile.accounts_url.clone())),
            Some(Pasted::Query(query)) => match self.read(&query) {
                Callback::Granted { code, accounts } => Ok((code, accounts)),
                Callback::Denied(error) | Callback::Stray(error) => Err(Unusable::Denied(error)),
                Callback::Untrusted(problem) => Err(Unusable::Untrusted(problem)),
                Callback::Foreign => Err(Unusable::Untrusted(tr!("its state is not the one of this login"))),
            },
            None => Err(Unusable::Mistaken(tr!("that is neither the redirected URL nor a code"))),
        }
    }

    /// The code with what its exchange needs.
    pub(super) fn granted(self, (code, accounts_url): (Secret, AccountsUrl)) -> AuthorizationCode {
        let verifier = self.pkce.map(|pkce| pkce.verifier);
        AuthorizationCode {
            code,
            redirect_uri: Some(self.profile.redirect_uri.clone()),
            verifier,
            accounts_url,
        }
    }
}
