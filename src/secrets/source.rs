//! The credential of a profile. Its id is found without opening a keyring, and its secrets are read only when needed.

use crate::config::ConfigFile;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::{CacheRecord, CredentialId, Grant, Profile, SecretBackend, Secrets};
use crate::secret::Secret;
use crate::secrets::bound::ChangedSetting;
use crate::secrets::login_lock::lock_logins;
use crate::secrets::replace::replace_refresh_token;
use crate::secrets::{
    FileSecrets, KeyringSecrets, KeyringTimeout, LoginRecord, ProfileState, SecretStore, command, environment,
};
use crate::store::local::state_dir;
use crate::store::{StateDir, cache_path, read_cache};
use crate::system::{System, files};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// Why a credential cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// The profile has none.
    NeverLoggedIn {
        /// The profile.
        profile: String,
    },
    /// The profile no longer has the settings that its secrets were created for, so they are not used.
    SettingsChanged {
        /// The profile.
        profile: String,
        /// The setting that differs.
        setting: ChangedSetting,
    },
    /// Anything else.
    Failed(Error),
}

impl From<Error> for CredentialError {
    fn from(error: Error) -> Self {
        CredentialError::Failed(error)
    }
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        let (profile, message) = match &error {
            CredentialError::Failed(error) => return error.clone(),
            CredentialError::NeverLoggedIn { profile } => {
                (profile, tr!("profile '{profile}' has no credential", profile))
            }
            CredentialError::SettingsChanged { profile, .. } => {
                (profile, tr!("profile '{profile}': settings changed since the login", profile))
            }
        };
        let login = Error::new(Code::LoginRequired, message, tr!("run 'zoho-cred login {profile}'", profile));
        let CredentialError::SettingsChanged { setting, .. } = error else { return login };
        login.with_cause(match setting {
            ChangedSetting::AccountsServer => tr!("its secrets belong to another accounts server"),
            ChangedSetting::ClientId => tr!("its secrets belong to another client_id"),
            ChangedSetting::Grant => tr!("its secrets belong to another grant"),
        })
    }
}

/// Prepares the state of a new credential.
pub type Prepare<'a> = dyn Fn(&CredentialId) -> Result<(), Error> + 'a;

/// Port to a credential.
pub trait CredentialSource {
    /// Limits the time of later reads to `left`.
    fn bound(&self, _left: Duration) {}
    /// The credential id, without opening a keyring if possible.
    fn id(&self) -> Result<CredentialId, CredentialError>;
    /// Reads the secrets.
    fn secrets(&self) -> Result<Secrets, CredentialError>;
    /// The credential id of `secrets`. Later calls of [`CredentialSource::id`] return it.
    fn id_from_secrets(&self, secrets: &Secrets) -> Result<CredentialId, CredentialError>;
    /// Stores `token`, which replaces the refresh token of `old`. `prepare` gets the id of the new credential before
    /// anything uses it.
    fn replace(&self, old: &Secrets, token: &Secret, prepare: &Prepare<'_>) -> Result<(), Error>;
}

/// The credential of a profile, from its state file and its secret store.
pub struct Source<'a> {
    /// The profile.
    pub profile: &'a Profile,
    system: &'a System,
    state: &'a StateDir,
    given: Option<&'a Secrets>,
    /// The refresh token that replaced that of `given`.
    replacement: RefCell<Option<Secret>>,
    timeout: KeyringTimeout<'a>,
    left: Cell<Duration>,
}

/// Minimum time for a secret store, even if the caller has less left.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

impl CredentialSource for Source<'_> {
    fn bound(&self, left: Duration) {
        self.left.set(left.max(MIN_TIMEOUT));
    }

    fn id(&self) -> Result<CredentialId, CredentialError> {
        if let Some(secrets) = self.given {
            return Ok(CredentialId::of(self.profile, secrets));
        }
        match ProfileState::load(self.state, self.profile) {
            Some(state) => Ok(state.credential()),
            None => self.id_from_secrets(&self.secrets()?),
        }
    }

    fn id_from_secrets(&self, secrets: &Secrets) -> Result<CredentialId, CredentialError> {
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

    fn replace(&self, old: &Secrets, token: &Secret, prepare: &Prepare<'_>) -> Result<(), Error> {
        let secrets = Secrets { refresh_token: Some(token.clone()), ..old.clone() };
        let new = CredentialId::of(self.profile, &secrets);
        match self.profile.secrets {
            SecretBackend::Command(_) => Err(not_writable("secret_command")),
            SecretBackend::Environment => Err(not_writable("ZOHO_REFRESH_TOKEN")),
            SecretBackend::File | SecretBackend::Keyring if self.given.is_some() => {
                prepare(&new)?;
                self.replacement.replace(Some(token.clone()));
                Ok(())
            }
            SecretBackend::File | SecretBackend::Keyring => {
                let _lock = lock_logins(&*self.system.clock, self.state, LOGIN_TIMEOUT)?;
                prepare(&new)?;
                let id = CredentialId::of(self.profile, old);
                replace_refresh_token(self.state, &|word| self.store(word), &id, &new, token)?;
                self.id_from_secrets(&secrets).map(drop).map_err(Error::from)
            }
        }
    }

    fn secrets(&self) -> Result<Secrets, CredentialError> {
        if let Some(secrets) = self.given {
            return Ok(secrets.clone());
        }
        match &self.profile.secrets {
            SecretBackend::Environment => Ok(environment::secrets(&self.system.env, self.profile)?),
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
                match self.stored(&login)? {
                    Some(secrets) => self.complete(secrets),
                    // Another login replaced the items meanwhile.
                    None if self.login()?.is_some_and(|now| now != login) => self.secrets(),
                    None => Err(self.secrets_gone(&login.store).into()),
                }
            }
        }
    }
}

