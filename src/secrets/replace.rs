//! Replaces a stored refresh token by the one that a refresh returned, or a client secret after its rotation.
//!
//! The new secret is stored as a new item and read back, then the login record is switched to it. If the program is
//! killed in between, the profile uses the old secret or the new one, and the journal names the other.

use crate::error::Error;
use crate::model::{CredentialId, Profile};
use crate::secret::Secret;
use crate::secrets::bound::ChangedSetting;
use crate::secrets::login_journal::LoginJournal;
use crate::secrets::login_record::{Item, LoginRecord};
use crate::secrets::store::{OpenSecrets, new_item, put_and_check};
use crate::store::StateDir;
use std::path::Path;

/// Switches every login with the credential `old` to `token`, whose credential is `new`: profiles with the same refresh
/// token would lose theirs otherwise. The caller must hold a [`super::LoginLock`].
pub(crate) fn replace_refresh_token(
    state: &StateDir,
    open: &OpenSecrets<'_>,
    old: &CredentialId,
    new: &CredentialId,
    token: &Secret,
) -> Result<(), Error> {
    for (path, record) in LoginRecord::all(state)? {
        if record.stores(old) {
            let change = |record: &mut LoginRecord, name: &str| record.switch(old, new, name);
            switch(state, open, &path, record, ("refresh-token", token), change)?;
        }
    }
    Ok(())
}

/// Switches every login of the client of `profile` that stores the secret `old` to `new`, and returns the names of their
/// profiles. The caller must hold a [`super::LoginLock`].
pub(crate) fn replace_client_secret(
    state: &StateDir,
    open: &OpenSecrets<'_>,
    profile: &Profile,
    old: &Secret,
    new: &Secret,
) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for (path, record) in LoginRecord::all(state)? {
        let is_of_client = record.changed(profile).is_none_or(|setting| setting == ChangedSetting::Grant);
        // A profile whose store does not answer keeps the old one.
        let stored = || open(&record.store)?.get(&record.client_secret);
        if is_of_client && stored().ok().flatten().as_ref() == Some(old) {
            names.push(record.profile.clone());
            let change = |record: &mut LoginRecord, name: &str| {
                let name = std::mem::replace(&mut record.client_secret, name.to_owned());
                vec![Item { store: record.store.clone(), name }]
            };
            switch(state, open, &path, record, ("client-secret", new), change)?;
        }
    }
    Ok(names)
}

/// Stores `secret` as a new item of this kind, and makes the record use it as `change` does, which returns the items that
/// were used before.
fn switch(
    state: &StateDir,
    open: &OpenSecrets<'_>,
    path: &Path,
    mut record: LoginRecord,
    (kind, secret): (&str, &Secret),
    change: impl FnOnce(&mut LoginRecord, &str) -> Vec<Item>,
) -> Result<(), Error> {
    LoginJournal::clear_at(path, open);
    let name = new_item(kind)?;
    let replaced = change(&mut record, &name);
    let added = replaced.iter().map(|item| Item { name: name.clone(), ..item.clone() }).collect::<Vec<_>>();
    LoginJournal::note_at(path, [&replaced[..], &added].concat())?;
    let done = added
        .iter()
        .try_for_each(|item| put_and_check(&*open(&item.store)?, &item.name, &record.profile, secret))
        .and_then(|()| record.save(state));
    LoginJournal::clear_at(path, open);
    done
}
