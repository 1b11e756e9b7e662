//! Replaces a stored refresh token by the one that a refresh returned.
//!
//! The new token is stored as a new item and read back, then the login record is switched to it. If the program is
//! killed in between, the profile uses the old token or the new one, and the journal names the other.

use crate::error::Error;
use crate::model::CredentialId;
use crate::secret::Secret;
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
    for (path, record) in LoginRecord::with_paths(state)? {
        if record.stores(old) {
            switch(state, open, &path, record, (old, new), token)?;
        }
    }
    Ok(())
}

fn switch(
    state: &StateDir,
    open: &OpenSecrets<'_>,
    path: &Path,
    mut record: LoginRecord,
    (old, new): (&CredentialId, &CredentialId),
    token: &Secret,
) -> Result<(), Error> {
    LoginJournal::clear_at(path, open);
    let name = new_item("refresh-token")?;
    let replaced = record.switch(old, new, &name);
    let added = replaced.iter().map(|item| Item { name: name.clone(), ..item.clone() }).collect::<Vec<_>>();
    LoginJournal::note_at(path, [&replaced[..], &added].concat())?;
    let done = added
        .iter()
        .try_for_each(|item| put_and_check(&*open(&item.store)?, &item.name, &record.profile, token))
        .and_then(|()| record.save(state));
    LoginJournal::clear_at(path, open);
    done
}
