//! Takes over the refresh token of a refresh answer, which replaces the one that was sent (RFC 6749, section 6). Zoho
//! sends none today.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::{CacheRecord, CredentialId, Ledger, Secrets};
use crate::refresh::lock_wait::lock_this_machine;
use crate::refresh::ports::Ports;
use crate::secret::Secret;
use crate::store::Store;
use std::cell::Cell;
use std::time::Duration;

/// The limit of the wait for the lock of the new credential, which usually no other process uses yet.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Stores `token` in place of the refresh token of `secrets`. Returns a warning if that failed: the refresh token from
/// before stays in use. Another warning says that the machines of a shared store do not have the new one, because refresh
/// tokens are never stored there.
///
/// The new credential gets the token and the ledger of the old one before anything uses it, so that the requests already
/// made still count.
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
    let shared = Cell::new(false);
    let prepare = |id: &CredentialId| {
        let store = (ports.open)(id)?;
        shared.set(store.is_shared());
        continue_with(ports, &*store, record, ledger)
    };
    match ports.credential.replace(secrets, token, &prepare) {
        Err(error) => Some(tr!(
            "Zoho issued a new refresh token, which could not be stored ({why}); if the old one is refused, log in again",
            why = error.in_one_line()
        )),
        Ok(()) if shared.get() => Some(tr!(
            "Zoho issued a new refresh token; give it to the other machines with 'zoho-cred export {profile}'",
            profile = ports.profile.name
        )),
        Ok(()) => None,
    }
}

fn continue_with(
    ports: &Ports<'_>,
    store: &dyn Store,
    record: &CacheRecord,
    ledger: &Ledger,
) -> Result<(), Error> {
    let mut locked = lock_this_machine(ports.clock, store, TIMEOUT)?;
    let now = ports.clock.timestamp();
    locked.cache()?;
    let known = locked.ledger(&now, &ports.profile.budget)?;
    locked.record(&known.stricter(ledger, &now))?;
    locked.commit(record)
}
