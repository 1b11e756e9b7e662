//! The settings of a login. Sources in order: flags, the existing profile, the environment, a question.

use crate::cli::{FlowName, LoginArgs, SecretsFlag};
use crate::config::{ConfigFile, environment};
use crate::error::{Error, WrongAnswer};
use crate::i18n::tr;
use crate::login::answers::{self, unknown_scopes, with_presets};
use crate::login::client_secret::{ClientSecret, stored_client_secret};
use crate::login::{ask, ask_required, ask_secret, guide, read_secret_file, wrong};
use crate::model::{AccountsUrl, ENVIRONMENT, Grant, Profile, ProfileName, SecretBackend, split_scopes};
use crate::secret::Secret;
use crate::secrets::LoginRecord;
use crate::store::StateDir;
use crate::system::{System, browser};
use crate::zoho::{DataCenter, data_center, scopes};
use clap::ValueEnum;

/// What a login starts from.
pub(crate) struct Start<'a> {
    pub(crate) args: &'a LoginArgs,
    pub(crate) config: &'a ConfigFile,
    pub(crate) state: &'a StateDir,
    pub(crate) name: ProfileName,
    /// The settings that the profile has so far.
    pub(crate) old: Option<Profile>,
    pub(crate) flow: FlowName,
    /// Where to store the secrets.
    pub(crate) secrets: SecretBackend,
    pub(crate) typed: Typed,
}

/// What a person has answered so far.
#[derive(Default)]
pub(crate) struct Typed {
    accounts: Option<AccountsUrl>,
    client_id: Option<String>,
    scopes: Vec<String>,
    soid: Option<String>,
    secret: Option<Secret>,
    /// Whether the name or the storage was answered.
    pub(crate) other: bool,
}

impl Typed {
    pub(crate) fn is_any(&self) -> bool {
        let client = self.accounts.is_some() || self.client_id.is_some() || self.secret.is_some();
        self.other || client || !self.scopes.is_empty()
    }

    /// Replaces the client secret, if it was an answer.
    pub(crate) fn correct_secret(&mut self, secret: &Secret) {
        self.secret = self.secret.take().map(|_| secret.clone());
    }

    /// Drops an answer, so that the question is asked again. False if it was not an answer.
    pub(crate) fn forget(&mut self, wrong: WrongAnswer) -> bool {
        match wrong {
            WrongAnswer::Client => {
                (self.accounts, self.secret) = (None, None);
                self.client_id.take().is_some()
            }
            WrongAnswer::Scopes => !std::mem::take(&mut self.scopes).is_empty(),
            WrongAnswer::Organization => self.soid.take().is_some(),
            WrongAnswer::Code => false,
        }
    }
}

/// All settings of a login.
pub(crate) struct LoginSettings {
    pub(crate) profile: Profile,
    pub(crate) client: ClientSecret,
}

impl<'a> Start<'a> {
    /// What the login of the profile `name` starts from.
    pub(crate) fn new(
        system: &System,
        args: &'a LoginArgs,
        config: &'a ConfigFile,
        state: &'a StateDir,
        name: ProfileName,
    ) -> Self {
        let old = config.profile(&name).and_then(Result::ok);
        let last = old.as_ref().and_then(|old| LoginRecord::load(state, old).ok().flatten()?.flow);
        let flow = flow(system, args, old.as_ref(), last.as_deref());
        let secrets = match (args.secrets, &old) {
            (Some(SecretsFlag::File), _) => SecretBackend::File,
            (None, Some(old)) => old.secrets.clone(),
            (Some(SecretsFlag::Keyring), _) | (None, None) => SecretBackend::Keyring,
        };
        Start { args, config, state, name, old, flow, secrets, typed: Typed::default() }
    }

    /// Completes the settings, with questions in the order of the API console's page.
    pub(crate) fn complete(&mut self, system: &mut System) -> Result<LoginSettings, Error> {
        let accounts_url = match self.accounts(system)? {
            Some(accounts) => accounts,
            None => self.typed.accounts.insert(ask_data_center(system)?).clone(),
        };
        let client_id = match self.client_id(system) {
            Some(id) => id,
            None => {
                let redirect_uri = self.base(system).redirect_uri;
                guide::show(system, self.flow, accounts_url.data_center(), &redirect_uri);
                let id = ask_required(system, &tr!("Client ID"), "--client-id", answers::client_id)?;
                self.typed.client_id.insert(id).clone()
            }
        };
        let mut profile = self.profile(system, accounts_url, client_id);
        profile.check()?;
        let client = match self.client_secret(system, &profile)? {
            Some(client) => client,
            None => {
                let question = tr!("Client Secret");
                let secret = ask_secret(system, &question, "--client-secret-file", answers::client_secret)?;
                ClientSecret::given(self.typed.secret.insert(secret).clone())
            }
        };
        if profile.scopes.is_empty() && self.flow != FlowName::RefreshToken && system.terminal.stdin {
            self.typed.scopes = ask_scopes(system, self.flow)?;
            profile.scopes.clone_from(&self.typed.scopes);
        }
        if let Some(warning) = unknown_scopes(&profile.scopes) {
            system.warn(&warning);
        }
        let had_none = self.old.as_ref().is_some_and(|old| old.grant == profile.grant);
        if system.terminal.stdin && !had_none && profile.grant == (Grant::ClientCredentials { soid: None }) {
            let question =
                tr!("Organization (soid) such as ZohoCRM.600000434, or Enter if the product has none");
            let soid = ask(system, &question, "--soid", answers::soid)?;
            self.typed.soid = Some(soid.clone().unwrap_or_default());
            profile.grant = Grant::ClientCredentials { soid };
        }
        profile.check()?;
        Ok(LoginSettings { profile, client })
    }

