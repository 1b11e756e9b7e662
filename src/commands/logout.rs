//! `logout`: revokes at Zoho, then deletes locally. In this order, no valid token is left without a record of it.

use crate::cli::{Global, LogoutArgs};
use crate::commands::Session;
use crate::config::{ConfigFile, edit};
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::login::exchange::revoke;
use crate::login::{Sharer, shared_by, token_count};
use crate::model::{AccountsUrl, CacheRecord, CredentialId, ENVIRONMENT, Grant, Profile, SecretBackend};
use crate::oauth::revoke::Revoked;
use crate::refresh::{Ports, lock_this_machine};
use crate::secret::Secret;
use crate::secrets::{CredentialSource, LoginJournal, LoginLock, LoginRecord, ProfileState, Source};
use crate::store::Locked;
use crate::system::System;
use std::time::Duration;

/// Time limit for the lock, because another process may be refreshing with this token.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// Logs a profile out. A failure before the token is known to be invalid deletes nothing.
pub(crate) fn run(system: &mut System, global: &Global, args: &LogoutArgs) -> Result<u8, Error> {
    let command = if args.forget { "zoho-cred profile remove" } else { "zoho-cred logout" };
    let named = global.required_profile(args.profile.as_deref(), command)?;
    if named == ENVIRONMENT {
        let problem = tr!("profile 'env' comes from the ZOHO_ variables; unset them to log out");
        return Err(Error::usage(problem, command));
    }
    let session = Session::open(system, global, Some(named))?;
    let profile = &session.profile;
    let source = session.source(system);
    let record = source.login()?;
    // A local logout neither reads nor sends the secrets.
    if !args.local {
        source.refuse_changed()?;
    }
    let id = match (&record, &profile.secrets) {
        (Some(login), _) => Some(login.credential_id(profile)),
        (None, SecretBackend::Command(_)) => command_credential(&session, &source, args.local)?,
        (None, _) => None,
    };
    let outcome = match id {
        None if !args.forget => return Err(source.never_logged_in().into()),
        None => {
            let lock = LoginLock::take(&*system.clock, &session.state, &session.config)?;
            LoginJournal::clear(&session.state, profile, &|word| source.store(word));
            ProfileState::forget(&session.state, profile)?;
            forget_settings(system, &lock.config, profile)?;
            tr!("there was no credential to delete")
        }
        Some(id) => {
            let others = shared_by(&session.state, &session.config, profile, id.ledger())?;
            let logout =
                Logout { session: &session, source: &source, record: record.as_ref(), id, others, args };
            logout.refuse_if_shared()?;
            session.with_ports(system, &source, |ports| logout.run(system, ports))?
        }
    };
    let name = &profile.name;
    system.inform(&if args.forget {
        tr!("zoho-cred: removed '{name}': {outcome}", name, outcome)
    } else {
        tr!("zoho-cred: logged out of '{name}': {outcome}", name, outcome)
    });
    Ok(0)
}

/// The credential of secrets that a command prints: the recorded one, even if the settings have changed.
fn command_credential(
    session: &Session,
    source: &Source<'_>,
    local: bool,
) -> Result<Option<CredentialId>, Error> {
    match ProfileState::recorded(&session.state, &session.profile)? {
        Some(state) => Ok(Some(state.credential())),
        None if local => Ok(None),
        None => Ok(Some(source.id()?)),
    }
}

/// The logout of a profile that has a credential.
struct Logout<'a> {
    session: &'a Session,
    source: &'a Source<'a>,
    /// `None` for secrets that a command prints.
    record: Option<&'a LoginRecord>,
    /// The credential of the login, even if the settings have changed.
    id: CredentialId,
    /// Other profiles with the same credential.
    others: Vec<Sharer>,
    args: &'a LogoutArgs,
}

