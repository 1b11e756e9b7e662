//! Stores the result of a login. The secrets are written as new items and read back before anything refers to them.
//!
//! The config file and the login record must match, but cannot be replaced together. If the client changes, the
//! record holds both logins until the config file is written. If the program is killed in between, one of the two
//! logins works.

use crate::cli::FlowName;
use crate::config::{ConfigFile, edit};
use crate::error::Error;
use crate::i18n::{causes, tr};
use crate::login::token_count;
use crate::model::{CredentialId, Origin, Profile, Secrets};
use crate::secrets::{LoginJournal, LoginLock, LoginRecord, ProfileState, Source, new_item, put_and_check};
use crate::store::StateDir;
use crate::system::System;
use clap::ValueEnum;

/// Stores `secrets` and `profile`, the result of `flow`. Returns whether the profile now uses them. If the config
/// file cannot be written, the profile keeps its previous login.
pub(crate) fn save_login(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    secrets: &Secrets,
    flow: FlowName,
) -> Result<bool, Error> {
    let source = Source::new(profile, system, state);
    let lock = LoginLock::take(&*system.clock, state, config)?;
    LoginJournal::adopt_old_login(state, profile)?;
    LoginJournal::clear(state, profile, &|word| source.store(word));
    let result = save_locked(system, state, &lock.config, &source, secrets, flow);
    LoginJournal::clear(state, profile, &|word| source.store(word));
    result
}

fn save_locked(
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
    let id = CredentialId::of(profile, secrets);
    let mut record = LoginRecord {
        profile: profile.name.to_string(),
        config: config.path().to_owned(),
        by_name: matches!(profile.origin, Origin::Default(_)),
        store: store.word().to_owned(),
        accounts_url: profile.accounts_url.to_string(),
        client_id: profile.client_id.clone(),
        client_secret: new_item("client-secret")?,
        refresh_token: secrets.refresh_token.as_ref().map(|_| new_item("refresh-token")).transpose()?,
        credential: id.ledger().to_owned(),
        scopes: profile.scopes.clone(),
        made_here: token_count::makes_one(flow),
        flow: flow.to_possible_value().map(|value| value.get_name().to_owned()),
        account: None,
        pending: false,
        previous: None,
    };
    if before.is_some_and(|before| !record.is_for(&before)) {
        record.pending = true;
        record.previous = old.clone().map(Box::new);
    }
    let old_items = old.iter().flat_map(LoginRecord::own_items);
    LoginJournal::note(state, profile, record.own_items().chain(old_items).collect())?;
    put_and_check(&*store, &record.client_secret, &record.profile, &secrets.client_secret)?;
    if let (Some(item), Some(token)) = (&record.refresh_token, &secrets.refresh_token) {
        put_and_check(&*store, item, &record.profile, token)?;
    }
    record.save(state)?;
    let config_written = write_config(system, config, profile)?;
    if !config_written && record.previous.is_some() {
        return Ok(false);
    }
    if config_written && record.pending {
        (record.pending, record.previous) = (false, None);
        record.save(state)?;
    }
    if source.login()?.as_ref() == Some(&record) {
        ProfileState::new(profile, &id, profile.scopes.clone()).save(state, profile)?;
    }
    Ok(true)
}

/// Writes the profile to the config file. If that fails, prints the lines to add and returns `false`.
fn write_config(system: &System, config: &ConfigFile, profile: &Profile) -> Result<bool, Error> {
    let edited = edit::apply(config, |text| {
        let path = config.path();
        let edited = edit::with_profile(path, text, profile)?;
        match edit::default_beside(&ConfigFile::parse(path, text)?, &profile.name) {
            Some(default) => edit::with_default(path, &edited, &default),
            None => Ok(edited),
        }
    });
    let written = match edited {
        Ok(written) => written.map_err(|error| causes::cause(&error)),
        Err(error) => Err(error.in_one_line()),
    };
    if let Err(error) = written {
        let path = config.path().display();
        let message = tr!("zoho-cred: could not write {path} ({error}); add these lines to it:", path, error);
        system.say(&format!("{message}\n\n{}", edit::lines(profile)));
        return Ok(false);
    }
    Ok(true)
}
