//! The settings of a login. Sources in order: flags, the existing profile, the environment, a prompt.

use crate::cli::{FlowName, LoginArgs, SecretsFlag};
use crate::config::{ConfigFile, environment};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::{ask, ask_or_none, ask_secret, ask_secret_or_none, read_secret_file, wrong};
use crate::model::{
    AccountsUrl, Budget, DEFAULT_REDIRECT_URI, ENVIRONMENT, Grant, Origin, Profile, ProfileName, Scheme,
    SecretBackend, split_scopes,
};
use crate::nearest::did_you_mean;
use crate::secret::Secret;
use crate::system::{System, browser};
use crate::zoho::DataCenter;
use clap::ValueEnum;

/// The profile that a login creates or updates, with every setting that is known before Zoho answers.
pub fn profile(
    system: &mut System,
    args: &LoginArgs,
    flow: FlowName,
    config: &ConfigFile,
    name: ProfileName,
) -> Result<Profile, Error> {
    let old = config.profile(&name).and_then(Result::ok);
    let (accounts_url, data_center) = accounts(system, args, old.as_ref())?;
    let client_id = match (&args.client_id, &old, system.env.get("ZOHO_CLIENT_ID")) {
        (Some(id), _, _) => id.trim().to_owned(),
        (None, Some(old), _) => old.client_id.clone(),
        (None, None, Some(id)) => id.trim().to_owned(),
        (None, None, None) => {
            guide(system, flow, data_center, args);
            ask(system, &tr!("Client ID"), "--client-id")?
        }
    };
    let mut scopes: Vec<String> = args.scopes.iter().flat_map(|s| split_scopes(s)).collect();
    if scopes.is_empty() {
        scopes = old.as_ref().map(|old| old.scopes.clone()).unwrap_or_default();
    }
    if scopes.is_empty() {
        scopes = split_scopes(system.env.get("ZOHO_SCOPES").unwrap_or_default());
    }
    if scopes.is_empty() && !matches!(flow, FlowName::RefreshToken | FlowName::SelfClient) {
        scopes = split_scopes(&ask(system, &tr!("Scopes, such as ZohoCRM.modules.ALL"), "--scope")?);
    }
    let grant = match flow {
        FlowName::ClientCredentials => Grant::ClientCredentials { soid: soid(system, args, old.as_ref()) },
        _ => Grant::RefreshToken,
    };
    let secrets = secrets(args, old.as_ref());
    let redirect_uri = args.redirect_uri.clone().or_else(|| old.as_ref().map(|old| old.redirect_uri.clone()));
    let redirect_uri = redirect_uri.unwrap_or_else(|| DEFAULT_REDIRECT_URI.to_owned());
    let base = old.unwrap_or_else(|| Profile {
        name,
        origin: Origin::File(config.path().to_owned()),
        accounts_url: accounts_url.clone(),
        data_center,
        client_id: String::new(),
        grant: Grant::RefreshToken,
        scopes: Vec::new(),
        redirect_uri: DEFAULT_REDIRECT_URI.to_owned(),
        scheme: Scheme::default(),
        secrets: SecretBackend::Keyring,
        hosts: None,
        budget: Budget::default(),
    });
    let profile =
        Profile { accounts_url, data_center, client_id, grant, scopes, redirect_uri, secrets, ..base };
    profile.check()?;
    Ok(profile)
}

/// Where to store the secrets.
pub fn secrets(args: &LoginArgs, old: Option<&Profile>) -> SecretBackend {
    match (args.secrets, old) {
        (Some(SecretsFlag::File), _) => SecretBackend::File,
        (Some(SecretsFlag::Keyring), _) => SecretBackend::Keyring,
        (None, Some(old)) => old.secrets.clone(),
        (None, None) => SecretBackend::Keyring,
    }
}

