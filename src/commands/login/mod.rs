//! `login`: logs in, tests the credential and stores it.

mod checks;
mod client_secret;
mod context;

use crate::cli::{FlowName, Global, LoginArgs};
use crate::commands::Session;
use crate::commands::login::checks::{
    begin, check_backend, check_missing, check_stdin_flags, choose_backend, is_bare,
};
use crate::commands::login::client_secret::client_secret_only;
use crate::commands::login::context::{LoginContext, verify};
use crate::commands::session::read_config;
use crate::config::{Resolved, state_dir};
use crate::error::Error;
use crate::i18n::tr;
use crate::login::client_secret::ClientSecret;
use crate::login::flows::{device, refresh_token};
use crate::login::settings::{LoginSettings, Start};
use crate::login::{account, check_writable, confirm, reject, repeat, settings, token_count};
use crate::model::{CredentialId, ProfileName, SecretBackend, Secrets};
use crate::secrets::{ProfileState, is_session_only};
use crate::store::StateDir;
use crate::system::System;

/// Logs a profile in. Stores nothing unless Zoho granted access or `--no-verify` is given.
pub(crate) fn run(system: &mut System, global: &Global, args: &LoginArgs) -> Result<u8, Error> {
    if args.client_secret_only {
        return client_secret_only(system, global, args);
    }
    check_stdin_flags(args)?;
    let config = read_config(system, global, false)?;
    let state = StateDir::new(state_dir(&system.env)?);
    state.check()?;
    let known = settings::name(system, global.profile_or(args.profile.as_deref())?, &config)?;
    let name = known.clone().unwrap_or_else(ProfileName::environment);
    let mut start = begin(system, args, &config, &state, name)?;
    if let Some(profile) = start.old.as_ref().filter(|_| is_bare(args))
        && let SecretBackend::Command(command) = &profile.secrets
    {
        let resolved = Resolved { profile: profile.clone(), config: config.clone() };
        let session = Session::of(system, global, resolved)?;
        return bind_command(system, args, &session, command);
    }
    if !system.terminal.stdin {
        check_missing(system, &start, known.is_none())?;
    } else if known.is_none() {
        let name = settings::ask_name(system)?;
        start = begin(system, args, &config, &state, name)?;
        start.typed.other = true;
    }
    let mut done = ask_and_grant(system, global, &mut start);
    while let Err(error) = &done
        && error.wrong_answer().is_some_and(|wrong| start.typed.forget(wrong))
    {
        reject(system, &error.in_one_line());
        done = ask_and_grant(system, global, &mut start);
    }
    if done.is_err() && start.typed.is_any() {
        system.say(&tr!("zoho-cred: you are not logged in yet; this command goes on with your answers:"));
        system.say_as_it_is(&format!("\n  {}\n", repeat::command(system, global, &start)));
    }
    done
}

/// Completes the settings and logs in with them.
fn ask_and_grant(system: &mut System, global: &Global, start: &mut Start<'_>) -> Result<u8, Error> {
    if system.terminal.stdin {
        choose_backend(system, start)?;
    } else {
        check_backend(system, &start.secrets)?;
    }
    let base = start.base(system);
    check_writable::takes_secrets(system, start.state, start.config, &base)?;
    let LoginSettings { profile, client } = start.complete(system)?;
    let session = Session::of(system, global, Resolved { profile, config: start.config.clone() })?;
    grant_and_store(system, start, &session, client)
}

/// Gets the tokens for complete settings and stores them.
fn grant_and_store(
    system: &mut System,
    start: &mut Start<'_>,
    session: &Session,
    client: ClientSecret,
) -> Result<u8, Error> {
    let Session { profile, state, .. } = session;
    let (args, flow) = (start.args, start.flow);
    let http = (system.http)(&session.roots);
    http.ready(profile.accounts_url.as_str())?;
    let warning = token_count::warning_before(state, &profile.accounts_url, &profile.client_id)
        .filter(|_| token_count::makes_one(flow));
    if let Some(warning) = &warning {
        system.warn(warning);
    }
    let warned = warning.is_some();
    let shared = session.shared(system)?;
    let context = LoginContext { session, http: &*http, shared, args, flow, warned };
    let token = match flow {
        FlowName::RefreshToken => {
            let refresh_token = Some(refresh_token::refresh_token(system, args)?);
            let secrets = Secrets { client_secret: client.secret, refresh_token };
            context.store_existing(system, start, secrets)?
        }
        FlowName::ClientCredentials => {
            let secrets = Secrets { client_secret: client.secret, refresh_token: None };
            context.store_existing(system, start, secrets)?;
            // These tokens belong to no user account.
            None
        }
        FlowName::Device => {
            let (grant, client_secret) = device::run(system, &*http, profile, client)?;
            Some(context.store_grant(system, client_secret, grant)?)
        }
        FlowName::Browser | FlowName::Paste | FlowName::SelfClient => {
            let (grant, client_secret) = context.authorize(system, client)?;
            Some(context.store_grant(system, client_secret, grant)?)
        }
    };
    if system.terminal.quiet {
        return Ok(0);
    }
    match token {
        Some(token) => {
            if let Some(account) = account::show(system, &*http, &token) {
                context.note_account(system, &token, &account);
            }
        }
        None => system.say(&tr!("zoho-cred: logged in")),
    }
    print_next_steps(system, session);
    Ok(0)
}

/// Logs in a profile whose secrets a command prints: binds them to the settings in the config.
fn bind_command(
    system: &mut System,
    args: &LoginArgs,
    session: &Session,
    command: &[String],
) -> Result<u8, Error> {
    let Session { profile, state, .. } = session;
    let changed = session.source(system).refuse_changed();
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
    let secrets = session.source(system).printed(command)?;
    if !args.no_verify {
        verify(system, session, &secrets)?;
    }
    let id = CredentialId::of(profile, &secrets);
    ProfileState::new(profile, &id, profile.scopes.clone()).save(state, profile)?;
    system.inform(&tr!("zoho-cred: logged in"));
    print_next_steps(system, session);
    Ok(0)
}

fn print_next_steps(system: &System, session: &Session) {
    let profile = &session.profile;
    match &profile.secrets {
        SecretBackend::Keyring => {
            system.inform(&tr!("zoho-cred: the secrets are in the system keyring"));
            if is_session_only(&system.env) {
                let name = &profile.name;
                system.warn(&tr!(
                    "cron and systemd cannot reach the keyring of this session; for such jobs, run 'zoho-cred login {name} --secrets file'",
                    name
                ));
            }
        }
        SecretBackend::File => {
            let folder = session.state.subdir_path("secrets");
            system.inform(&tr!(
                "zoho-cred: the secrets are in files of mode 0600 in {folder}",
                folder = folder.display()
            ));
        }
        SecretBackend::Command(_) | SecretBackend::Environment => {
            system.inform(&tr!("zoho-cred: the secrets come from the profile's secret_command"));
        }
    }
    // Without the flag, the command would read another config.
    let config = session.config.flag().map(|path| format!(" --config {}", path.display()));
    let profile = format!("{}{}", profile.name, config.unwrap_or_default());
    system.inform(&tr!("zoho-cred: next: 'zoho-cred get {profile}' prints an access token", profile));
}
