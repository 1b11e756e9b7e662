//! What the browser's address bar shows after the consent, pasted into the terminal or a file.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::exchange::AuthorizationCode;
use crate::login::flows::{denied, untrusted};
use crate::login::prompts::{bad_answer, reject};
use crate::model::{AccountsUrl, Profile};
use crate::oauth::authorize;
use crate::oauth::callback::{self, Callback};
use crate::oauth::pkce::Pkce;
use crate::secret::Secret;
use crate::system::{System, random};

/// A request for consent.
pub(super) struct ConsentRequest<'a> {
    profile: &'a Profile,
    state: Secret,
    pkce: Option<Pkce>,
}

impl<'a> ConsentRequest<'a> {
    pub(super) fn new(profile: &'a Profile, no_pkce: bool) -> Result<Self, Error> {
        let pkce = if no_pkce { None } else { Some(Pkce::from_random(&random::bytes()?)) };
        Ok(ConsentRequest { profile, state: Secret::new(random::word()?), pkce })
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
    pub(super) fn pasted(&self, text: &str) -> Result<(Secret, AccountsUrl), Error> {
        let query = callback::pasted(text, &self.state)
            .ok_or_else(|| bad_answer(tr!("that is neither the redirected URL nor a code")))?;
        match self.read(&query) {
            Callback::Granted { code, accounts } => Ok((code, accounts)),
            Callback::Denied(error) | Callback::Stray(error) => Err(denied(&error)),
            Callback::Untrusted(problem) => Err(untrusted(problem)),
            Callback::Foreign => Err(untrusted(tr!("its state is not the one of this login"))),
        }
    }

    /// Like [`ConsentRequest::pasted`], for a person. `None` after a text that was explained and can be pasted again; a
    /// denial ends the login.
    pub(super) fn typed(&self, system: &System, text: &str) -> Result<Option<(Secret, AccountsUrl)>, Error> {
        match self.pasted(text) {
            Ok(granted) => Ok(Some(granted)),
            Err(error) if error.code() == Code::BadInput => {
                reject(system, error.message());
                Ok(None)
            }
            Err(denied) => Err(denied),
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
