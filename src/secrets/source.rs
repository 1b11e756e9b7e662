//! The credential of a profile: its id without opening a keyring, and its secrets when they are really needed.

use crate::config::ConfigFile;
use crate::error::{ChangedSetting, Error};
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

/// The port to a credential: its id, and its secrets when they are really needed.
pub trait CredentialSource {
    /// What the caller has left: secrets that are read from now on take no longer, wherever they rest.
    fn bound(&self, _left: Duration) {}
    /// The credential id, without opening a keyring where that can be had.
    fn id(&self) -> Result<CredentialId, Error>;
    /// The secrets, read now.
    fn secrets(&self) -> Result<Secrets, Error>;
    /// The credential id that `secrets` make up; [`CredentialSource::id`] answers it from now on.
    fn id_from_secrets(&self, secrets: &Secrets) -> Result<CredentialId, Error>;
}

/// The credential of a profile, as its state and its secret store have it.
pub struct Source<'a> {
    /// The profile.
    pub profile: &'a Profile,
    system: &'a System,
    state: &'a StateDir,
    given: Option<&'a Secrets>,
    patience: KeyringTimeout<'a>,
    left: Cell<Duration>,
}

/// So long a place of secrets may take whatever the caller has left: it is asked where the time is all but up, too.
const LEAST_TIME: Duration = Duration::from_secs(1);

impl CredentialSource for Source<'_> {
    fn bound(&self, left: Duration) {
        self.left.set(left.max(LEAST_TIME));
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
            SecretBackend::Command(words) => {
                self.refuse_changed()?;
                self.printed(words)
            }
            SecretBackend::File | SecretBackend::Keyring => {
                let login = self.login()?.ok_or_else(|| self.never_logged_in())?;
                if let Err(error) = self.refuse_changed_since(&login) {
                    // The config file may have followed one more login meanwhile.
                    return if self.login()?.as_ref() == Some(&login) { Err(error) } else { self.secrets() };
                }
                match self.stored(&login) {
                    // A login in between has put others into their place.
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
    /// The source of `profile`.
    pub fn new(profile: &'a Profile, system: &'a System, state: &'a StateDir) -> Self {
        Source {
            profile,
            system,
            state,
            given: None,
            patience: KeyringTimeout::unattended(),
            left: Cell::new(Duration::MAX),
        }
    }

    /// The source of a profile whose secrets are at hand and not stored yet. Nothing is remembered of it.
    pub fn given(
        profile: &'a Profile,
        system: &'a System,
        state: &'a StateDir,
        secrets: &'a Secrets,
    ) -> Self {
        Source { given: Some(secrets), ..Source::new(profile, system, state) }
    }

    /// The same source with another patience for the keyring: someone at a terminal may have to unlock it.
    pub(crate) fn patient(self, patience: KeyringTimeout<'a>) -> Self {
        Source { patience, ..self }
    }

    /// [`Error::SettingsChanged`] where the profile no longer has the settings that its secrets were made for. They
    /// are not looked at.
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
            Some(_) if self.is_overtaken(login) => {
                Err(Error::ConcurrentModification { profile: self.profile.name.to_string() })
            }
            Some(setting) => Err(self.settings_changed(setting)),
        }
    }

    /// What is recorded of a profile whose credential has got a token: until then it is not known whether its settings
    /// are right.
    fn granted(&self) -> Result<Option<ProfileState>, Error> {
        let recorded = ProfileState::recorded(self.state, self.profile)?;
        Ok(recorded.filter(|state| state_dir::stat(&cache_path(self.state, &state.credential())).is_some()))
    }

    /// What the profile's command prints, for settings that a person has just confirmed by a login.
    pub fn printed(&self, words: &[String]) -> Result<Secrets, Error> {
        let watched = self.patience.is_watched();
        self.complete(command::secrets(words, self.left.get(), watched, &self.system.signals)?)
    }

    /// What the profile's login stored; nothing for secrets that come from elsewhere.
    pub fn login(&self) -> Result<Option<LoginRecord>, Error> {
        match self.profile.secrets {
            SecretBackend::File | SecretBackend::Keyring => LoginRecord::load(self.state, self.profile),
            SecretBackend::Command(_) | SecretBackend::Environment => Ok(None),
        }
    }

    /// The token set in the cache of the credential that the profile's state names, and the scopes of its login.
    pub fn cached(&self) -> Option<(CacheRecord, Vec<String>)> {
        let state = ProfileState::load(self.state, self.profile)?;
        let record = read_cache(&cache_path(self.state, &state.credential()))?;
        Some((record, state.scopes))
    }

    /// The scopes that the credential was made for; empty where that is not known.
    pub(crate) fn login_scopes(&self) -> Vec<String> {
        ProfileState::load(self.state, self.profile).map(|state| state.scopes).unwrap_or_default()
    }

    /// The place that keeps the items of a login.
    pub fn store(&self, word: &str) -> Result<Box<dyn SecretStore + 'a>, Error> {
        match word {
            "keyring" => Ok(Box::new(KeyringSecrets::new(self.patience.within(self.left.get())))),
            "file" => Ok(Box::new(FileSecrets::new(self.state))),
            other => Err(Error::Setting {
                problem: tr!("this build cannot read secrets from '{other}'", other),
                hint: tr!("log in again with --secrets file"),
            }),
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

    /// Whether the config file has the settings of `login` by now: then ours are those of before it.
    fn is_overtaken(&self, login: &LoginRecord) -> bool {
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
