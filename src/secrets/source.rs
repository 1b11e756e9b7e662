//! The credential of a profile. Its id is found without opening a keyring, and its secrets are read only when needed.

use crate::config::ConfigFile;
use crate::error::{ChangedSetting, Code, Error};
use crate::i18n::tr;
use crate::model::{CacheRecord, CredentialId, Grant, Origin, Profile, SecretBackend, Secrets};
use crate::secrets::{
    FileSecrets, KeyringSecrets, KeyringTimeout, LoginRecord, ProfileState, SecretStore, command, environment,
};
use crate::store::local::state_dir;
use crate::store::{StateDir, cache_path, read_cache};
use crate::system::{System, files};
use std::cell::Cell;
use std::time::Duration;

/// Port to a credential.
pub trait CredentialSource {
    /// Limits the time of later reads to `left`.
    fn bound(&self, _left: Duration) {}
    /// The credential id, without opening a keyring if possible.
    fn id(&self) -> Result<CredentialId, Error>;
    /// Reads the secrets.
    fn secrets(&self) -> Result<Secrets, Error>;
    /// The credential id of `secrets`. Later calls of [`CredentialSource::id`] return it.
    fn id_from_secrets(&self, secrets: &Secrets) -> Result<CredentialId, Error>;
}

/// The credential of a profile, from its state file and its secret store.
pub struct Source<'a> {
    /// The profile.
    pub profile: &'a Profile,
    system: &'a System,
    state: &'a StateDir,
    given: Option<&'a Secrets>,
    timeout: KeyringTimeout<'a>,
    left: Cell<Duration>,
}

/// Minimum time for a secret store, even if the caller has less left.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

impl CredentialSource for Source<'_> {
    fn bound(&self, left: Duration) {
        self.left.set(left.max(MIN_TIMEOUT));
    }

    fn id(&self) -> Result<CredentialId, Error> {
        if let Some(secrets) = self.given {
            return Ok(CredentialId::of(self.profile, secrets));
        }
        match ProfileState::load(self.state, self.profile) {
            Some(state) => Ok(state.credential()),
            None => self.id_from_secrets(&self.secrets()?),
        }
    }

    fn id_from_secrets(&self, secrets: &Secrets) -> Result<CredentialId, Error> {
        let id = CredentialId::of(self.profile, secrets);
        if self.given.is_some() {
            return Ok(id);
        }
        let remembered = ProfileState::load(self.state, self.profile).map(|state| state.credential());
        if remembered.as_ref() != Some(&id) {
            let scopes = match self.login()? {
                Some(login) => login.scopes,
                None => self.profile.scopes.clone(),
            };
            let state = ProfileState::new(self.profile, &id, scopes);
            if let Err(error) = state.save(self.state, self.profile) {
                log::debug!("the profile's state was not written: {}", error.message());
            }
        }
        Ok(id)
    }

    fn secrets(&self) -> Result<Secrets, Error> {
        if let Some(secrets) = self.given {
            return Ok(secrets.clone());
        }
        match &self.profile.secrets {
            SecretBackend::Environment => environment::secrets(&self.system.env, self.profile),
            SecretBackend::Command(argv) => {
                self.refuse_changed()?;
                self.printed(argv)
            }
            SecretBackend::File | SecretBackend::Keyring => {
                let login = self.login()?.ok_or_else(|| self.never_logged_in())?;
                if let Err(error) = self.refuse_changed_since(&login) {
                    // Another login may have updated the config file meanwhile.
                    return if self.login()?.as_ref() == Some(&login) { Err(error) } else { self.secrets() };
                }
                match self.stored(&login) {
                    // Another login replaced the items meanwhile.
                    Err(Error::SecretsGone { .. }) if self.login()?.is_some_and(|now| now != login) => {
                        self.secrets()
                    }
                    read => self.complete(read?),
                }
            }
        }
    }
}

impl<'a> Source<'a> {
    /// The credential of `profile`, read from its stores.
    pub fn new(profile: &'a Profile, system: &'a System, state: &'a StateDir) -> Self {
        Source {
            profile,
            system,
            state,
            given: None,
            timeout: KeyringTimeout::unattended(),
            left: Cell::new(Duration::MAX),
        }
    }

    /// For secrets that are not stored yet. No state is written.
    pub fn given(
        profile: &'a Profile,
        system: &'a System,
        state: &'a StateDir,
        secrets: &'a Secrets,
    ) -> Self {
        Source { given: Some(secrets), ..Source::new(profile, system, state) }
    }

    /// Sets another timeout for the keyring, which a user at a terminal may have to unlock.
    pub(crate) fn patient(self, timeout: KeyringTimeout<'a>) -> Self {
        Source { timeout, ..self }
    }

    /// `Code::LoginRequired` if the profile no longer has the settings that its secrets were created for. The
    /// secrets are not read.
    pub(crate) fn refuse_changed(&self) -> Result<(), Error> {
        match &self.profile.secrets {
            SecretBackend::Environment => Ok(()),
            SecretBackend::Command(_) => {
                let bound_to = self.granted()?.map(|state| state.settings);
                let changed = bound_to.and_then(|settings| settings.changed(self.profile));
                changed.map_or(Ok(()), |setting| Err(self.settings_changed(setting)))
            }
            SecretBackend::File | SecretBackend::Keyring => match self.login()? {
                Some(login) => self.refuse_changed_since(&login),
                None => Ok(()),
            },
        }
    }

