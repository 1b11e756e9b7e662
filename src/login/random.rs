//! What a login must not be guessed by: state and verifier, from the system's random numbers.

use crate::error::Error;
use crate::i18n::tr;
use crate::oauth::pkce::Pkce;
use crate::secret::Secret;

/// Thirty-two random bytes; [`Error::Store`] where the system gives none.
fn bytes() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Store {
        action: "read",
        what: tr!("the system's random numbers"),
        problem: error.to_string(),
    })?;
    Ok(bytes)
}

/// A state for one authorize request.
pub(crate) fn state() -> Result<Secret, Error> {
    Ok(Secret::new(word()?))
}

/// A word of 32 hex digits that nobody used before.
pub fn word() -> Result<String, Error> {
    Ok(bytes()?.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// A verifier and its challenge, unless `--no-pkce` says otherwise.
pub(crate) fn pkce(without: bool) -> Result<Option<Pkce>, Error> {
    if without { Ok(None) } else { Ok(Some(Pkce::from_random(&bytes()?))) }
}
