//! What `login` looks up and checks before it asks or sends anything.

use crate::cli::{FlowName, Global, LoginArgs};
use crate::config::ConfigFile;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::listener::Listener;
use crate::login::settings::{Start, Typed};
use crate::login::{confirm, reject, settings, wrong};
use crate::model::{Profile, ProfileName, SecretBackend};
use crate::secret::Secret;
use crate::secrets::{KeyringSecrets, KeyringTimeout, LoginRecord, Source};
use crate::store::StateDir;
use crate::system::System;
use std::path::Path;

/// Only one secret can be read from stdin.
pub(super) fn check_stdin_flags(args: &LoginArgs) -> Result<(), Error> {
    let files = [&args.client_secret_file, &args.refresh_token_file, &args.code_file];
    match files.into_iter().flatten().filter(|path| path.as_path() == Path::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(wrong(tr!("only one of the files can be stdin (-)"))),
    }
}

pub(super) fn check_port(args: &LoginArgs, old: Option<&Profile>, flow: FlowName) -> Result<(), Error> {
    match flow {
        FlowName::Browser => Listener::check(&settings::redirect_uri(args, old)),
        _ => Ok(()),
    }
}

/// Without a terminal, names every missing setting in one error.
pub(super) fn check_missing(
    system: &System,
    args: &LoginArgs,
    config: &ConfigFile,
    start: Option<&Start<'_>>,
    stored: impl Fn(&System, &Profile) -> Option<Secret>,
) -> Result<(), Error> {
    let (mut all, nameless);
    let start = match start {
        Some(start) => {
            all = Vec::new();
            start
        }
        None => {
            all = vec!["PROFILE"];
            let (name, flow) = (ProfileName::environment(), settings::flow(system, args, None, None));
            let secrets = settings::secrets(args, None);
            nameless = Start { args, config, name, old: None, flow, secrets, typed: Typed::default() };
            &nameless
        }
    };
    all.extend(start.missing(system, stored)?);
    if all.is_empty() { Ok(()) } else { Err(wrong(missing(&all))) }
}

pub(super) fn missing(flags: &[&str]) -> String {
    tr!("there is no terminal to ask for what is missing: {flags}", flags = flags.join(&tr!(", ")))
}

/// Where to store secrets. If no keyring answers, a person may choose files instead.
pub(super) fn choose_backend(
    system: &mut System,
    global: &Global,
    start: &mut Start<'_>,
) -> Result<(), Error> {
    let Err(error) = check_backend(system, global, &start.secrets) else { return Ok(()) };
    if start.secrets != SecretBackend::Keyring || error.code() != Code::Store {
        return Err(error);
    }
    reject(system, &error.in_one_line());
    let question = tr!("Store the secrets in files that only you can read (mode 0600) instead of a keyring?");
    if !confirm(system, &question)? {
        return Err(error);
    }
    start.secrets = SecretBackend::File;
    start.typed.other = true;
    Ok(())
}

/// Whether secrets can be stored in `place`.
pub(super) fn check_backend(system: &System, global: &Global, place: &SecretBackend) -> Result<(), Error> {
    match place {
        SecretBackend::File => Ok(()),
        SecretBackend::Keyring => {
            KeyringSecrets::new(KeyringTimeout::of(system, global.verbosity.quiet)).answers()
        }
        SecretBackend::Command(_) | SecretBackend::Environment => {
            Err(wrong(tr!("this profile's secrets come from a command; use --secrets to change that")))
        }
    }
}

/// Whether no flag selects other settings, another secret backend, or a flow.
pub(super) fn is_bare(args: &LoginArgs) -> bool {
    let texts = [&args.accounts_url, &args.client_id, &args.redirect_uri, &args.soid];
    let files = [&args.client_secret_file, &args.refresh_token_file, &args.code_file];
    texts.iter().all(|text| text.is_none())
        && files.iter().all(|file| file.is_none())
        && args.data_center.is_none()
        && args.scopes.is_empty()
        && args.flow.is_none()
        && args.secrets.is_none()
}

/// What the login of the profile `name` starts from, once its port is known to be free.
pub(super) fn begin<'a>(
    system: &System,
    args: &'a LoginArgs,
    config: &'a ConfigFile,
    state: &StateDir,
    name: &ProfileName,
) -> Result<Start<'a>, Error> {
    let old = config.profile(name).and_then(Result::ok);
    let last = old.as_ref().and_then(|old| LoginRecord::load(state, old).ok().flatten()?.flow);
    let flow = settings::flow(system, args, old.as_ref(), last.as_deref());
    check_port(args, old.as_ref(), flow)?;
    let (name, secrets) = (name.clone(), settings::secrets(args, old.as_ref()));
    Ok(Start { args, config, name, secrets, old, flow, typed: Typed::default() })
}

/// The client secret of the profile's last login, if it was for the same accounts server, client and grant.
pub(super) fn stored_client_secret(system: &System, state: &StateDir, profile: &Profile) -> Option<Secret> {
    let source = Source::new(profile, system, state).patient(KeyringTimeout::of(system, false));
    let login = source.login().ok().flatten().filter(|login| login.is_for(profile))?;
    let store = source.store(&login.store).ok()?;
    store.get(&login.client_secret).unwrap_or_else(|error| {
        system.warn(&tr!("could not read the client secret of the last login: {why}", why = error.message()));
        None
    })
}
