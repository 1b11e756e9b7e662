//! Drops a token that an API refused. A later one in a window is checked first, because one script with a wrong scope must
//! not make all others refresh.

use crate::error::Error;
use crate::model::CacheRecord;
use crate::oauth::userinfo;
use crate::oauth::userinfo::Liveness;
use crate::refresh::lock_wait::{LockOutcome, LockScope, LockWait};
use crate::refresh::ports::Ports;
use crate::secret::Secret;
use crate::store::Store;
use crate::system::{Deadline, HttpRequest};
use std::time::Duration;

/// The limit of a check whether a token is valid.
const CHECK_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// It was not the cached token, so nothing changed.
    NotCached,
    /// It was the cached token, which is dropped.
    Dropped,
    /// It is valid: the API's complaint was about scope, organization or data center.
    Kept,
    /// Whether it is valid could not be checked, so it is kept.
    Unclear,
}

/// Drops `token` if it is the cached one: at once for the first reject in a window, later ones only if Zoho's
/// `user/info` calls it invalid. Waits for the lock within `timeout`, then `Code::Busy`.
///
/// Zoho is asked without the lock. Afterwards, a token that is no longer the cached one is left alone.
pub fn reject(ports: &Ports<'_>, token: &Secret, timeout: Duration) -> Result<Rejected, Error> {
    let deadline = Deadline::after(ports.clock, timeout);
    ports.credential.bound(timeout);
    let id = ports.credential.id()?;
    let store = (ports.open)(&id)?;
    if let Some(decided) = decide(ports, token, &deadline, &*store, None)? {
        return Ok(decided);
    }
    let left = deadline.remaining(ports.clock).max(Duration::from_secs(1));
    let answer = liveness(ports, token, left);
    Ok(decide(ports, token, &deadline, &*store, Some(answer))?.unwrap_or(Rejected::Unclear))
}

/// Decides under the lock. `answer` is what Zoho said when it was asked; `None` as the result means that it must be asked.
fn decide(
    ports: &Ports<'_>,
    token: &Secret,
    deadline: &Deadline,
    store: &dyn Store,
    answer: Option<Liveness>,
) -> Result<Option<Rejected>, Error> {
    if !is_cached(&store.cache()?, token) {
        return Ok(Some(Rejected::NotCached));
    }
    let wait = LockWait {
        clock: ports.clock,
        store,
        scope: LockScope::ThisMachine,
        deadline,
        outage: Duration::ZERO,
        notify: &|_| {},
    };
    let outcome = wait.run(|| {
        let replaced = !is_cached(&store.cache()?, token);
        Ok::<_, Error>(replaced.then_some(Rejected::NotCached))
    })?;
    let mut locked = match outcome {
        LockOutcome::Locked(locked) => locked,
        LockOutcome::Served(not_cached) => return Ok(Some(not_cached)),
    };
    let cache = locked.cache()?;
    if !is_cached(&cache, token) {
        return Ok(Some(Rejected::NotCached));
    }
    let budget = &ports.profile.budget;
    let now = ports.clock.timestamp();
    let mut ledger = locked.ledger(&now, budget)?;
    if ledger.rejects_in(&now, budget.window) > 0 {
        match answer {
            None => return Ok(None),
            Some(Liveness::Alive) => return Ok(Some(Rejected::Kept)),
            Some(Liveness::Unknown) => return Ok(Some(Rejected::Unclear)),
            Some(Liveness::Dead) => {}
        }
    }
    ledger.rejected(&now, budget.window);
    locked.record(&ledger)?;
    locked.commit(&CacheRecord { token: None, rejected: true, ..cache })?;
    Ok(Some(Rejected::Dropped))
}

fn is_cached(cache: &CacheRecord, token: &Secret) -> bool {
    cache.token.as_ref().is_some_and(|cached| cached.access_token == *token)
}

/// Asks Zoho within `left` whether `token` is valid. It costs no budget.
pub(crate) fn liveness(ports: &Ports<'_>, token: &Secret, left: Duration) -> Liveness {
    let url = ports.profile.accounts_url.join(userinfo::PATH);
    match ports.http.send(&HttpRequest::get_with(token, url, CHECK_TIMEOUT.min(left))) {
        Ok(answer) => userinfo::liveness(answer.status, &answer.body),
        Err(failure) => {
            log::info!("whether the token lives could not be found out: {}", failure.problem.code());
            Liveness::Unknown
        }
    }
}