/// The organization, which a person is asked for. Products without organizations need none.
fn soid(system: &mut System, args: &LoginArgs, old: Option<&Profile>) -> Option<String> {
    let given = match old.map(|old| &old.grant) {
        _ if args.soid.is_some() => args.soid.clone(),
        Some(Grant::ClientCredentials { soid }) => return soid.clone(),
        _ => system.env.get("ZOHO_SOID").map(str::to_owned),
    };
    let given = given.or_else(|| {
        let question = tr!("Organization (soid) such as ZohoCRM.600000434, or Enter if the product has none");
        ask_or_none(system, &question)
    });
    given.map(|soid| soid.trim().to_owned()).filter(|soid| !soid.is_empty())
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

/// Explains how to create a client in the API console, in the console's own terms.
fn guide(system: &System, flow: FlowName, dc: Option<&DataCenter>, args: &LoginArgs) {
    if !system.terminal.stdin {
        return;
    }
    let (kind, redirects) = match flow {
        FlowName::Browser | FlowName::Paste | FlowName::RefreshToken => ("Server-based Applications", true),
        FlowName::Device => ("Non-browser Applications", false),
        FlowName::SelfClient | FlowName::ClientCredentials => ("Self Client", false),
    };
    let console = dc.map_or(tr!("the API console"), |dc| format!("https://{}", dc.console_host));
    system.say(&tr!("zoho-cred: open {console} and choose '{kind}', then enter:", console, kind));
    if kind != "Self Client" {
        let name = tr!("any name in English letters, such as MyZohoApp");
        system.say(&format!("  Client Name                {name}"));
        system.say("  Homepage URL               http://localhost");
    }
    if redirects {
        let uri = args.redirect_uri.as_deref().unwrap_or(DEFAULT_REDIRECT_URI);
        system.say(&format!("  Authorized Redirect URIs   {uri}"));
    }
    system.say(&tr!("zoho-cred: it then shows a Client ID and a Client Secret"));
}

/// The name of the profile to log in; prompts if nothing determines it.
pub(crate) fn name(system: &mut System, args: &LoginArgs, config: &ConfigFile) -> Result<ProfileName, Error> {
    let implied = args
        .profile
        .as_deref()
        .or_else(|| system.env.get("ZOHO_CRED_PROFILE"))
        .or_else(|| config.default_profile())
        .map(str::to_owned);
    let name = match (implied, config.names().as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => only.clone(),
        (None, _) => ask(system, &tr!("Profile name"), "PROFILE")?,
    };
    if name == ENVIRONMENT {
        return Err(wrong(tr!("'env' is reserved for the environment; choose another name")));
    }
    ProfileName::new(&name)
}

fn accounts(
    system: &mut System,
    args: &LoginArgs,
    old: Option<&Profile>,
) -> Result<(AccountsUrl, Option<&'static DataCenter>), Error> {
    if let Some(url) = &args.accounts_url {
        let url = AccountsUrl::new(url)?;
        let data_center = url.data_center();
        return Ok((url, data_center));
    }
    if let Some(code) = &args.data_center {
        return by_code(code);
    }
    if let Some(old) = old {
        return Ok((old.accounts_url.clone(), old.data_center));
    }
    if let Some(found) = environment::accounts(&system.env)? {
        return Ok(found);
    }
    if system.terminal.stdin {
        system.say(&tr!("zoho-cred: your data center is the ending of your Zoho URLs: crm.zoho.jp is jp"));
    }
    by_code(&ask(system, &tr!("Data center (us, eu, in, au, jp, ca, sa, uk, cn, ae, sg)"), "--data-center")?)
}

fn by_code(code: &str) -> Result<(AccountsUrl, Option<&'static DataCenter>), Error> {
    let dc = DataCenter::by_code(code.trim()).ok_or_else(|| match DataCenter::nearest(code) {
        Some(near) => Error::new(Code::Usage, tr!("'{code}' is not a data center", code), did_you_mean(near)),
        None => Error::usage(
            tr!("'{code}' is not a data center: us, eu, in, au, jp, ca, sa, uk, cn, ae or sg", code),
            "zoho-cred login",
        ),
    })?;
    Ok((AccountsUrl::of(dc), Some(dc)))
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

/// Reads the client secret from its file, the environment, the secrets of an earlier login, or a prompt. The one in
/// the environment is ignored if the environment names another client.
pub(crate) fn client_secret(
    system: &mut System,
    args: &LoginArgs,
    profile: &Profile,
    stored: impl FnOnce(&System) -> Option<Secret>,
) -> Result<ClientSecret, Error> {
    if let Some(path) = &args.client_secret_file {
        return read_secret_file(system, path).map(ClientSecret::given);
    }
    let is_ours = system.env.get("ZOHO_CLIENT_ID").is_none_or(|id| id.trim() == profile.client_id);
    if is_ours && let Some(secret) = environment::client_secret(&system.env)? {
        return Ok(ClientSecret::given(secret));
    }
    match stored(system) {
        Some(secret) => Ok(ClientSecret { secret, is_stored: true }),
        None => ask_secret(system, &tr!("Client Secret"), "--client-secret-file").map(ClientSecret::given),
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
    let other =
        ask_secret_or_none(system, &tr!("Client Secret for '{code}', or Enter to use the same", code))?;
    Ok(other.unwrap_or(client.secret))
}
