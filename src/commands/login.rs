//! `login`: grant access once, prove it, keep it.

use crate::cli::{FlowName, Global, LoginArgs};
use crate::commands::session::{read_config, roots};
use crate::config::{AccountsUrl, ConfigFile, Profile, SecretBackend, state_dir};
use crate::error::Error;
use crate::i18n::tr;
use crate::login::exchange::{Code, Grant, exchange};
use crate::login::flows::{browser, device, paste, refresh_token, self_client};
use crate::login::{Superseded, check_writable, save_login, settings, token_count, wrong};
use crate::model::CredentialId;
use crate::model::MinTtl;
use crate::refresh::{Ports, TokenRequest, get_token, seed_cache};
use crate::secret::Secret;
use crate::secrets::{KeyringSecrets, KeyringTimeout, LoginRecord, Secrets, Source};
use crate::store;
use crate::store::{Shared, StateDir};
use crate::system::{Http, Roots, System};
use std::path::Path;
use std::time::Duration;

/// For the request that proves a credential.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(30);

/// Logs a profile in; nothing is stored unless Zoho granted access, or `--no-verify` says not to ask.
pub fn login(system: &mut System, global: &Global, args: &LoginArgs) -> Result<u8, Error> {
    one_stdin(args)?;
    let config = read_config(system, global, false)?;
    let state = StateDir::new(state_dir(&system.env)?);
    state.check()?;
    let name = settings::name(system, args, &config)?;
    let old = config.profile(&name).and_then(Result::ok);
    let last = old.as_ref().and_then(|old| LoginRecord::load(&state, old).ok().flatten()?.flow);
    let flow = settings::flow(system, args, old.as_ref(), last.as_deref());
    let place = settings::secrets(args, old.as_ref());
    // A person is told before any question, a script after what is wrong with its flags.
    if system.terminal.stdin {
        can_be_kept(system, global, &place)?;
    }
    let profile = settings::profile(system, args, flow, &config, name)?;
    if !system.terminal.stdin {
        can_be_kept(system, global, &place)?;
    }
    check_writable::takes_secrets(system, &state, &config, &profile, global.verbosity.quiet)?;
    let stored = |system: &System| stored_client_secret(system, &state, &profile);
    let client_secret = settings::client_secret(system, args, &profile, stored)?;
    let roots = roots(system, global);
    let http = (system.http)(&roots)?;
    http.ready()?;
    let warning = token_count::warning_before(&state, &profile.accounts_url, &profile.client_id)
        .filter(|_| token_count::makes_one(flow));
    if let Some(warning) = &warning {
        system.warn(warning);
    }
    let warned = warning.is_some();
    let story =
        LoginContext { http: &*http, roots: &roots, config: &config, state: &state, args, flow, warned };
    match flow {
        FlowName::RefreshToken => {
            let refresh_token = Some(refresh_token::refresh_token(system, args)?);
            story.take_over(system, &profile, &Secrets { client_secret, refresh_token })?;
        }
        FlowName::ClientCredentials => {
            story.take_over(system, &profile, &Secrets { client_secret, refresh_token: None })?;
        }
        FlowName::Device => {
            let elsewhere = |system: &mut System, landed: &AccountsUrl, secret| {
                settings::secret_of(system, &profile, landed, secret)
            };
            let (grant, client_secret) = device::run(system, &*http, &profile, client_secret, elsewhere)?;
            story.keep_grant(system, profile.clone(), client_secret, grant)?;
        }
        FlowName::Browser | FlowName::Paste | FlowName::SelfClient => {
            let code = story.code(system, flow, &profile)?;
            let client_secret = settings::secret_of(system, &profile, &code.accounts_url, client_secret)?;
            let grant = exchange(&*system.clock, &*http, &profile, &client_secret, &code)?;
            story.keep_grant(system, profile.clone(), client_secret, grant)?;
        }
    }
    if !global.verbosity.quiet {
        let place = profile.secrets.word();
        system.say(&tr!("zoho-cred: logged in; the secrets are kept in: {place}", place));
        system.say(&tr!("zoho-cred: 'zoho-cred get {profile}' prints a token", profile = profile.name));
    }
    Ok(0)
}

/// Whether secrets can be kept in `place`.
fn can_be_kept(system: &System, global: &Global, place: &SecretBackend) -> Result<(), Error> {
    match place {
        SecretBackend::File => Ok(()),
        SecretBackend::Keyring => {
            KeyringSecrets::new(KeyringTimeout::of(system, global.verbosity.quiet)).answers()
        }
        SecretBackend::Command(_) | SecretBackend::Environment => {
            Err(wrong(tr!("this profile's secrets come from a command; give --secrets to change that")))
        }
    }
}

/// The client secret that the profile's last login stored, if it was for the same client at the same server: to
/// anybody else it is not ours to send.
fn stored_client_secret(system: &System, state: &StateDir, profile: &Profile) -> Option<Secret> {
    let source = Source::new(profile, &system.env, state).patient(KeyringTimeout::of(system, false));
    let login = source.login().ok().flatten()?;
    let same = login.client_id == profile.client_id && login.accounts_url == profile.accounts_url.as_str();
    let store = same.then(|| source.store(&login.store).ok())??;
    store.get(&login.client_secret).unwrap_or_else(|error| {
        system.warn(&tr!(
            "the client secret of the last login could not be read: {why}",
            why = error.message()
        ));
        None
    })
}

