//! The secrets of a profile, and the port to where they rest.

use crate::error::Error;
use crate::secret::Secret;

/// A place that keeps one secret an item.
pub trait SecretStore {
    /// The secret under `item`; `None` where there is none. [`Error::Store`] where the place does not answer.
    fn get(&self, item: &str) -> Result<Option<Secret>, Error>;
    /// Keeps `secret` under `item`, which is new.
    fn put(&self, item: &str, secret: &Secret) -> Result<(), Error>;
    /// Forgets `item`; one that is not there is fine.
    fn delete(&self, item: &str) -> Result<(), Error>;
    /// The word for the place in `status` and in messages.
    fn word(&self) -> &'static str;
}
