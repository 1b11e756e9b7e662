//! `import`: imports refresh tokens from other tools. A dry run unless `--write` is given.

use crate::cli::{FlowName, Global, ImportArgs, ImportFrom, SdkArgs, SecretsFlag};
use crate::commands::report::{Report, Style, plain, styled};
use crate::commands::session::read_config;
use crate::config::{ConfigFile, environment, state_dir};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::exported::{self, ExportError};
use crate::login::{save_login, sdk_csv};
use crate::model::{AccountsUrl, CredentialId, Grant, Profile, ProfileName, SecretBackend, Secrets};
use crate::sanitize::sanitize;
use crate::secrets::{KeyringSecrets, KeyringTimeout, LoginRecord, environment_secrets};
use crate::store::StateDir;
use crate::system::{Env, System, files};
use std::io::Read;

/// The profile's name if none is given.
const DEFAULT_NAME: &str = "zoho";
/// The most that `export` prints, in bytes.
const LONGEST_EXPORT: u64 = 64 * 1024;

/// A profile to create.
struct Candidate {
    profile: Profile,
    secrets: Secrets,
}

/// Lists or creates the profiles. Sends no request: the first `get` tests the token.
pub(crate) fn run(system: &mut System, global: &Global, args: &ImportArgs) -> Result<u8, Error> {
    let config = read_config(system, global, false)?;
    let state = StateDir::new(state_dir(&system.env)?);
    state.check()?;
    let mut notes = Vec::new();
    let candidates = match &args.from {
        ImportFrom::Env { profile } => {
            vec![from_variables(&system.env, &config, global.profile_or(profile.as_deref())?)?]
        }
        ImportFrom::Stdin { profile } => {
            let env = read_export(system)?;
            let candidate = from_variables(&env, &config, global.profile_or(profile.as_deref())?);
            vec![candidate.map_err(|error| match error.code() {
                Code::Config => Error::new(error.code(), error.message(), how_to_import()),
                _ => error,
            })?]
        }
        ImportFrom::Sdk(sdk) => from_sdk(sdk, &config, &mut notes)?,
    };
    let candidates = without_known(candidates, &state, args.secrets, &mut notes)?;
    notes.iter().for_each(|note| system.warn(note));
    let message = match (candidates.len(), args.write) {
        (0, _) => tr!("there is nothing to import"),
        (_, false) => tr!("nothing was written; add --write to create the profiles"),
        (count, true) => {
            write(system, global, &state, &candidates)?;
            if matches!(args.from, ImportFrom::Stdin { .. }) {
                tr!("{count} imported", count)
            } else {
                tr!(
                    "{count} imported; the secrets are still in the old place too, so delete them there",
                    count
                )
            }
        }
    };
    system.print(listing(&candidates, system).as_bytes())?;
    system.inform(&format!("zoho-cred: {message}"));
    Ok(0)
}

fn write(system: &System, global: &Global, state: &StateDir, candidates: &[Candidate]) -> Result<(), Error> {
    if candidates.iter().any(|candidate| candidate.profile.secrets == SecretBackend::Keyring) {
        KeyringSecrets::new(KeyringTimeout::of(system)).answers()?;
    }
    for Candidate { profile, secrets } in candidates {
        // Reload it, because the previous iteration changed it.
        let config = read_config(system, global, false)?;
        save_login(system, state, &config, profile, secrets, FlowName::RefreshToken)?;
    }
    Ok(())
}

/// A table with headings on a terminal, else one line of tabs for each profile. A client ID is not secret.
fn listing(candidates: &[Candidate], system: &System) -> String {
    let rows: Vec<[String; 5]> = candidates.iter().map(columns).collect();
    if !system.terminal.stdout || rows.is_empty() {
        return rows.iter().map(|row| row.join("\t") + "\n").collect();
    }
    let names = [tr!("profile"), tr!("data center"), tr!("client"), tr!("credential"), tr!("secrets")];
    let heading = names.map(|name| styled(Style::Strong, name)).to_vec();
    let rows = rows.into_iter().map(|row| row.map(plain).to_vec());
    Report::of(system).table([heading].into_iter().chain(rows))
}

fn columns(candidate: &Candidate) -> [String; 5] {
    let Profile { name, accounts_url, client_id, grant, secrets, .. } = &candidate.profile;
    let what = match grant {
        Grant::RefreshToken => tr!("refresh token"),
        Grant::ClientCredentials { .. } => tr!("client credentials"),
    };
    let client_id = sanitize(client_id).into_owned();
    [name.to_string(), accounts_url.to_string(), client_id, what, secrets.word().to_owned()]
}

