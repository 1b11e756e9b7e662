//! Shows the account that granted access, so that the user notices a login with the wrong one.

use crate::i18n::tr;
use crate::model::{AccountsUrl, CredentialId};
use crate::oauth::userinfo::{self, Account};
use crate::secret::Secret;
use crate::system::{Http, HttpRequest, System};
use std::time::Duration;

/// A short limit, because the login has already succeeded.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest name that is stored, in characters.
const LONGEST: usize = 200;

/// An access token that a login obtained.
pub(crate) struct LoginToken {
    pub(crate) token: Secret,
    pub(crate) accounts_url: AccountsUrl,
    pub(crate) credential: CredentialId,
}

/// Prints the account of `token`, or the scope that is needed to read it. Returns the account. Never fails the
/// login.
pub(crate) fn show(system: &System, http: &dyn Http, token: &LoginToken) -> Option<String> {
    let request = HttpRequest::get_with(&token.token, token.accounts_url.join(userinfo::PATH), TIMEOUT);
    let account = match http.send(&request) {
        Ok(answer) => userinfo::account(answer.status, &answer.body),
        Err(failure) => {
            log::info!("the account could not be asked for: {}", failure.problem.code());
            Account::Unknown
        }
    };
    match account {
        Account::Known(name) => {
            system.say(&tr!("zoho-cred: logged in as {name}", name));
            return Some(name.chars().take(LONGEST).collect());
        }
        Account::NeedsScope => system.say(&tr!(
            "zoho-cred: logged in; the scope AaaServer.profile.READ would show whose account it is"
        )),
        Account::Unknown => system.say(&tr!("zoho-cred: logged in; Zoho did not say whose account it is")),
    }
    None
}
