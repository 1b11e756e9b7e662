//! The settings of a login. Sources in order: flags, the existing profile, the environment, a question.

use crate::cli::{FlowName, LoginArgs, SecretsFlag};
use crate::config::{ConfigFile, environment};
use crate::error::{Error, WrongAnswer};
use crate::i18n::tr;
use crate::login::answers::{self, unknown_scopes, with_presets};
use crate::login::{
    ask, ask_required, ask_secret, ask_secret_or_none, guide, read_secret_file, reject, wrong,
};
use crate::model::{
    AccountsUrl, Budget, DEFAULT_REDIRECT_URI, ENVIRONMENT, Grant, Profile, ProfileName, Scheme,
    SecretBackend, split_scopes,
};
use crate::secret::Secret;
use crate::system::{System, browser};
use crate::zoho::{DataCenter, scopes};
use clap::ValueEnum;

/// What a login starts from.
pub(crate) struct Start<'a> {
    pub(crate) args: &'a LoginArgs,
    pub(crate) config: &'a ConfigFile,
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
    accounts: Option<Accounts>,
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

/// An accounts server, and the data center if it is one of Zoho's.
type Accounts = (AccountsUrl, Option<&'static DataCenter>);

/// All settings of a login.
pub(crate) struct LoginSettings {
    pub(crate) profile: Profile,
    pub(crate) client: ClientSecret,
}

impl Start<'_> {
    /// Completes the settings, with questions in the order of the API console's page. `stored` finds the client
    /// secret of an earlier login.
    pub(crate) fn complete(
        &mut self,
        system: &mut System,
        stored: impl Fn(&System, &Profile) -> Option<Secret>,
    ) -> Result<LoginSettings, Error> {
        let (accounts_url, data_center) = match self.accounts(system)? {
            Some(accounts) => accounts,
            None => self.typed.accounts.insert(ask_data_center(system)?).clone(),
        };
        let client_id = match self.client_id(system) {
            Some(id) => id,
            None => {
                guide::show(system, self.flow, data_center, &self.redirect_uri());
                let id = ask_required(system, &tr!("Client ID"), "--client-id", answers::client_id)?;
                self.typed.client_id.insert(id).clone()
            }
        };
        let mut profile = Profile { accounts_url, data_center, client_id, ..self.base(system) };
        profile.check()?;
        let client = match self.client_secret(system, &profile, stored)? {
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

    /// The flags of all settings that nothing provides. `stored` tells whether an earlier login has the secret.
    pub(crate) fn missing(
        &self,
        system: &System,
        stored: impl Fn(&System, &Profile) -> Option<Secret>,
    ) -> Result<Vec<&'static str>, Error> {
        let mut missing = Vec::new();
        let (accounts, client_id) = (self.accounts(system)?, self.client_id(system));
        let profile =
            accounts.clone().zip(client_id.clone()).map(|((accounts_url, data_center), client_id)| Profile {
                accounts_url,
                data_center,
                client_id,
                ..self.base(system)
            });
        if accounts.is_none() {
            missing.push("--data-center");
        }
        if client_id.is_none() {
            missing.push("--client-id");
        }
        let nowhere =
            self.args.client_secret_file.is_none() && environment::client_secret(&system.env)?.is_none();
        if nowhere && profile.is_none_or(|profile| stored(system, &profile).is_none()) {
            missing.push("--client-secret-file");
        }
        let needs_scopes = !matches!(self.flow, FlowName::RefreshToken | FlowName::SelfClient);
        if needs_scopes && self.scopes(system).is_empty() {
            missing.push("--scope");
        }
        Ok(missing)
    }

    /// The profile with every setting that needs no question.
    pub(crate) fn base(&self, system: &System) -> Profile {
        let blank = || Profile {
            name: self.name.clone(),
            origin: self.config.profile_origin(),
            accounts_url: AccountsUrl::of(&crate::zoho::data_center::ALL[0]),
            data_center: None,
            client_id: String::new(),
            grant: Grant::RefreshToken,
            scopes: Vec::new(),
            redirect_uri: DEFAULT_REDIRECT_URI.to_owned(),
            scheme: Scheme::default(),
            secrets: SecretBackend::Keyring,
            org_id: None,
            hosts: None,
            budget: Budget::default(),
        };
        let grant = match self.flow {
            FlowName::ClientCredentials => Grant::ClientCredentials { soid: self.soid(system) },
            _ => Grant::RefreshToken,
        };
        let (scopes, redirect_uri) = (self.scopes(system), self.redirect_uri());
        let secrets = self.secrets.clone();
        Profile { grant, scopes, redirect_uri, secrets, ..self.old.clone().unwrap_or_else(blank) }
    }

    pub(super) fn accounts(&self, system: &System) -> Result<Option<Accounts>, Error> {
        if self.typed.accounts.is_some() {
            return Ok(self.typed.accounts.clone());
        }
        Ok(match (&self.args.accounts_url, self.args.data_center, &self.old) {
            (Some(url), _, _) => {
                let url = AccountsUrl::new(url)?;
                let data_center = url.data_center();
                Some((url, data_center))
            }
            (None, Some(dc), _) => Some((AccountsUrl::of(dc), Some(dc))),
            (None, None, Some(old)) => Some((old.accounts_url.clone(), old.data_center)),
            (None, None, None) => environment::accounts(&system.env)?,
        })
    }

    pub(super) fn client_id(&self, system: &System) -> Option<String> {
        let given = self.args.client_id.as_deref().or(self.typed.client_id.as_deref());
        let old = self.old.as_ref().map(|old| old.client_id.as_str());
        given.or(old).or(system.env.get("ZOHO_CLIENT_ID")).map(|id| id.trim().to_owned())
    }

    fn scopes(&self, system: &System) -> Vec<String> {
        let flags: Vec<_> = self.args.scopes.iter().flat_map(|text| split_scopes(text)).collect();
        let old = || self.old.as_ref().map(|old| old.scopes.clone()).filter(|scopes| !scopes.is_empty());
        let environment = || split_scopes(system.env.get("ZOHO_SCOPES").unwrap_or_default());
        let given = if flags.is_empty() { self.typed.scopes.clone() } else { flags };
        let scopes = if given.is_empty() { old().unwrap_or_else(environment) } else { given };
        with_presets(&scopes)
    }

    fn soid(&self, system: &System) -> Option<String> {
        let before = || match self.old.as_ref().map(|old| &old.grant) {
            Some(Grant::ClientCredentials { soid }) => soid.clone(),
            _ => system.env.get("ZOHO_SOID").map(str::to_owned),
        };
        self.args
            .soid
            .clone()
            .or_else(|| self.typed.soid.clone())
            .or_else(before)
            .map(|soid| soid.trim().to_owned())
            .filter(|soid| !soid.is_empty())
    }

    fn redirect_uri(&self) -> String {
        redirect_uri(self.args, self.old.as_ref())
    }

    /// The client secret from its file, the environment, or an earlier login. The one in the environment is ignored if
    /// the environment names another client.
    fn client_secret(
        &self,
        system: &mut System,
        profile: &Profile,
        stored: impl Fn(&System, &Profile) -> Option<Secret>,
    ) -> Result<Option<ClientSecret>, Error> {
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
        Ok(stored(system, profile).map(|secret| ClientSecret { secret, is_stored: true }))
    }
}

/// The redirect URI of a login, exactly as registered.
pub(crate) fn redirect_uri(args: &LoginArgs, old: Option<&Profile>) -> String {
    let old = old.map(|old| old.redirect_uri.as_str());
    args.redirect_uri.as_deref().or(old).unwrap_or(DEFAULT_REDIRECT_URI).to_owned()
}

/// Where to store the secrets.
pub(crate) fn secrets(args: &LoginArgs, old: Option<&Profile>) -> SecretBackend {
    match (args.secrets, old) {
        (Some(SecretsFlag::File), _) => SecretBackend::File,
        (Some(SecretsFlag::Keyring), _) => SecretBackend::Keyring,
        (None, Some(old)) => old.secrets.clone(),
        (None, None) => SecretBackend::Keyring,
    }
}

/// Selects the flow if `--flow` is not given. A flag that only one flow uses decides first. Then the flow of the
/// profile's last login is used if its client type has no consent page. Then the browser, if there is one and the
/// redirect URI points to this machine; else paste.
pub(crate) fn flow(system: &System, args: &LoginArgs, old: Option<&Profile>, last: Option<&str>) -> FlowName {
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
    args: &LoginArgs,
    config: &ConfigFile,
) -> Result<Option<ProfileName>, Error> {
    let implied = args.profile.as_deref().or_else(|| system.env.get("ZOHO_CRED_PROFILE"));
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

fn ask_data_center(system: &mut System) -> Result<Accounts, Error> {
    system.say(&tr!("zoho-cred: your data center is the ending of your Zoho URLs: crm.zoho.jp is jp"));
    let question = tr!("Data center ({codes})", codes = DataCenter::list());
    let dc = ask_required(system, &question, "--data-center", DataCenter::named)?;
    Ok((AccountsUrl::of(dc), Some(dc)))
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

pub(crate) struct ClientSecret {
    pub(crate) secret: Secret,
    /// Whether it was stored by an earlier login, for one accounts server.
    is_stored: bool,
}

impl ClientSecret {
    pub(crate) fn given(secret: Secret) -> Self {
        ClientSecret { secret, is_stored: false }
    }
}

/// Another secret after Zoho rejected one, with the error as the reason. On a terminal, an empty answer gives up and
/// returns the error.
pub(crate) fn another_secret(
    system: &System,
    error: Error,
    question: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Secret, Error> {
    if !system.terminal.stdin {
        return Err(error);
    }
    reject(system, &error.in_one_line());
    ask_secret_or_none(system, question, check)?.ok_or(error)
}

/// Another client secret; see [`another_secret`].
pub(crate) fn another_client_secret(system: &System, error: Error) -> Result<Secret, Error> {
    another_secret(
        system,
        error,
        &tr!("Client Secret again, or Enter if it is right"),
        answers::client_secret,
    )
}

/// The new client secret after a rotation, from its file or a person.
pub(crate) fn new_client_secret(system: &mut System, args: &LoginArgs) -> Result<Secret, Error> {
    let flag = "--client-secret-file";
    match &args.client_secret_file {
        Some(path) => read_secret_file(system, path),
        None if system.terminal.stdin => {
            ask_secret(system, &tr!("New Client Secret"), flag, answers::client_secret)
        }
        None => Err(wrong(tr!("there is no terminal to ask for what is missing: {flags}", flags = flag))),
    }
}

/// The client secret for the data center that the user's account is in. By default each data center has a secret of
/// its own, so this prompts for it. Without a terminal, a stored secret is never sent to another server.
pub(crate) fn secret_of(
    system: &System,
    profile: &Profile,
    landed: &AccountsUrl,
    client: ClientSecret,
) -> Result<Secret, Error> {
    if *landed == profile.accounts_url {
        return Ok(client.secret);
    }
    let code = landed.data_center().map_or(landed.as_str(), |dc| dc.code);
    if !system.terminal.stdin {
        return if client.is_stored {
            Err(wrong(tr!(
                "the account is in '{code}', but the stored client secret is for {place}: use --client-secret-file",
                code,
                place = profile.place(),
            )))
        } else {
            Ok(client.secret)
        };
    }
    let question = tr!("Client Secret for '{code}', or Enter to use the same", code);
    Ok(ask_secret_or_none(system, &question, answers::client_secret)?.unwrap_or(client.secret))
}
