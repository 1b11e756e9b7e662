//! Storing what a login got: new items, read back, and only then pointed to. Whatever happens before the last step
//! leaves the old credential in use.

use super::random;
use crate::config::{ConfigFile, Profile, edit};
use crate::credential::{CredentialId, LoginRecord, Patience, Secrets, Source};
use crate::error::Error;
use crate::secret::Secret;
use crate::store::StateDir;
use crate::store::profile_state::{ProfileState, login_stamp};
use crate::system::{System, files};

/// Stores `secrets` and `profile`. `made_here` says that our own login made the refresh token.
pub fn keep(
    system: &System,
    state: &StateDir,
    config: &ConfigFile,
    profile: &Profile,
    secrets: &Secrets,
    made_here: bool,
) -> Result<(), Error> {
    let source = Source::new(profile, &system.env, state).patient(Patience::of(system, false));
    let old = source.login()?;
    let store = source.store(profile.secrets.word())?;
    let put = |kind: &str, secret: &Secret| -> Result<String, Error> {
        let item = format!("{kind}-{}", random::word()?);
        store.put(&item, secret)?;
        match store.get(&item)? {
            Some(kept) if kept == *secret => Ok(item),
            _ => Err(Error::Store {
                action: "write",
                what: format!("the secret to {}", store.word()),
                problem: "it could not be read back".into(),
            }),
        }
    };
    let id = CredentialId::of(profile, secrets);
    let record = LoginRecord {
        profile: profile.name.to_string(),
        config: config.path().to_owned(),
        store: store.word().to_owned(),
        accounts_url: profile.accounts_url.to_string(),
        client_id: profile.client_id.clone(),
        client_secret: put("client-secret", &secrets.client_secret)?,
        refresh_token: secrets.refresh_token.as_ref().map(|token| put("refresh-token", token)).transpose()?,
        credential: id.ledger().to_owned(),
        scopes: profile.scopes.clone(),
        made_here,
    };
    write_config(system, config, profile)?;
    record.save(state)?;
    let stamp = login_stamp(state, profile);
    if source.login()?.as_ref() == Some(&record) {
        ProfileState::new(profile, &id, profile.scopes.clone(), stamp).save(state, profile)?;
    }
    if let Some(old) = old {
        forget_items(&source, &old);
    }
    Ok(())
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

/// Puts the profile into the config file; where that cannot be written, prints the lines instead.
fn write_config(system: &System, config: &ConfigFile, profile: &Profile) -> Result<(), Error> {
    let text = edit::with_profile(config.path(), config.text(), profile)?;
    if text == config.text() {
        return Ok(());
    }
    if let Err(error) = files::replace_config(config.path(), &text) {
        system.say(&format!(
            "zoho-cred: {} could not be written ({error}); put these lines into it:\n\n{}",
            config.path().display(),
            edit::lines(profile)?
        ));
    }
    Ok(())
}
