//! A caller's API refused a token. Whether that token goes is not the caller's word alone: one script with a wrong
//! scope must not stop everyone else.

use crate::error::Error;
use crate::model::CacheRecord;
use crate::oauth::userinfo;
use crate::oauth::userinfo::Liveness;
use crate::refresh::refresh::{Ports, busy};
use crate::secret::Secret;
use crate::store::{Locked, Store};
use crate::system::{Deadline, HttpRequest};
use std::time::Duration;

/// For the question whether the token lives.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

/// What became of a reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It was not the cached token: nothing changes.
    NotCached,
    /// It was, and it is gone.
    Dropped,
    /// It lives: the complaint was about scope, organisation or data centre.
    Kept,
    /// It could not be found out, so it is kept.
    Unclear,
}

/// Drops `token` if it is the cached one: at once for the first reject in a window, later ones only if Zoho's
/// `user/info` calls it invalid. Waits for the lock within `timeout`, then [`Error::Busy`].
pub fn reject(ports: &Ports<'_>, token: &Secret, timeout: Duration) -> Result<Rejected, Error> {
    let deadline = Deadline::after(ports.clock, timeout);
    ports.credential.bound(timeout);
    let id = ports.credential.id()?;
    let store = (ports.open)(&id)?;
    let mut locked = loop {
        if !is_cached(&store.cache()?, token) {
            return Ok(Rejected::NotCached);
        }
        if let Some(locked) = wait(ports, timeout, &deadline, &*store)? {
            break locked;
        }
    };
    let cache = locked.cache()?;
    if !is_cached(&cache, token) {
        return Ok(Rejected::NotCached);
    }
    let budget = &ports.profile.budget;
    let now = ports.clock.timestamp();
    let mut ledger = locked.ledger(&now, budget)?;
    if ledger.rejects_in(&now, budget.window) > 0 {
        match liveness(ports, token, &deadline) {
            Liveness::Dead => {}
            Liveness::Alive => return Ok(Rejected::Kept),
            Liveness::Unknown => return Ok(Rejected::Unclear),
        }
    }
    ledger.rejected(&now, budget.window);
    locked.record(&ledger)?;
    locked.commit(&CacheRecord { token: None, rejected: true, ..cache })?;
    Ok(Rejected::Dropped)
}

/// The lock, or `None` after a pause in which the cache may have changed.
fn wait<'s>(
    ports: &Ports<'_>,
    timeout: Duration,
    deadline: &Deadline,
    store: &'s dyn Store,
) -> Result<Option<Box<dyn Locked + 's>>, Error> {
    store.bound(deadline.remaining(ports.clock));
    if let Some(locked) = store.try_lock_local()? {
        return Ok(Some(locked));
    }
    let left = deadline.remaining(ports.clock);
    if left.is_zero() {
        return Err(busy(timeout, store));
    }
    ports.clock.sleep(store.pause(2).min(left));
    Ok(None)
}

fn is_cached(cache: &CacheRecord, token: &Secret) -> bool {
    cache.token.as_ref().is_some_and(|cached| cached.access_token == *token)
}

fn liveness(ports: &Ports<'_>, token: &Secret, deadline: &Deadline) -> Liveness {
    let timeout = CHECK_TIMEOUT.min(deadline.remaining(ports.clock).max(Duration::from_secs(1)));
    let answer = ports.http.send(&HttpRequest {
        authorization: Some(Secret::new(format!("Zoho-oauthtoken {}", token.expose()))),
        ..HttpRequest::get(ports.profile.accounts_url.join(userinfo::PATH), timeout)
    });
    match answer {
        Ok(answer) => userinfo::liveness(answer.status, &answer.body),
        Err(failure) => {
            log::info!("whether the token lives could not be found out: {}", failure.problem.code());
            Liveness::Unknown
        }
    }
}
