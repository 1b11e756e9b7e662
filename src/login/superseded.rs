//! The refresh token that a login replaces. Zoho keeps 20 for each client and deletes the oldest, which may be in
//! production use. So a token that our own login created is revoked once its successor is stored, unless another
//! profile uses it.

use crate::config::ConfigFile;
use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::revoke;
use crate::login::{confirm, shared_by, token_count};
use crate::model::{AccountsUrl, Profile};
use crate::oauth::revoke::Revoked;
use crate::secret::Secret;
use crate::secrets::Source;
use crate::store::StateDir;
use crate::system::{Http, System};

pub(crate) struct Superseded {
    token: Secret,
    accounts_url: AccountsUrl,
    client_id: String,
}

impl Superseded {
    /// The profile's current token, if our own login created it and no other known profile uses it.
    pub(crate) fn find(
        system: &System,
        state: &StateDir,
        config: &ConfigFile,
        profile: &Profile,
    ) -> Result<Option<Self>, Error> {
        let before = config.profile(&profile.name).and_then(Result::ok);
        let source = Source::new(before.as_ref().unwrap_or(profile), system, state);
        let Some(login) = source.login()?.filter(|login| login.made_here) else { return Ok(None) };
        source.refuse_changed()?;
        let shared = !shared_by(state, config, profile, &login.credential)?.is_empty();
        let Some(item) = login.refresh_token.as_ref().filter(|_| !shared) else { return Ok(None) };
        let accounts_url = AccountsUrl::new(&login.accounts_url)?;
        let token = source.store(&login.store)?.get(item)?;
        Ok(token.map(|token| Superseded { token, accounts_url, client_id: login.client_id.clone() }))
    }

    /// Whether it equals `token`, which means that nothing was replaced.
    pub(crate) fn is(&self, token: Option<&Secret>) -> bool {
        token == Some(&self.token)
    }

    /// Revokes it with `--revoke-old` or after confirmation. A failure is only a warning, because the login has
    /// succeeded.
    pub(crate) fn revoke(self, system: &mut System, http: &dyn Http, state: &StateDir, by_flag: bool) {
        let question = &tr!("Revoke the previous refresh token of this profile?");
        let agreed = by_flag || (system.terminal.stdin && confirm(system, question).unwrap_or(false));
        if !agreed {
            system.inform(&tr!(
                "zoho-cred: the old refresh token is still valid; a login with --revoke-old revokes it"
            ));
            return;
        }
        match revoke(http, &self.accounts_url, &self.token) {
            Revoked::Now | Revoked::Before => {
                token_count::note_revoked(state, &self.accounts_url, &self.client_id);
                system.inform(&tr!("zoho-cred: the old refresh token was revoked"));
            }
            Revoked::No(problem) => {
                system.warn(&tr!("the old refresh token was not revoked: {problem}", problem));
            }
        }
    }
}