/// Reads what `export` printed from stdin.
fn read_export(system: &mut System) -> Result<Env, Error> {
    let mut text = String::new();
    let read = (&mut system.stdin).take(LONGEST_EXPORT).read_to_string(&mut text);
    let env = read.map_err(|_| ExportError::Foreign).and_then(|_| exported::parse(&text));
    env.map_err(|error| {
        let (problem, hint) = match error {
            ExportError::Foreign => {
                (tr!("standard input is not the output of 'zoho-cred export'"), how_to_import())
            }
            ExportError::Newer => (
                tr!("a newer zoho-cred exported this credential"),
                tr!("update zoho-cred on this machine, or export with -o dotenv"),
            ),
        };
        Error::new(Code::BadInput, problem, hint)
    })
}

fn how_to_import() -> String {
    tr!("pipe the output of 'zoho-cred export' into this command")
}

fn from_variables(env: &Env, config: &ConfigFile, name: Option<&str>) -> Result<Candidate, Error> {
    let name = new_name(config, name.unwrap_or(DEFAULT_NAME))?;
    let environment = environment::profile(env)?;
    let secrets = environment_secrets(env, &environment)?;
    let origin = config.profile_origin();
    Ok(Candidate { profile: Profile { name, origin, ..environment }, secrets })
}

fn new_name(config: &ConfigFile, name: &str) -> Result<ProfileName, Error> {
    let name = ProfileName::new(name)?;
    if name == ProfileName::environment() || config.profile(&name).is_some() {
        Err(Error::usage(
            tr!("profile '{name}' already exists; choose another name", name),
            "zoho-cred import",
        ))
    } else {
        Ok(name)
    }
}

fn from_sdk(args: &SdkArgs, config: &ConfigFile, notes: &mut Vec<String>) -> Result<Vec<Candidate>, Error> {
    let shown = args.file.display();
    let file = sdk_csv::parse(&files::read_text(&args.file, files::LARGE)?).map_err(|problem| {
        Error::new(
            Code::Config,
            format!("{shown}: {problem}"),
            tr!("use the file that the FileStore of a Zoho SDK writes"),
        )
    })?;
    notes.extend(
        file.left_out
            .iter()
            .map(|(line, lacking)| tr!("{shown}, line {line} lacks {lacking}", shown, line, lacking)),
    );
    let given = match (&args.accounts_url, args.data_center) {
        (Some(url), _) => Some(AccountsUrl::new(url)?),
        (None, dc) => dc.map(AccountsUrl::of),
    };
    let wanted: Vec<&str> = file.users.iter().map(|user| user.user_name.as_str()).collect();
    let names = sdk_csv::names(&wanted, &config.names());
    let profiles = file.users.into_iter().zip(names).map(|(user, name)| {
        let accounts_url =
            given.clone().or_else(|| user.data_center.map(AccountsUrl::of)).ok_or_else(|| {
                let problem = tr!(
                    "{path}, line {line} has no known data center: use --data-center or --accounts-url",
                    path = shown,
                    line = user.line,
                );
                Error::usage(problem, "zoho-cred import sdk")
            })?;
        let mut profile = Profile::new(name, config.profile_origin(), accounts_url, user.client_id);
        if let Some(uri) = user.redirect_uri {
            profile.redirect_uri = uri;
        }
        let (client_secret, refresh_token) = (user.client_secret, Some(user.refresh_token));
        Ok(Candidate { profile, secrets: Secrets { client_secret, refresh_token } })
    });
    profiles.collect()
}

/// Drops credentials that a profile already has, so that importing twice creates no duplicates.
fn without_known(
    candidates: Vec<Candidate>,
    state: &StateDir,
    place: Option<SecretsFlag>,
    notes: &mut Vec<String>,
) -> Result<Vec<Candidate>, Error> {
    let place = match place {
        Some(SecretsFlag::File) => SecretBackend::File,
        Some(SecretsFlag::Keyring) | None => SecretBackend::Keyring,
    };
    let records = LoginRecord::all(state)?;
    let mut known: Vec<_> = records.into_iter().map(|(_, r)| (r.credential, r.profile)).collect();
    let mut new = Vec::new();
    for Candidate { profile, secrets } in candidates {
        let id = CredentialId::of(&profile, &secrets).ledger().to_owned();
        let is_token = profile.grant == Grant::RefreshToken;
        match known.iter().find(|(known, _)| is_token && *known == id) {
            Some((_, owner)) => {
                notes.push(tr!(
                    "skipped '{profile}': '{owner}' already has this refresh token",
                    profile = profile.name,
                    owner,
                ));
            }
            None => {
                known.push((id, profile.name.to_string()));
                new.push(Candidate { profile: Profile { secrets: place.clone(), ..profile }, secrets });
            }
        }
    }
    Ok(new)
}
