//! What `login` looks up and checks before it asks or sends anything.

use crate::cli::{FlowName, LoginArgs};
use crate::config::ConfigFile;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::listener::Listener;
use crate::login::settings::Start;
use crate::login::{confirm, reject, wrong};
use crate::model::{ProfileName, SecretBackend};
use crate::secrets::{KeyringSecrets, KeyringTimeout};
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

/// What the login of the profile `name` starts from, once its port is known to be free.
pub(super) fn begin<'a>(
    system: &System,
    args: &'a LoginArgs,
    config: &'a ConfigFile,
    state: &'a StateDir,
    name: ProfileName,
) -> Result<Start<'a>, Error> {
    let start = Start::new(system, args, config, state, name);
    if start.flow == FlowName::Browser {
        Listener::check(&start.base(system).redirect_uri)?;
    }
    Ok(start)
}

/// Without a terminal, names every missing setting in one error.
pub(super) fn check_missing(system: &System, start: &Start<'_>, is_nameless: bool) -> Result<(), Error> {
    let mut missing = start.missing(system)?;
    if is_nameless {
        missing.insert(0, "PROFILE");
    }
    if missing.is_empty() {
        return Ok(());
    }
    if check_backend(system, &start.secrets).is_err() {
        missing.push("--secrets file");
    }
    let flags = missing.join(&tr!(", "));
    Err(wrong(tr!("there is no terminal to ask for what is missing: {flags}", flags)))
}

/// Where to store secrets. If no keyring answers, a person may choose files instead.
pub(super) fn choose_backend(system: &mut System, start: &mut Start<'_>) -> Result<(), Error> {
    let Err(error) = check_backend(system, &start.secrets) else { return Ok(()) };
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
pub(super) fn check_backend(system: &System, place: &SecretBackend) -> Result<(), Error> {
    match place {
        SecretBackend::File => Ok(()),
        SecretBackend::Keyring => KeyringSecrets::new(KeyringTimeout::of(system)).answers(),
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
