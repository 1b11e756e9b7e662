//! `login`: logs in, tests the credential and stores it.

use crate::cli::{FlowName, Global, LoginArgs};
use crate::commands::login_checks::{
    begin, check_backend, check_missing, check_port, check_stdin_flags, choose_backend, is_bare, missing,
    stored_client_secret,
};
use crate::commands::session::{read_config, roots};
use crate::config::{ConfigFile, state_dir};
use crate::error::{Code, Error, WrongAnswer};
use crate::i18n::tr;
use crate::login::exchange::{AuthorizationCode, ExchangeError, IssuedTokens, exchange};
use crate::login::flows::{browser, device, paste, refresh_token, self_client};
use crate::login::settings::{ClientSecret, LoginSettings, Start};
use crate::login::{
    LoginToken, Superseded, account, check_writable, confirm, reject, repeat, save_login, settings,
    token_count, wrong,
};
use crate::model::{CredentialId, MinTtl, Profile, SecretBackend, Secrets};
use crate::refresh::{Ports, TokenRequest, get_token, seed_cache};
use crate::secret::Secret;
use crate::secrets::{KeyringTimeout, LoginLock, LoginRecord, ProfileState, Source, is_session_only};
use crate::store::{self, SharedSettings, StateDir};
use crate::system::{Http, System};
use std::time::Duration;

/// Time limit of the test request.
const VERIFY_TIMEOUT: Duration = Duration::from_secs(30);

/// How often codes and secrets are tried in one login. Each counts against Zoho's limit.
const ATTEMPTS: u32 = 4;

/// Logs a profile in. Stores nothing unless Zoho granted access or `--no-verify` is given.
pub(crate) fn login(system: &mut System, global: &Global, args: &LoginArgs) -> Result<u8, Error> {
    check_stdin_flags(args)?;
    let config = read_config(system, global, false)?;
    let state = StateDir::new(state_dir(&system.env)?);
    state.check()?;
    let known = settings::name(system, args, &config)?;
    let mut start = known.as_ref().map(|name| begin(system, args, &config, &state, name)).transpose()?;
    if let Some(profile) = start.as_ref().and_then(|start| start.old.as_ref()).filter(|_| is_bare(args))
        && let SecretBackend::Command(command) = &profile.secrets
    {
        return bind_command(system, global, args, &config, &state, profile, command);
    }
    let stored = |system: &System, profile: &Profile| stored_client_secret(system, &state, profile);
    if !system.terminal.stdin {
        check_missing(system, args, &config, start.as_ref(), stored)?;
    } else if start.is_none() {
        // The port of a first login is checked before its name is asked for.
        check_port(args, None, settings::flow(system, args, None, None))?;
        let name = settings::ask_name(system)?;
        let begun = start.insert(begin(system, args, &config, &state, &name)?);
        begun.typed.other = true;
    }
    let Some(mut start) = start else { return Err(wrong(missing(&["PROFILE"]))) };
    let mut done = ask_and_grant(system, global, &mut start, &state, stored);
    while let Err(error) = &done
        && error.wrong_answer().is_some_and(|wrong| start.typed.forget(wrong))
    {
        reject(system, &error.in_one_line());
        done = ask_and_grant(system, global, &mut start, &state, stored);
    }
    if done.is_err() && start.typed.is_any() {
        system.say(&tr!("zoho-cred: you are not logged in yet; this command goes on with your answers:"));
        system.say_as_it_is(&format!("\n  {}\n", repeat::command(system, global, &start)));
    }
    done
}

/// Completes the settings and logs in with them.
fn ask_and_grant(
    system: &mut System,
    global: &Global,
    start: &mut Start<'_>,
    state: &StateDir,
    stored: impl Fn(&System, &Profile) -> Option<Secret>,
) -> Result<u8, Error> {
    if system.terminal.stdin {
        choose_backend(system, global, start)?;
    } else {
        check_backend(system, global, &start.secrets)?;
    }
    let base = start.base(system);
    check_writable::takes_secrets(system, state, start.config, &base, global.verbosity.quiet)?;
    let settings = start.complete(system, stored)?;
    grant_and_store(system, global, start, state, settings)
}

