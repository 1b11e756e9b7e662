//! The client secret of a login: the stored one, a corrected one, and that of another data center.

use crate::cli::LoginArgs;
use crate::error::Error;
use crate::i18n::tr;
use crate::login::{answers, ask_secret, ask_secret_or_none, read_secret_file, reject, wrong};
use crate::model::{AccountsUrl, Profile};
use crate::secret::Secret;
use crate::secrets::Source;
use crate::store::StateDir;
use crate::system::System;

pub(crate) struct ClientSecret {
    pub(crate) secret: Secret,
    /// Whether it was stored by an earlier login, for one accounts server.
    is_stored: bool,
}

impl ClientSecret {
    pub(crate) fn given(secret: Secret) -> Self {
        ClientSecret { secret, is_stored: false }
    }

    pub(super) fn stored(secret: Secret) -> Self {
        ClientSecret { secret, is_stored: true }
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

/// The client secret of the profile's last login, if it was for the same accounts server, client and grant.
pub(super) fn stored_client_secret(system: &System, state: &StateDir, profile: &Profile) -> Option<Secret> {
    let source = Source::new(profile, system, state);
    let login = source.login().ok().flatten().filter(|login| login.is_for(profile))?;
    let store = source.store(&login.store).ok()?;
    store.get(&login.client_secret).unwrap_or_else(|error| {
        system.warn(&tr!("could not read the client secret of the last login: {why}", why = error.message()));
        None
    })
}
