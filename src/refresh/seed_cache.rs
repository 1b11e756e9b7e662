//! A login's own access token: it goes into cache and ledger, as any other that Zoho minted.

use crate::error::Error;
use crate::model::Budget;
use crate::model::Granted;
use crate::model::Timestamp;
use crate::refresh::refresh::busy;
use crate::store::Store;
use crate::system::{Clock, Deadline};
use std::time::Duration;

/// For the lock; nobody else knows the credential yet.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Puts `granted`, which was asked for at `asked`, into the state of its credential.
pub(crate) fn seed_cache(
    clock: &dyn Clock,
    store: &dyn Store,
    budget: &Budget,
    granted: &Granted,
    asked: &Timestamp,
) -> Result<(), Error> {
    let deadline = Deadline::after(clock, TIMEOUT);
    let mut locked = loop {
        if let Some(locked) = store.try_lock_local()? {
            break locked;
        }
        if deadline.remaining(clock).is_zero() {
            return Err(busy(TIMEOUT, store));
        }
        clock.sleep(store.pause(0));
    };
    let now = clock.timestamp();
    let (cache, mut ledger) = (locked.cache()?, locked.ledger(&now, budget)?);
    ledger.reserve(asked, budget);
    ledger.answered(&now, true);
    ledger.succeeded();
    locked.record(&ledger)?;
    locked.commit(&cache.renewed(granted, asked.reading()))
}