/// Gets the tokens for complete settings and stores them.
fn grant_and_store(
    system: &mut System,
    global: &Global,
    start: &mut Start<'_>,
    state: &StateDir,
    settings: LoginSettings,
) -> Result<u8, Error> {
    let LoginSettings { profile, client, .. } = settings;
    let (args, config, flow) = (start.args, start.config, start.flow);
    let roots = roots(system, global);
    let http = (system.http)(&roots)?;
    http.ready()?;
    let warning = token_count::warning_before(state, &profile.accounts_url, &profile.client_id)
        .filter(|_| token_count::makes_one(flow));
    if let Some(warning) = &warning {
        system.warn(warning);
    }
    let warned = warning.is_some();
    let shared = SharedSettings::of(config, &system.env, &roots, &system.clock)?;
    let context = LoginContext { http: &*http, shared, config, state, args, flow, warned };
    let token = match flow {
        FlowName::RefreshToken => {
            let refresh_token = Some(refresh_token::refresh_token(system, args)?);
            context.store_existing(
                system,
                start,
                &profile,
                Secrets { client_secret: client.secret, refresh_token },
            )?
        }
        FlowName::ClientCredentials => {
            let secrets = Secrets { client_secret: client.secret, refresh_token: None };
            context.store_existing(system, start, &profile, secrets)?;
            // These tokens belong to no user account.
            None
        }
        FlowName::Device => {
            let (grant, client_secret) = device::run(system, &*http, &profile, client)?;
            Some(context.store_grant(system, profile.clone(), client_secret, grant)?)
        }
        FlowName::Browser | FlowName::Paste | FlowName::SelfClient => {
            let (grant, client_secret) = context.authorize(system, &profile, client)?;
            Some(context.store_grant(system, profile.clone(), client_secret, grant)?)
        }
    };
    if !global.verbosity.quiet {
        match token {
            Some(token) => {
                if let Some(account) = account::show(system, &*http, &token) {
                    context.note_account(system, &profile, &token, &account);
                }
            }
            None => system.say(&tr!("zoho-cred: logged in")),
        }
    }
    print_next_steps(system, global, &profile, state);
    Ok(0)
}

/// Logs in a profile whose secrets a command prints: binds them to the settings in the config.
fn bind_command(
    system: &mut System,
    global: &Global,
    args: &LoginArgs,
    config: &ConfigFile,
    state: &StateDir,
    profile: &Profile,
    command: &[String],
) -> Result<u8, Error> {
    let changed = Source::new(profile, system, state).refuse_changed();
    if let Err(error) = changed
        && system.terminal.stdin
    {
        let (client, place) = (&profile.client_id, &profile.accounts_url);
        let question = tr!(
            "The settings changed. Send the command's secrets to {place} as client {client}?",
            place,
            client
        );
        if !confirm(system, &question)? {
            return Err(error.into());
        }
    }
    let roots = roots(system, global);
    let http = (system.http)(&roots)?;
    let flow = FlowName::RefreshToken;
    let shared = SharedSettings::of(config, &system.env, &roots, &system.clock)?;
    let context = LoginContext { http: &*http, shared, config, state, args, flow, warned: false };
    let timeout = KeyringTimeout::of(system, global.verbosity.quiet);
    let secrets = Source::new(profile, system, state).patient(timeout).printed(command)?;
    if !args.no_verify {
        context.verify(system, profile, &secrets)?;
    }
    let id = CredentialId::of(profile, &secrets);
    ProfileState::new(profile, &id, profile.scopes.clone()).save(state, profile)?;
    if !global.verbosity.quiet {
        system.say(&tr!("zoho-cred: logged in"));
    }
    print_next_steps(system, global, profile, state);
    Ok(0)
}

fn print_next_steps(system: &System, global: &Global, profile: &Profile, state: &StateDir) {
    if global.verbosity.quiet {
        return;
    }
    match &profile.secrets {
        SecretBackend::Keyring => {
            system.say(&tr!("zoho-cred: the secrets are in the system keyring"));
            if is_session_only(&system.env) {
                let name = &profile.name;
                system.warn(&tr!(
                    "cron and systemd cannot reach the keyring of this session; for such jobs, run 'zoho-cred login {name} --secrets file'",
                    name
                ));
            }
        }
        SecretBackend::File => {
            let folder = state.subdir_path("secrets");
            system.say(&tr!(
                "zoho-cred: the secrets are in files of mode 0600 in {folder}",
                folder = folder.display()
            ));
        }
        SecretBackend::Command(_) | SecretBackend::Environment => {
            system.say(&tr!("zoho-cred: the secrets come from the profile's secret_command"));
        }
    }
    system.say(&tr!(
        "zoho-cred: next: 'zoho-cred get {profile}' prints an access token",
        profile = profile.name
    ));
}

/// Asks for the secret that Zoho rejected. Returns `error` if that is not the problem, or nobody can be asked.
fn correct(system: &System, secrets: &mut Secrets, error: Error) -> Result<(), Error> {
    match error.code() {
        Code::ClientRejected if error.wrong_answer() == Some(WrongAnswer::Client) => {
            secrets.client_secret = settings::another_client_secret(system, error)?;
        }
        Code::LoginRequired if secrets.refresh_token.is_some() => {
            let question = tr!("Refresh token again, or Enter to stop");
            let another = settings::another_secret(system, error, &question, refresh_token::check)?;
            secrets.refresh_token = Some(another);
        }
        _ => return Err(error),
    }
    Ok(())
}

/// What all flows need.
struct LoginContext<'a> {
    http: &'a dyn Http,
    shared: Option<SharedSettings>,
    config: &'a ConfigFile,
    state: &'a StateDir,
    args: &'a LoginArgs,
    flow: FlowName,
    /// Whether the warning about many refresh tokens was printed.
    warned: bool,
}