    /// The flags of all settings that nothing provides.
    pub(crate) fn missing(&self, system: &System) -> Result<Vec<&'static str>, Error> {
        let (accounts, client_id) = (self.accounts(system)?, self.client_id(system));
        let (no_accounts, no_client) = (accounts.is_none(), client_id.is_none());
        let no_secret = self.args.client_secret_file.is_none()
            && environment::client_secret(&system.env)?.is_none()
            && accounts.zip(client_id).is_none_or(|(accounts_url, client_id)| {
                stored_client_secret(system, self.state, &self.profile(system, accounts_url, client_id))
                    .is_none()
            });
        let needs_scopes = !matches!(self.flow, FlowName::RefreshToken | FlowName::SelfClient);
        let settings = [
            (no_accounts, "--data-center"),
            (no_client, "--client-id"),
            (no_secret, "--client-secret-file"),
            (needs_scopes && self.scopes(system).is_empty(), "--scope"),
        ];
        Ok(settings.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, flag)| flag).collect())
    }

    /// The profile with every setting that needs no question.
    pub(crate) fn base(&self, system: &System) -> Profile {
        let mut profile = self.old.clone().unwrap_or_else(|| {
            let anywhere = AccountsUrl::of(&data_center::ALL[0]);
            Profile::new(self.name.clone(), self.config.profile_origin(), anywhere, "")
        });
        profile.grant = match self.flow {
            FlowName::ClientCredentials => Grant::ClientCredentials { soid: self.soid(system) },
            _ => Grant::RefreshToken,
        };
        profile.scopes = self.scopes(system);
        profile.secrets = self.secrets.clone();
        if let Some(uri) = &self.args.redirect_uri {
            profile.redirect_uri.clone_from(uri);
        }
        profile
    }

    fn profile(&self, system: &System, accounts_url: AccountsUrl, client_id: String) -> Profile {
        let data_center = accounts_url.data_center();
        Profile { accounts_url, data_center, client_id, ..self.base(system) }
    }

    pub(super) fn accounts(&self, system: &System) -> Result<Option<AccountsUrl>, Error> {
        if let Some(typed) = &self.typed.accounts {
            return Ok(Some(typed.clone()));
        }
        Ok(match (&self.args.accounts_url, self.args.data_center, &self.old) {
            (Some(url), _, _) => Some(AccountsUrl::new(url)?),
            (None, Some(dc), _) => Some(AccountsUrl::of(dc)),
            (None, None, Some(old)) => Some(old.accounts_url.clone()),
            (None, None, None) => environment::accounts(&system.env)?.map(|(accounts_url, _)| accounts_url),
        })
    }

    pub(super) fn client_id(&self, system: &System) -> Option<String> {
        let given = self.args.client_id.as_deref().or(self.typed.client_id.as_deref());
        let old = self.old.as_ref().map(|old| old.client_id.as_str());
        given.or(old).or(system.env.get("ZOHO_CLIENT_ID")).map(|id| id.trim().to_owned())
    }

    fn scopes(&self, system: &System) -> Vec<String> {
        let flags = self.args.scopes.iter().flat_map(|text| split_scopes(text)).collect();
        let old = self.old.as_ref().map(|old| old.scopes.clone()).unwrap_or_default();
        let environment = split_scopes(system.env.get("ZOHO_SCOPES").unwrap_or_default());
        let sources = [flags, self.typed.scopes.clone(), old, environment];
        with_presets(&sources.into_iter().find(|scopes| !scopes.is_empty()).unwrap_or_default())
    }

    fn soid(&self, system: &System) -> Option<String> {
        let before = match self.old.as_ref().map(|old| &old.grant) {
            Some(Grant::ClientCredentials { soid }) => soid.as_deref(),
            _ => system.env.get("ZOHO_SOID"),
        };
        let soid = self.args.soid.as_deref().or(self.typed.soid.as_deref()).or(before)?.trim();
        (!soid.is_empty()).then(|| soid.to_owned())
    }

    /// The client secret from its file, the environment, or an earlier login. The one in the environment is ignored if
    /// the environment names another client.
    fn client_secret(&self, system: &mut System, profile: &Profile) -> Result<Option<ClientSecret>, Error> {
        if let Some(secret) = &self.typed.secret {
            return Ok(Some(ClientSecret::given(secret.clone())));
        }
        if let Some(path) = &self.args.client_secret_file {
            return read_secret_file(system, path).map(ClientSecret::given).map(Some);
        }
        let is_ours = system.env.get("ZOHO_CLIENT_ID").is_none_or(|id| id.trim() == profile.client_id);
        if is_ours && let Some(secret) = environment::client_secret(&system.env)? {
            return Ok(Some(ClientSecret::given(secret)));
        }
        Ok(stored_client_secret(system, self.state, profile).map(ClientSecret::stored))
    }
}

