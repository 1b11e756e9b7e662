//! Puts a login's own access token into cache and ledger, like any other token that Zoho issued.

use crate::error::Error;
use crate::model::{Budget, Granted, Timestamp};
use crate::refresh::lock_wait::lock_this_machine;
use crate::store::Store;
use crate::system::Clock;
use std::time::Duration;

/// The limit of the wait for the lock.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Stores `granted`, which was requested at `sent`.
pub(crate) fn seed_cache(
    clock: &dyn Clock,
    store: &dyn Store,
    budget: &Budget,
    granted: &Granted,
    sent: &Timestamp,
) -> Result<(), Error> {
    let mut locked = lock_this_machine(clock, store, TIMEOUT)?;
    let now = clock.timestamp();
    let (cache, mut ledger) = (locked.cache()?, locked.ledger(&now, budget)?);
    ledger.reserve(sent, budget);
    ledger.answered(&now, true);
    ledger.succeeded();
    locked.record(&ledger)?;
    locked.commit(&cache.renewed(granted, sent.reading()))
}
