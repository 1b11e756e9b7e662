//! What every command on a profile starts with: the profile, its state, and the ports of the protocol.

use crate::cli::Global;
use crate::config::{ConfigFile, Resolved, config_path, default_config_path, resolve, state_dir};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Profile;
use crate::refresh::{Ports, Rejected, WaitEvent, reject};
use crate::secret::Secret;
use crate::secrets::{CredentialSource, Source};
use crate::store::{self, Holder, SharedSettings, StateDir, Store as _};
use crate::system::{Roots, Spinner, System, files};
use std::cell::RefCell;
use std::path::PathBuf;
use std::time::Duration;

pub(crate) struct Session {
    pub(crate) profile: Profile,
    pub(crate) config: ConfigFile,
    pub(crate) state: StateDir,
    /// The profile's name, if the call gave one.
    named: Option<String>,
    pub(crate) roots: Roots,
}

impl Session {
    /// Resolves the profile and checks the state folder. `named` is the command's PROFILE argument.
    pub(crate) fn open(system: &System, global: &Global, named: Option<&str>) -> Result<Self, Error> {
        let session = Session::open_unchecked(system, global, named)?;
        session.state.check()?;
        Ok(session)
    }

    /// Like [`Session::open`], for `doctor`, which reports problems of the state folder itself.
    pub(crate) fn open_unchecked(
        system: &System,
        global: &Global,
        named: Option<&str>,
    ) -> Result<Self, Error> {
        let named = global.profile_or(named)?;
        let resolved = resolve(&system.env, read_config(system, global, true)?, named)?;
        Ok(Session { named: named.map(str::to_owned), ..Session::of(system, global, resolved)? })
    }

    /// The session of a resolved profile. Does not check the state folder.
    pub(crate) fn of(system: &System, global: &Global, resolved: Resolved) -> Result<Self, Error> {
        let Resolved { profile, config } = resolved;
        let state = StateDir::new(state_dir(&system.env)?);
        let (name, place) = (&profile.name, &profile.accounts_url);
        log::debug!("profile '{name}' at {place}; its state is in {}", state.path().display());
        Ok(Session { profile, config, state, named: None, roots: roots(system, global) })
    }

    /// Resolves the profile again. Returns whether it is another one now, because it was renamed during the call.
    pub(crate) fn follow_rename(&mut self, system: &System) -> Result<bool, Error> {
        let resolved = resolve(&system.env, self.config.reload()?, self.named.as_deref())?;
        let renamed = resolved.profile.name != self.profile.name;
        Resolved { profile: self.profile, config: self.config } = resolved;
        Ok(renamed)
    }

    /// The shared store, if one is configured.
    pub(crate) fn shared(&self, system: &System) -> Result<Option<SharedSettings>, Error> {
        SharedSettings::of(&self.config, &system.env, &self.roots, &system.clock)
    }

    /// Exchanges token and tombstone with the shared store within `within`: takes over what other machines did, and pushes what
    /// did not arrive. Without a shared store, does nothing.
    pub(crate) fn sync(&self, system: &System, within: Duration) -> Result<(), Error> {
        let Some(shared) = self.shared(system)? else { return Ok(()) };
        let Some(id) = self.source(system).known_id().ok().flatten() else { return Ok(()) };
        let store = store::open_shared(&self.state, &id, &shared)?;
        store.bound(within);
        store.sync().map(|_| ())
    }

    pub(crate) fn source<'a>(&'a self, system: &'a System) -> Source<'a> {
        Source::new(&self.profile, system, &self.state)
    }

    /// Drops `token` from the cache if it is the cached one, waiting for the lock within `timeout`.
    pub(crate) fn reject(
        &self,
        system: &System,
        token: &Secret,
        timeout: Duration,
    ) -> Result<Rejected, Error> {
        self.with_ports(system, &self.source(system), |ports| reject(ports, token, timeout))
    }

    /// Calls `action` with the ports of the protocol. From here on, signals end the call as contract section 3
    /// defines.
    pub(crate) fn with_ports<T>(
        &self,
        system: &System,
        credential: &dyn CredentialSource,
        action: impl FnOnce(&Ports<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        system.signals.install();
        let http = (system.http)(&self.roots);
        let spinner = RefCell::new(Spinner::default());
        let waiting = |wait: WaitEvent| {
            *spinner.borrow_mut() = match wait {
                WaitEvent::For(holder) => system.show_spinner(&refreshing(holder), None),
                WaitEvent::ForBudget(time) => system.show_spinner(&tr!("waiting for budget"), Some(time)),
                WaitEvent::ForStore => system.show_spinner(&tr!("waiting for the shared store"), None),
                WaitEvent::Over => Spinner::default(),
            };
        };
        let shared = self.shared(system)?;
        if let Some(warning) = shared.as_ref().and_then(SharedSettings::warning) {
            system.warn(&warning);
        }
        action(&Ports {
            clock: &*system.clock,
            http: &*http,
            signals: &system.signals,
            profile: &self.profile,
            credential,
            open: &|credential| store::open(&self.state, credential, shared.as_ref()),
            waiting: &waiting,
        })
    }
}

fn refreshing(holder: Option<Holder>) -> String {
    match holder.map(|holder| holder.pid) {
        None => tr!("waiting for another process to refresh the token"),
        Some(0) => tr!("waiting for another machine to refresh the token"),
        Some(pid) => tr!("waiting for process {pid} to refresh the token", pid),
    }
}

/// Loads the config file. One that was named must exist if `must_exist`.
pub(crate) fn read_config(system: &System, global: &Global, must_exist: bool) -> Result<ConfigFile, Error> {
    let (path, origin) = config_path(&system.env, global.config.as_deref())?;
    let default = if origin.is_named() { default_config_path(&system.env).ok() } else { None };
    let default = default.map(|default| files::canonical(&default));
    match ConfigFile::load(&path, origin)? {
        Some(config) => Ok(config.known_default(default.as_deref())),
        None if origin.is_named() && must_exist => Err(Error::new(
            Code::Config,
            tr!("there is no config file {path}", path = path.display()),
            tr!("check --config and ZOHO_CRED_CONFIG; 'zoho-cred login crm' creates the file"),
        )),
        None => Ok(ConfigFile::empty(files::canonical(&path), origin).known_default(default.as_deref())),
    }
}

/// The certificate authorities to trust.
pub(crate) fn roots(system: &System, global: &Global) -> Roots {
    let named = |name| system.env.get(name).map(PathBuf::from);
    Roots {
        ca_file: global.ca_file.clone(),
        cert_file: named("SSL_CERT_FILE"),
        cert_dir: named("SSL_CERT_DIR"),
    }
}