impl LoginContext<'_> {
    /// Gets a code and exchanges it. Also returns the client secret that Zoho accepted. On a terminal, another code or
    /// client secret is asked for after a rejected one.
    fn authorize(
        &self,
        system: &mut System,
        profile: &Profile,
        client: ClientSecret,
    ) -> Result<(IssuedTokens, Secret), Error> {
        let (mut client, mut attempts) = (Some(client), 0);
        let mut secret = Secret::default();
        loop {
            let code = self.code(system, profile)?;
            if let Some(client) = client.take() {
                secret = settings::secret_of(system, profile, &code.accounts_url, client)?;
            }
            loop {
                attempts += 1;
                match exchange(&*system.clock, self.http, profile, &secret, &code) {
                    Ok(issued) => return Ok((issued, secret)),
                    Err(ExchangeError::ClientSecret(error)) if attempts < ATTEMPTS => {
                        secret = settings::another_client_secret(system, error)?;
                    }
                    Err(ExchangeError::Code(error)) if system.terminal.stdin && attempts < ATTEMPTS => {
                        reject(system, &error.in_one_line());
                        break;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }

    fn code(&self, system: &mut System, profile: &Profile) -> Result<AuthorizationCode, Error> {
        let (file, no_pkce) = (self.args.code_file.as_deref(), self.args.no_pkce);
        match self.flow {
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

    /// Records whose account it is. A failure is only logged, because the login has succeeded.
    fn note_account(&self, system: &System, profile: &Profile, token: &LoginToken, account: &str) {
        let noted = LoginLock::take(&*system.clock, self.state, self.config)
            .and_then(|_lock| LoginRecord::note_account(self.state, profile, &token.credential, account));
        if let Err(error) = noted {
            log::warn!("the account was not recorded: {}", error.message());
        }
    }

    /// Stores what Zoho granted: first the secrets, then the token in the cache. Returns the token.
    fn store_grant(
        &self,
        system: &mut System,
        profile: Profile,
        client_secret: Secret,
        grant: IssuedTokens,
    ) -> Result<LoginToken, Error> {
        // A signal ends the call only after the grant is stored.
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
        let credential = CredentialId::of(&profile, &secrets);
        let store = store::open(self.state, &credential, self.shared.as_ref())?;
        seed_cache(&*system.clock, &*store, &profile.budget, &grant.granted, &grant.asked)?;
        system.signals.release()?;
        self.revoke(system, superseded);
        Ok(LoginToken { accounts_url: grant.accounts_url, token: grant.granted.access_token, credential })
    }

    /// Stores `secrets`. Returns the refresh token that they replace, if it may be revoked.
    fn save_login(
        &self,
        system: &System,
        profile: &Profile,
        secrets: &Secrets,
    ) -> Result<Option<Superseded>, Error> {
        let before = Superseded::find(system, self.state, self.config, profile).unwrap_or_else(|error| {
            system.warn(&tr!("the previous refresh token was not revoked: {why}", why = error.message()));
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

    /// Stores an existing credential after testing it. Returns the test's token.
    fn store_existing(
        &self,
        system: &mut System,
        start: &mut Start<'_>,
        profile: &Profile,
        mut secrets: Secrets,
    ) -> Result<Option<LoginToken>, Error> {
        let mut attempts = 0;
        let (token, secrets) = loop {
            attempts += 1;
            if self.args.no_verify {
                break (None, secrets);
            }
            match self.verify(system, profile, &secrets) {
                Ok(verified) => break verified,
                Err(error) if attempts < ATTEMPTS => {
                    correct(system, &mut secrets, error)?;
                    start.typed.correct_secret(&secrets.client_secret);
                }
                Err(error) => return Err(error),
            }
        };
        let superseded = self.save_login(system, profile, &secrets)?;
        self.revoke(system, superseded);
        let (accounts_url, credential) = (profile.accounts_url.clone(), CredentialId::of(profile, &secrets));
        Ok(token.map(|token| LoginToken { accounts_url, token, credential }))
    }

    /// Tests `secrets` with one token request and caches the token. Returns it, and the secrets to store.
    fn verify(
        &self,
        system: &System,
        profile: &Profile,
        secrets: &Secrets,
    ) -> Result<(Option<Secret>, Secrets), Error> {
        let source = Source::given(profile, system, self.state, secrets);
        let ports = Ports {
            clock: &*system.clock,
            http: self.http,
            signals: &system.signals,
            profile,
            credential: &source,
            open: &|credential| store::open(self.state, credential, self.shared.as_ref()),
            waiting: &|_| {},
        };
        let request = TokenRequest {
            min_ttl: MinTtl::Default,
            timeout: VERIFY_TIMEOUT,
            wait: Duration::ZERO,
            // A cached token would not test these secrets.
            refresh: true,
            offline: false,
        };
        let response = get_token(&ports, &request)?;
        if let Some(warning) = &response.warning {
            system.warn(warning);
        }
        let refresh_token = source.replacement().or_else(|| secrets.refresh_token.clone());
        let secrets = Secrets { refresh_token, ..secrets.clone() };
        Ok((response.record.token.map(|token| token.access_token), secrets))
    }
}