/// Only one secret can come from stdin.
fn one_stdin(args: &LoginArgs) -> Result<(), Error> {
    let files = [&args.client_secret_file, &args.refresh_token_file, &args.code_file];
    match files.into_iter().flatten().filter(|path| path.as_path() == Path::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(wrong(tr!("only one of the files can be stdin"))),
    }
}

/// What every flow needs.
struct LoginContext<'a> {
    http: &'a dyn Http,
    roots: &'a Roots,
    config: &'a ConfigFile,
    state: &'a StateDir,
    args: &'a LoginArgs,
    flow: FlowName,
    /// Whether it was said already that the client has many refresh tokens.
    warned: bool,
}

impl LoginContext<'_> {
    fn shared(&self, system: &System) -> Option<Shared> {
        Shared::of(self.config, &system.env, self.roots, &system.clock)
    }

    fn code(&self, system: &mut System, flow: FlowName, profile: &Profile) -> Result<Code, Error> {
        let (file, no_pkce) = (self.args.code_file.as_deref(), self.args.no_pkce);
        match flow {
            FlowName::SelfClient => self_client::code(system, profile, file),
            FlowName::Paste => paste::code(system, profile, file, no_pkce),
            _ => {
                let choices = browser::Choices {
                    no_browser: self.args.no_browser,
                    no_pkce,
                    timeout: self.args.timeout,
                };
                browser::code(system, profile, choices)
            }
        }
    }

    /// Keeps what Zoho just granted: the secrets first, then the token for the first `get`.
    fn keep_grant(
        &self,
        system: &mut System,
        profile: Profile,
        client_secret: Secret,
        grant: Grant,
    ) -> Result<(), Error> {
        // What Zoho has granted is stored before a signal ends the call.
        system.signals.hold();
        let data_center = grant.accounts_url.data_center().or(profile.data_center);
        let profile = Profile { accounts_url: grant.accounts_url.clone(), data_center, ..profile };
        let secrets = Secrets { client_secret, refresh_token: grant.granted.refresh_token.clone() };
        let superseded = self.save_login(system, &profile, &secrets)?;
        let warning =
            token_count::note_made(self.state, &profile.accounts_url, &profile.client_id, system.clock.now());
        if let (Ok(Some(warning)), false) = (warning, self.warned) {
            system.warn(&warning);
        }
        let shared = self.shared(system);
        let store = store::open(self.state, &CredentialId::of(&profile, &secrets), shared.as_ref())?;
        seed_cache(&*system.clock, &*store, &profile.budget, &grant.granted, &grant.asked)?;
        system.signals.release()?;
        self.revoke(system, superseded);
        Ok(())
    }

    /// Keeps `secrets`, and answers the refresh token that this puts out of use, if it may be revoked.
    fn save_login(
        &self,
        system: &System,
        profile: &Profile,
        secrets: &Secrets,
    ) -> Result<Option<Superseded>, Error> {
        let before = Superseded::find(system, self.state, self.config, profile).unwrap_or_else(|error| {
            system.warn(&tr!("the refresh token of before was left alone: {why}", why = error.message()));
            None
        });
        let in_use = save_login(system, self.state, self.config, profile, secrets, self.flow)?;
        Ok(before.filter(|before| in_use && !before.is(secrets.refresh_token.as_ref())))
    }

    fn revoke(&self, system: &mut System, superseded: Option<Superseded>) {
        if let Some(superseded) = superseded {
            superseded.revoke(system, self.http, self.state, self.args.revoke_old);
        }
    }

    /// Keeps a credential that is there already, once it has minted a token.
    fn take_over(&self, system: &mut System, profile: &Profile, secrets: &Secrets) -> Result<(), Error> {
        if !self.args.no_verify {
            self.verify(system, profile, secrets)?;
        }
        let superseded = self.save_login(system, profile, secrets)?;
        self.revoke(system, superseded);
        Ok(())
    }

    /// Spends one request on proving that `secrets` mint a token, which goes into the cache.
    fn verify(&self, system: &System, profile: &Profile, secrets: &Secrets) -> Result<(), Error> {
        let source = Source::given(profile, &system.env, self.state, secrets);
        let shared = self.shared(system);
        let ports = Ports {
            clock: &*system.clock,
            http: self.http,
            signals: &system.signals,
            profile,
            credential: &source,
            open: &|credential| store::open(self.state, credential, shared.as_ref()),
            waiting: &|_| {},
        };
        let ask = TokenRequest {
            min_ttl: MinTtl::Default,
            timeout: VERIFY_TIMEOUT,
            wait: Duration::ZERO,
            // A token that is there already proves nothing of these secrets.
            refresh: true,
            offline: false,
        };
        get_token(&ports, &ask).map(|_| ())
    }
}
