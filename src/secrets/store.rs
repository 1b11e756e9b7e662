use crate::error::Error;
use crate::i18n::tr;
use crate::secret::Secret;
use crate::store::local::state_dir;
use crate::system::random;

/// Port to a secret store. Each item holds one secret.
pub trait SecretStore {
    /// `None` if there is no such item. `Code::Store` if the store does not respond.
    fn get(&self, item: &str) -> Result<Option<Secret>, Error>;
    /// Stores `secret` as a new item. `label` describes it where the user can see it.
    fn put(&self, item: &str, label: &str, secret: &Secret) -> Result<(), Error>;
    /// Changes the label of `item`, if the store has labels.
    fn relabel(&self, _item: &str, _label: &str) -> Result<(), Error> {
        Ok(())
    }
    /// Deletes `item`. A missing item is not an error.
    fn delete(&self, item: &str) -> Result<(), Error>;
    /// The store's name in `status` and messages.
    fn word(&self) -> &'static str;
}

/// Opens a secret store by its name in login records.
pub(crate) type OpenSecrets<'a> = dyn Fn(&str) -> Result<Box<dyn SecretStore + 'a>, Error> + 'a;

/// A name for a new item.
pub(crate) fn new_item(kind: &str) -> Result<String, Error> {
    Ok(format!("{kind}-{}", random::word()?))
}

/// The label of a secret of `profile`: its name and the kind of the secret.
pub(crate) fn label(item: &str, profile: &str) -> String {
    if item.starts_with("refresh-token") {
        tr!("zoho-cred {profile} (refresh token)", profile)
    } else {
        tr!("zoho-cred {profile} (client secret)", profile)
    }
}

/// Stores a secret of `profile` and reads it back.
pub(crate) fn put_and_check(
    store: &dyn SecretStore,
    item: &str,
    profile: &str,
    secret: &Secret,
) -> Result<(), Error> {
    store.put(item, &label(item, profile), secret)?;
    match store.get(item)? {
        Some(stored) if stored == *secret => Ok(()),
        _ => Err(state_dir::unwritable(
            &tr!("the secret to {store}", store = store.word()),
            tr!("it could not be read back"),
        )),
    }
}