impl Logout<'_> {
    fn profile(&self) -> &Profile {
        &self.session.profile
    }

    fn has_refresh_token(&self) -> bool {
        match self.record {
            Some(record) => record.refresh_token.is_some(),
            None => self.profile().grant == Grant::RefreshToken,
        }
    }

    fn refuse_if_shared(&self) -> Result<(), Error> {
        let revokes = !self.args.local && self.has_refresh_token();
        if self.others.is_empty() || self.args.force || !revokes {
            return Ok(());
        }
        let others: Vec<_> = self.others.iter().map(|other| other.profile.as_str()).collect();
        Err(Error::new(
            Code::Usage,
            tr!(
                "the credential of '{profile}' is also used by {others}",
                profile = self.profile().name,
                others = others.join(&tr!(", "))
            ),
            tr!("use --force to revoke it for all of them, or --local to delete it for this profile only"),
        ))
    }

    fn not_revoked(&self, problem: &str) -> Error {
        let profile = &self.profile().name;
        Error::new(
            Code::Unavailable,
            tr!("could not revoke the refresh token of '{profile}', so nothing was deleted", profile),
            tr!(
                "try again, or run 'zoho-cred logout {profile} --local' to delete it here without revoking it",
                profile
            ),
        )
        .with_cause(problem)
    }

    fn run(&self, system: &System, ports: &Ports<'_>) -> Result<String, Error> {
        let store = (ports.open)(&self.id)?;
        let mut locked = lock_this_machine(ports.clock, &*store, LOCK_TIMEOUT)?;
        let lock = LoginLock::take(ports.clock, &self.session.state, &self.session.config)?;
        if self.source.login()?.as_ref() != self.record {
            return Err(self.source.modified());
        }
        let revoked =
            if self.has_refresh_token() && !self.args.local { Some(self.revoke(ports)?) } else { None };
        if revoked.is_some() {
            // Reading the cache lets a shared store know which token other machines must drop.
            locked.cache()?;
        }
        self.forget(system, &mut *locked)?;
        if self.args.forget {
            forget_settings(system, &lock.config, self.profile())?;
        }
        if let (Some(_), Some(record)) = (&revoked, self.record.filter(|record| record.made_here)) {
            let accounts = AccountsUrl::new(&record.accounts_url)?;
            token_count::note_revoked(&self.session.state, &accounts, &record.client_id);
        }
        Ok(match revoked {
            Some(Revoked::Before) => tr!("its refresh token was no longer valid"),
            Some(_) => tr!("its refresh token is revoked"),
            None if self.has_refresh_token() => tr!("its refresh token is still valid at Zoho"),
            None => tr!("client credentials have nothing to revoke"),
        })
    }

    fn refresh_token(&self) -> Result<Secret, Error> {
        let gone = |place| self.source.secrets_gone(place);
        match self.record {
            Some(LoginRecord { store, refresh_token: Some(item), .. }) => {
                let store = self.source.store(store)?;
                store.get(item)?.ok_or_else(|| gone(store.word()))
            }
            _ => self.source.secrets()?.refresh_token.ok_or_else(|| gone("command")),
        }
    }

    /// Revokes the token at the accounts server that issued it. Any result but an invalid token is an error.
    fn revoke(&self, ports: &Ports<'_>) -> Result<Revoked, Error> {
        let token = self.refresh_token()?;
        let accounts = match self.record {
            Some(record) => AccountsUrl::new(&record.accounts_url)?,
            None => self.profile().accounts_url.clone(),
        };
        ports.http.ready(accounts.as_str())?;
        match revoke(ports.http, &accounts, &token) {
            Revoked::No(problem) => Err(self.not_revoked(&problem)),
            revoked => Ok(revoked),
        }
    }

    /// Deletes the refresh token after everything that a second `logout` does not need, and the record last.
    fn forget(&self, system: &System, locked: &mut dyn Locked) -> Result<(), Error> {
        if !self.cache_is_in_use() {
            locked.commit(&CacheRecord::default())?;
        }
        ProfileState::forget(&self.session.state, self.profile())?;
        let (state, profile) = (&self.session.state, self.profile());
        let items = LoginRecord::items(state, profile)?;
        if self.args.local {
            LoginJournal::note(state, profile, items)?;
        } else {
            for item in items {
                self.source.store(&item.store)?.delete(&item.name)?;
            }
        }
        LoginRecord::remove_all(state, profile)?;
        let cleared = LoginJournal::clear(state, profile, &|word| self.source.store(word));
        if !cleared && self.args.local {
            system.warn(&tr!(
                "could not delete secrets of '{profile}'; its next login tries again",
                profile = profile.name,
            ));
        }
        Ok(())
    }

    /// Whether another profile still uses the cached token. Client credentials share it only if the scopes are
    /// equal.
    fn cache_is_in_use(&self) -> bool {
        let scopes = |scopes: &[String]| {
            let mut scopes = scopes.to_vec();
            scopes.sort_unstable();
            scopes
        };
        if self.has_refresh_token() {
            self.args.local && !self.others.is_empty()
        } else {
            self.others.iter().any(|o| scopes(&o.scopes) == scopes(&self.profile().scopes))
        }
    }
}

/// Removes the profile from the config. If that fails, prints which lines to remove.
fn forget_settings(system: &System, config: &ConfigFile, profile: &Profile) -> Result<(), Error> {
    let name = &profile.name;
    let written = edit::apply(config, |text| edit::without_profile(config.path(), text, name))?;
    if let Err(error) = written {
        system.say(&tr!(
            "zoho-cred: could not write {path} ({error}); remove [profile.{name}] from it",
            path = config.path().display(),
            error = causes::cause(&error),
            name,
        ));
    }
    Ok(())
}
