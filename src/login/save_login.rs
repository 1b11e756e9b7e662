//! Storing what a login got: new items, read back, and only then pointed to; one login after the other.
//!
//! Two files point: the config to a client, the record to its items. Where the client changes they cannot be replaced
//! at once, so the record holds both logins until the config has followed. Killed anywhere, one of them is in use.

use crate::cli::FlowName;
use crate::config::{ConfigFile, edit};
use crate::error::Error;
use crate::i18n::{causes, tr};
use crate::login::{LoginJournal, LoginLock, random, token_count};
use crate::model::CredentialId;
use crate::model::Profile;
use crate::model::Secrets;
use crate::secret::Secret;
use crate::secrets::{KeyringTimeout, LoginRecord, ProfileState, SecretStore, Source};
use crate::store::StateDir;
use crate::system::System;
use clap::ValueEnum;

/// Stores `secrets` and `profile`, which `flow` got. Answers whether the profile
/// uses them now: it goes on with the login before where the config file cannot be written.
pub(crate) fn save_login(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    secrets: &Secrets,
    flow: FlowName,
) -> Result<bool, Error> {
    let source = Source::new(profile, system, state).patient(KeyringTimeout::of(system, false));
    let turn = LoginLock::take(&*system.clock, state, config)?;
    LoginJournal::clear(&source, state);
    let kept = keep_in_turn(system, state, &turn.config, &source, secrets, flow);
    LoginJournal::clear(&source, state);
    kept
}

fn keep_in_turn(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    source: &Source<'_>,
    secrets: &Secrets,
    flow: FlowName,
) -> Result<bool, Error> {
    let profile = source.profile;
    let before = config.profile(&profile.name).and_then(Result::ok);
    let old = LoginRecord::load(state, before.as_ref().unwrap_or(profile))?;
    let store = source.store(profile.secrets.word())?;
    let item = |kind: &str| Ok::<_, Error>(format!("{kind}-{}", random::word()?));
    let id = CredentialId::of(profile, secrets);
    let mut record = LoginRecord {
        profile: profile.name.to_string(),
        config: config.path().to_owned(),
        store: store.word().to_owned(),
        accounts_url: profile.accounts_url.to_string(),
        client_id: profile.client_id.clone(),
        client_secret: item("client-secret")?,
        refresh_token: secrets.refresh_token.as_ref().map(|_| item("refresh-token")).transpose()?,
        credential: id.ledger().to_owned(),
        scopes: profile.scopes.clone(),
        made_here: token_count::makes_one(flow),
        flow: flow.to_possible_value().map(|value| value.get_name().to_owned()),
        pending: false,
        previous: None,
    };
    if before.is_some_and(|before| !record.is_for(&before)) {
        record.pending = true;
        record.previous = old.clone().map(Box::new);
    }
    let old_items = old.iter().flat_map(LoginRecord::own_items);
    LoginJournal::note(state, profile, record.own_items().chain(old_items).collect())?;
    put(&*store, &record.client_secret, &secrets.client_secret)?;
    if let (Some(item), Some(token)) = (&record.refresh_token, &secrets.refresh_token) {
        put(&*store, item, token)?;
    }
    record.save(state)?;
    let has_followed = write_config(system, config, profile)?;
    if !has_followed && record.previous.is_some() {
        return Ok(false);
    }
    if has_followed && record.pending {
        (record.pending, record.previous) = (false, None);
        record.save(state)?;
    }
    if source.login()?.as_ref() == Some(&record) {
        ProfileState::new(profile, &id, profile.scopes.clone()).save(state, profile)?;
    }
    Ok(true)
}

/// Puts a secret into a store, and reads it back.
fn put(store: &dyn SecretStore, item: &str, secret: &Secret) -> Result<(), Error> {
    store.put(item, secret)?;
    match store.get(item)? {
        Some(kept) if kept == *secret => Ok(()),
        _ => Err(Error::Store {
            action: "write",
            what: tr!("the secret to {store}", store = store.word()),
            problem: tr!("it could not be read back"),
        }),
    }
}

/// Puts the profile into the config file; where that cannot be written, or was broken by a hand meanwhile, prints the lines
/// instead and returns `false`.
fn write_config(system: &System, config: &ConfigFile, profile: &Profile) -> Result<bool, Error> {
    let written = match edit::apply(config, |text| edit::with_profile(config.path(), text, profile)) {
        Ok(written) => written.map_err(|error| causes::told(&error.to_string())),
        Err(error) => Err(error.in_one_line()),
    };
    if let Err(error) = written {
        let path = config.path().display();
        let said =
            tr!("zoho-cred: {path} could not be written ({error}); put these lines into it:", path, error);
        system.say(&format!("{said}\n\n{}", edit::lines(profile)?));
        return Ok(false);
    }
    Ok(true)
}
