//! The random values of an authorization request.

use crate::error::Error;
use crate::oauth::pkce::Pkce;
use crate::secret::Secret;
use crate::system::random::{bytes, word};

pub(crate) fn state() -> Result<Secret, Error> {
    Ok(Secret::new(word()?))
}

/// A verifier and its challenge; `None` if `without`.
pub(crate) fn pkce(without: bool) -> Result<Option<Pkce>, Error> {
    if without { Ok(None) } else { Ok(Some(Pkce::from_random(&bytes()?))) }
}
