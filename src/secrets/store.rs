use crate::error::Error;
use crate::secret::Secret;

/// Port to a secret store. Each item holds one secret.
pub trait SecretStore {
    /// `None` if there is no such item. `Code::Store` if the store does not respond.
    fn get(&self, item: &str) -> Result<Option<Secret>, Error>;
    /// Stores `secret` as a new item.
    fn put(&self, item: &str, secret: &Secret) -> Result<(), Error>;
    /// Deletes `item`. A missing item is not an error.
    fn delete(&self, item: &str) -> Result<(), Error>;
    /// The store's name in `status` and messages.
    fn word(&self) -> &'static str;
}