/// Limit of the wait for a login of any profile, while a new refresh token is to be stored.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(5);

impl<'a> Source<'a> {
    /// The credential of `profile`, read from its stores.
    pub fn new(profile: &'a Profile, system: &'a System, state: &'a StateDir) -> Self {
        Source {
            profile,
            system,
            state,
            given: None,
            replacement: RefCell::default(),
            timeout: KeyringTimeout::of(system),
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

    /// The refresh token that replaced the given one, if Zoho issued one.
    pub(crate) fn replacement(&self) -> Option<Secret> {
        self.replacement.take()
    }

    /// `Code::LoginRequired` if the profile no longer has the settings that its secrets were created for. The
    /// secrets are not read.
    pub(crate) fn refuse_changed(&self) -> Result<(), CredentialError> {
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

    fn refuse_changed_since(&self, login: &LoginRecord) -> Result<(), CredentialError> {
        match login.changed(self.profile) {
            None => Ok(()),
            Some(_) if self.is_outdated(login) => Err(self.modified().into()),
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
    pub(crate) fn known_id(&self) -> Result<Option<CredentialId>, CredentialError> {
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
    pub fn printed(&self, argv: &[String]) -> Result<Secrets, CredentialError> {
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

    /// `None` if a secret is no longer in the store.
    fn stored(&self, login: &LoginRecord) -> Result<Option<Secrets>, Error> {
        let store = self.store(&login.store)?;
        let Some(client_secret) = store.get(&login.client_secret)? else { return Ok(None) };
        let Some(item) = &login.refresh_token else {
            return Ok(Some(Secrets { client_secret, refresh_token: None }));
        };
        let refresh_token = store.get(item)?;
        Ok(refresh_token.map(|token| Secrets { client_secret, refresh_token: Some(token) }))
    }

    fn complete(&self, secrets: Secrets) -> Result<Secrets, CredentialError> {
        match (&self.profile.grant, &secrets.refresh_token) {
            (Grant::RefreshToken, None) => Err(self.never_logged_in()),
            _ => Ok(secrets),
        }
    }

    /// Whether the config file now has the settings of `login`, so that our settings are outdated.
    fn is_outdated(&self, login: &LoginRecord) -> bool {
        let Some(path) = self.profile.origin.config() else { return false };
        let Ok(Some(text)) = files::read_text_if_any(path) else { return false };
        let now = ConfigFile::parse(path, &text).ok().and_then(|config| config.profile(&self.profile.name));
        now.and_then(Result::ok).is_some_and(|now| login.is_for(&now))
    }

    /// A login or logout of the profile ended during the call.
    pub(crate) fn modified(&self) -> Error {
        Error::new(
            Code::Busy,
            tr!(
                "a login or logout of '{profile}' came before this command was done",
                profile = self.profile.name
            ),
            tr!("run it again"),
        )
        .with_retry_after(Duration::from_secs(1))
    }

    /// The secrets of the login are no longer in `place`.
    pub(crate) fn secrets_gone(&self, place: &str) -> Error {
        let profile = &self.profile.name;
        Error::new(
            Code::LoginRequired,
            tr!("the secrets of '{profile}' are no longer in its {place} store", profile, place),
            tr!(
                "run 'zoho-cred login {profile}', or 'zoho-cred logout {profile} --local' to forget it",
                profile
            ),
        )
    }

    fn settings_changed(&self, setting: ChangedSetting) -> CredentialError {
        CredentialError::SettingsChanged { profile: self.profile.name.to_string(), setting }
    }

    pub(crate) fn never_logged_in(&self) -> CredentialError {
        CredentialError::NeverLoggedIn { profile: self.profile.name.to_string() }
    }
}

/// A new refresh token cannot be stored where the old one came from.
fn not_writable(place: &str) -> Error {
    Error::new(
        Code::Store,
        tr!("secrets from {place} cannot be replaced", place),
        tr!("log in again, and put the new refresh token there"),
    )
}
