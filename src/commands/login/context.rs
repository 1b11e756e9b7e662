//! Gets the tokens of a login, tests them and stores them.

use crate::cli::{FlowName, LoginArgs};
use crate::commands::Session;
use crate::error::{Code, Error, WrongAnswer};
use crate::i18n::tr;
use crate::login::client_secret::{ClientSecret, another_client_secret, another_secret, secret_of};
use crate::login::exchange::{AuthorizationCode, IssuedTokens, exchange};
use crate::login::flows::{browser, paste, refresh_token, self_client};
use crate::login::settings::Start;
use crate::login::{LoginToken, Superseded, reject, save_login, token_count};
use crate::model::{CredentialId, MinTtl, Profile, Secrets};
use crate::refresh::{TokenRequest, get_token, seed_cache};
use crate::secret::Secret;
use crate::secrets::{LoginLock, LoginRecord, Source};
use crate::store::{self, SharedSettings};
use crate::system::{Http, System};
use std::time::Duration;

/// Tests secrets. A cached token would not.
const TEST_REQUEST: TokenRequest =
    TokenRequest { refresh: true, ..TokenRequest::new(MinTtl::Default, Duration::from_secs(30)) };

/// How often codes and secrets are tried in one login. Each counts against Zoho's limit.
pub(super) const ATTEMPTS: u32 = 4;

/// What all flows need.
pub(super) struct LoginContext<'a> {
    /// Of the profile with the settings of this login.
    pub(super) session: &'a Session,
    pub(super) http: &'a dyn Http,
    pub(super) shared: Option<SharedSettings>,
    pub(super) args: &'a LoginArgs,
    pub(super) flow: FlowName,
    /// Whether the warning about many refresh tokens was printed.
    pub(super) warned: bool,
}

impl LoginContext<'_> {
    /// Gets a code and exchanges it. Also returns the client secret that Zoho accepted. On a terminal, another code or
    /// client secret is asked for after a rejected one.
    pub(super) fn authorize(
        &self,
        system: &mut System,
        client: ClientSecret,
    ) -> Result<(IssuedTokens, Secret), Error> {
        let profile = &self.session.profile;
        let (mut client, mut attempts) = (Some(client), 0);
        let mut secret = Secret::default();
        loop {
            let code = self.code(system)?;
            if let Some(client) = client.take() {
                secret = secret_of(system, profile, &code.accounts_url, client)?;
            }
            loop {
                attempts += 1;
                match exchange(&*system.clock, self.http, profile, &secret, &code) {
                    Ok(issued) => return Ok((issued, secret)),
                    Err(error) if attempts == ATTEMPTS => return Err(error),
                    Err(error) => match error.wrong_answer() {
                        Some(WrongAnswer::Client) => {
                            secret = another_client_secret(system, error)?;
                        }
                        Some(WrongAnswer::Code) if system.terminal.stdin => {
                            reject(system, &error.in_one_line());
                            break;
                        }
                        _ => return Err(error),
                    },
                }
            }
        }
    }

    fn code(&self, system: &mut System) -> Result<AuthorizationCode, Error> {
        let profile = &self.session.profile;
        match self.flow {
            FlowName::SelfClient => self_client::code(system, profile, self.args),
            FlowName::Paste => paste::code(system, profile, self.args),
            _ => browser::code(system, profile, self.args),
        }
    }

    /// Records whose account it is. A failure is only logged, because the login has succeeded.
    pub(super) fn note_account(&self, system: &System, token: &LoginToken, account: &str) {
        let Session { profile, config, state, .. } = self.session;
        let noted = LoginLock::take(&*system.clock, state, config)
            .and_then(|_lock| LoginRecord::note_account(state, profile, &token.credential, account));
        if let Err(error) = noted {
            log::warn!("the account was not recorded: {}", error.message());
        }
    }

    /// Stores what Zoho granted: first the secrets, then the token in the cache. Returns the token.
    pub(super) fn store_grant(
        &self,
        system: &mut System,
        client_secret: Secret,
        grant: IssuedTokens,
    ) -> Result<LoginToken, Error> {
        // A signal ends the call only after the grant is stored.
        system.signals.hold();
        let (profile, state) = (self.session.profile.clone(), &self.session.state);
        let data_center = grant.accounts_url.data_center().or(profile.data_center);
        let profile = Profile { accounts_url: grant.accounts_url.clone(), data_center, ..profile };
        let secrets = Secrets { client_secret, refresh_token: grant.granted.refresh_token.clone() };
        let superseded = self.save_login(system, &profile, &secrets)?;
        let warning =
            token_count::note_made(state, &profile.accounts_url, &profile.client_id, system.clock.now());
        if let (Ok(Some(warning)), false) = (warning, self.warned) {
            system.warn(&warning);
        }
        let credential = CredentialId::of(&profile, &secrets);
        let store = store::open(state, &credential, self.shared.as_ref())?;
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
        let Session { config, state, .. } = self.session;
        let before = Superseded::find(system, state, config, profile).unwrap_or_else(|error| {
            system.warn(&tr!("the previous refresh token was not revoked: {why}", why = error.message()));
            None
        });
        let in_use = save_login(system, state, config, profile, secrets, self.flow)?;
        Ok(before.filter(|before| in_use && !before.is(secrets.refresh_token.as_ref())))
    }

    fn revoke(&self, system: &mut System, superseded: Option<Superseded>) {
        if let Some(superseded) = superseded {
            superseded.revoke(system, self.http, &self.session.state, self.args.revoke_old);
        }
    }

    /// Stores an existing credential after testing it. Returns the test's token.
    pub(super) fn store_existing(
        &self,
        system: &mut System,
        start: &mut Start<'_>,
        mut secrets: Secrets,
    ) -> Result<Option<LoginToken>, Error> {
        let profile = &self.session.profile;
        let mut attempts = 0;
        let (token, secrets) = loop {
            attempts += 1;
            if self.args.no_verify {
                break (None, secrets);
            }
            match verify(system, self.session, &secrets) {
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
}

/// Tests `secrets` with one token request and caches the token. Returns it, and the secrets to store, of which Zoho may have
/// replaced the refresh token.
pub(super) fn verify(
    system: &System,
    session: &Session,
    secrets: &Secrets,
) -> Result<(Option<Secret>, Secrets), Error> {
    let source = Source::given(&session.profile, system, &session.state, secrets);
    let response = session.with_ports(system, &source, |ports| Ok(get_token(ports, &TEST_REQUEST)?))?;
    if let Some(warning) = &response.warning {
        system.warn(warning);
    }
    let refresh_token = source.replacement().or_else(|| secrets.refresh_token.clone());
    let secrets = Secrets { refresh_token, ..secrets.clone() };
    Ok((response.record.token.map(|token| token.access_token), secrets))
}

/// Asks for the secret that Zoho rejected. Returns `error` if that is not the problem, or nobody can be asked.
fn correct(system: &System, secrets: &mut Secrets, error: Error) -> Result<(), Error> {
    match error.code() {
        Code::ClientRejected if error.wrong_answer() == Some(WrongAnswer::Client) => {
            secrets.client_secret = another_client_secret(system, error)?;
        }
        Code::LoginRequired if secrets.refresh_token.is_some() => {
            let question = tr!("Refresh token again, or Enter to stop");
            let another = another_secret(system, error, &question, refresh_token::check)?;
            secrets.refresh_token = Some(another);
        }
        _ => return Err(error),
    }
    Ok(())
}
