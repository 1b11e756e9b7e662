//! Storing what a login got: new items, read back, and only then pointed to.
//!
//! Two files point: the config to a client, the record to its items. Where the client changes they cannot be replaced
//! at once, so the record holds both logins until the config has followed. Killed anywhere, one of them is in use.

use super::random;
use crate::cli::FlowName;
use crate::config::{ConfigFile, Profile, edit};
use crate::credential::{CredentialId, LoginRecord, Patience, Secrets, Source};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::StateDir;
use crate::store::profile_state::{ProfileState, login_stamp};
use crate::system::{System, files};
use crate::words::{causes, t};
use clap::ValueEnum;

/// Stores `secrets` and `profile`, which `flow` got. Answers whether the profile
/// uses them now: it goes on with the login before where the config file cannot be written.
pub fn keep(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    secrets: &Secrets,
    flow: FlowName,
) -> Result<bool, Error> {
    let source = Source::new(profile, &system.env, state).patient(Patience::of(system, false));
    let old = in_use(config, profile, state)?;
    let store = source.store(profile.secrets.word())?;
    let put = |kind: &str, secret: &Secret| -> Result<String, Error> {
        let item = format!("{kind}-{}", random::word()?);
        store.put(&item, secret)?;
        match store.get(&item)? {
            Some(kept) if kept == *secret => Ok(item),
            _ => Err(Error::Store {
                action: "write",
                what: t!("the secret to {store}", store = store.word()),
                problem: t!("it could not be read back"),
            }),
        }
    };
    let id = CredentialId::of(profile, secrets);
    let mut record = LoginRecord {
        profile: profile.name.to_string(),
        config: config.path().to_owned(),
        store: store.word().to_owned(),
        accounts_url: profile.accounts_url.to_string(),
        client_id: profile.client_id.clone(),
        client_secret: put("client-secret", &secrets.client_secret)?,
        refresh_token: secrets.refresh_token.as_ref().map(|token| put("refresh-token", token)).transpose()?,
        credential: id.ledger().to_owned(),
        scopes: profile.scopes.clone(),
        made_here: !matches!(flow, FlowName::RefreshToken | FlowName::ClientCredentials),
        flow: flow.to_possible_value().map(|value| value.get_name().to_owned()),
        previous: old.clone().filter(|old| !old.is_for(profile)).map(Box::new),
    };
    record.save(state)?;
    if !write_config(system, config, profile)? && record.previous.is_some() {
        return Ok(false);
    }
    if record.previous.take().is_some() {
        record.save(state)?;
    }
    let stamp = login_stamp(state, profile);
    if source.login()?.as_ref() == Some(&record) {
        ProfileState::new(profile, &id, profile.scopes.clone(), stamp).save(state, profile)?;
    }
    if let Some(old) = old {
        forget_items(&source, &old);
    }
    Ok(true)
}

/// The login that the profile uses so far, by the settings that the config file has so far.
fn in_use(config: &ConfigFile, profile: &Profile, state: &StateDir) -> Result<Option<LoginRecord>, Error> {
    let before = config.profile(&profile.name).and_then(Result::ok);
    LoginRecord::load(state, before.as_ref().unwrap_or(profile))
}

/// Forgets the items of a login that nothing points to any more. What stays behind is only litter.
fn forget_items(source: &Source<'_>, login: &LoginRecord) {
    let Ok(store) = source.store(&login.store) else { return };
    for item in [Some(&login.client_secret), login.refresh_token.as_ref()].into_iter().flatten() {
        if let Err(error) = store.delete(item) {
            log::warn!("an old secret was not removed: {}", error.message());
        }
    }
}

/// Puts the profile into the config file; where that cannot be written, prints the lines instead and returns `false`.
fn write_config(system: &System, config: &ConfigFile, profile: &Profile) -> Result<bool, Error> {
    let text = edit::with_profile(config.path(), config.text(), profile)?;
    if text == config.text() {
        return Ok(true);
    }
    if let Err(error) = files::replace_config(config.path(), &text) {
        system.say(&t!(
            "zoho-cred: {path} could not be written ({error}); put these lines into it:\n\n{lines}",
            path = config.path().display(),
            error = causes::told(&error.to_string()),
            lines = edit::lines(profile)?,
        ));
        return Ok(false);
    }
    Ok(true)
}
