//! Takes over the refresh token of a refresh answer, which replaces the one that was sent (RFC 6749, section 6). Zoho
//! sends none today.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::{CacheRecord, CredentialId, Ledger, Secrets};
use crate::refresh::lock_wait::lock_this_machine;
use crate::refresh::ports::Ports;
use crate::secret::Secret;
use std::time::Duration;

/// The limit of the wait for the lock of the new credential, which usually nobody knows yet.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Stores `token` in place of the refresh token of `secrets`. Returns a warning if that failed: the refresh token from
/// before stays in use.
///
/// The new credential gets the token and the ledger of the old one before anything uses it, so that no request that was
/// spent is forgotten.
pub(crate) fn take_over(
    ports: &Ports<'_>,
    secrets: &Secrets,
    token: &Secret,
    record: &CacheRecord,
    ledger: &Ledger,
) -> Option<String> {
    if secrets.refresh_token.as_ref() == Some(token) {
        return None;
    }
    let prepare = |id: &CredentialId| continue_with(ports, id, record, ledger);
    let error = ports.credential.replace(secrets, token, &prepare).err()?;
    let why = error.in_one_line();
    Some(tr!(
        "Zoho issued a new refresh token, which could not be stored ({why}); if the old one is refused, log in again",
        why
    ))
}

fn continue_with(
    ports: &Ports<'_>,
    id: &CredentialId,
    record: &CacheRecord,
    ledger: &Ledger,
) -> Result<(), Error> {
    let store = (ports.open)(id)?;
    let mut locked = lock_this_machine(ports.clock, &*store, TIMEOUT)?;
    let now = ports.clock.timestamp();
    locked.cache()?;
    let known = locked.ledger(&now, &ports.profile.budget)?;
    locked.record(&known.stricter(ledger, &now))?;
    locked.commit(record)
}