    fn refuse_changed_since(&self, login: &LoginRecord) -> Result<(), Error> {
        match login.changed(self.profile) {
            None => Ok(()),
            Some(_) if self.is_outdated(login) => {
                Err(Error::ConcurrentModification { profile: self.profile.name.to_string() })
            }
            Some(setting) => Err(self.settings_changed(setting)),
        }
    }

    /// The state of a profile whose credential has ever received a token. Before that, its settings may be wrong.
    fn granted(&self) -> Result<Option<ProfileState>, Error> {
        let recorded = ProfileState::recorded(self.state, self.profile)?;
        Ok(recorded.filter(|state| state_dir::stat(&cache_path(self.state, &state.credential())).is_some()))
    }

    /// The credential ID if it is known without opening a keyring or running a command. `None` if only the secrets
    /// could tell. Fails like [`CredentialSource::secrets`] if there is no login or settings changed.
    pub(crate) fn known_id(&self) -> Result<Option<CredentialId>, Error> {
        if let Some(state) = ProfileState::load(self.state, self.profile) {
            return Ok(Some(state.credential()));
        }
        match &self.profile.secrets {
            SecretBackend::Environment => self.id().map(Some),
            SecretBackend::Command(_) => self.refuse_changed().map(|()| None),
            SecretBackend::File | SecretBackend::Keyring => {
                let login = self.login()?.ok_or_else(|| self.never_logged_in())?;
                self.refuse_changed_since(&login)?;
                Ok(Some(login.credential_id(self.profile)))
            }
        }
    }

    /// Runs the profile's secret command, even if settings changed: a login has just confirmed them.
    pub fn printed(&self, argv: &[String]) -> Result<Secrets, Error> {
        let watched = self.timeout.is_watched();
        self.complete(command::secrets(argv, self.left.get(), watched, &self.system.signals)?)
    }

    /// The login record. `None` if the secrets come from a command or the environment.
    pub fn login(&self) -> Result<Option<LoginRecord>, Error> {
        match self.profile.secrets {
            SecretBackend::File | SecretBackend::Keyring => LoginRecord::load(self.state, self.profile),
            SecretBackend::Command(_) | SecretBackend::Environment => Ok(None),
        }
    }

    /// The cached record of the profile's credential, and the scopes of its login.
    pub fn cached(&self) -> Option<(CacheRecord, Vec<String>)> {
        let state = ProfileState::load(self.state, self.profile)?;
        let record = read_cache(&cache_path(self.state, &state.credential()))?;
        Some((record, state.scopes))
    }

    /// The scopes of the login. Empty if unknown.
    pub(crate) fn login_scopes(&self) -> Vec<String> {
        ProfileState::load(self.state, self.profile).map(|state| state.scopes).unwrap_or_default()
    }

    /// `Code::Config` for a store that this build does not support.
    pub fn store(&self, word: &str) -> Result<Box<dyn SecretStore + 'a>, Error> {
        match word {
            "keyring" => Ok(Box::new(KeyringSecrets::new(self.timeout.within(self.left.get())))),
            "file" => Ok(Box::new(FileSecrets::new(self.state))),
            other => Err(Error::new(
                Code::Config,
                tr!("this build cannot read secrets from '{other}'", other),
                tr!("log in again with --secrets file"),
            )),
        }
    }

    fn stored(&self, login: &LoginRecord) -> Result<Secrets, Error> {
        let store = self.store(&login.store)?;
        let gone = || Error::SecretsGone { profile: self.profile.name.to_string(), place: store.word() };
        let get = |item: &str| store.get(item)?.ok_or_else(gone);
        let client_secret = get(&login.client_secret)?;
        let refresh_token = login.refresh_token.as_deref().map(get).transpose()?;
        Ok(Secrets { client_secret, refresh_token })
    }

    fn complete(&self, secrets: Secrets) -> Result<Secrets, Error> {
        match (&self.profile.grant, &secrets.refresh_token) {
            (Grant::RefreshToken, None) => Err(self.never_logged_in()),
            _ => Ok(secrets),
        }
    }

    /// Whether the config file now has the settings of `login`, so that our settings are outdated.
    fn is_outdated(&self, login: &LoginRecord) -> bool {
        let Origin::File(path) = &self.profile.origin else { return false };
        let Ok(Some(text)) = files::read_text_if_any(path) else { return false };
        let now = ConfigFile::parse(path, &text).ok().and_then(|config| config.profile(&self.profile.name));
        now.and_then(Result::ok).is_some_and(|now| login.is_for(&now))
    }

    fn settings_changed(&self, setting: ChangedSetting) -> Error {
        Error::SettingsChanged { profile: self.profile.name.to_string(), setting }
    }

    fn never_logged_in(&self) -> Error {
        Error::NeverLoggedIn { profile: self.profile.name.to_string() }
    }
}