/// Selects the flow if `--flow` is not given. A flag that only one flow uses decides first. Then the flow of the
/// profile's last login is used if its client type has no consent page. Then the browser, if there is one and the
/// redirect URI points to this machine; else paste.
fn flow(system: &System, args: &LoginArgs, old: Option<&Profile>, last: Option<&str>) -> FlowName {
    let same = |old: &&Profile| args.client_id.as_ref().is_none_or(|id| id.trim() == old.client_id);
    let again = old.filter(same).and_then(|old| match old.grant {
        Grant::ClientCredentials { .. } => Some(FlowName::ClientCredentials),
        Grant::RefreshToken => last.and_then(|last| FlowName::from_str(last, false).ok()),
    });
    let redirect_uri = args.redirect_uri.as_ref().or(old.map(|old| &old.redirect_uri));
    let leads_back = redirect_uri.is_none_or(|uri| uri.starts_with("http://"));
    match (args.flow, again) {
        (Some(flow), _) => flow,
        _ if args.refresh_token_file.is_some() => FlowName::RefreshToken,
        (None, Some(FlowName::SelfClient)) => FlowName::SelfClient,
        _ if args.code_file.is_some() => FlowName::Paste,
        _ if args.soid.is_some() => FlowName::ClientCredentials,
        (None, Some(flow @ (FlowName::Device | FlowName::ClientCredentials))) => flow,
        _ if browser::is_at_hand(&system.env) && leads_back => FlowName::Browser,
        _ => FlowName::Paste,
    }
}

/// The name of the profile to log in, if it follows from the arguments, the environment or the config.
pub(crate) fn name(
    system: &System,
    named: Option<&str>,
    config: &ConfigFile,
) -> Result<Option<ProfileName>, Error> {
    let implied = named.or_else(|| system.env.get("ZOHO_CRED_PROFILE"));
    let name = match (implied.or_else(|| config.default_profile()), config.names().as_slice()) {
        (Some(name), _) => name.to_owned(),
        (None, [only]) => only.clone(),
        (None, _) => return Ok(None),
    };
    if name == ENVIRONMENT {
        return Err(wrong(tr!("'env' is reserved for the environment; choose another name")));
    }
    ProfileName::new(&name).map(Some)
}

/// Asks for the name of the profile.
pub(crate) fn ask_name(system: &mut System) -> Result<ProfileName, Error> {
    ask_required(system, &tr!("Profile name, such as crm"), "PROFILE", |text| match text {
        ENVIRONMENT => Err(tr!("'env' is reserved for the environment; choose another name")),
        text => ProfileName::new(text).map_err(|error| error.in_one_line()),
    })
}

fn ask_data_center(system: &mut System) -> Result<AccountsUrl, Error> {
    system.say(&tr!("zoho-cred: your data center is the ending of your Zoho URLs: crm.zoho.jp is jp"));
    let question = tr!("Data center ({codes})", codes = DataCenter::list());
    ask_required(system, &question, "--data-center", DataCenter::named).map(AccountsUrl::of)
}

fn ask_scopes(system: &mut System, flow: FlowName) -> Result<Vec<String>, Error> {
    let presets = scopes::COMMON.join(&tr!(", "));
    system.say(&tr!(
        "zoho-cred: scopes look like ZohoCRM.modules.ALL; names such as these stand for several: {presets}",
        presets
    ));
    // A Self Client's code has the scopes that were entered in the API console.
    if flow == FlowName::SelfClient {
        return ask(
            system,
            &tr!("Scopes, or Enter to choose them in the API console"),
            "--scope",
            answers::scopes,
        );
    }
    ask_required(system, &tr!("Scopes"), "--scope", answers::scopes)
}
