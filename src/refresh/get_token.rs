//! Returns a valid token: from the cache, by refreshing, or a still valid one if refreshing fails (contract section 3).

use crate::error::Error;
use crate::i18n::{humanize, tr};
use crate::model::{CacheRecord, Freshness, MinTtl};
use crate::refresh::error::RefreshError;
use crate::refresh::locked_refresh::refresh;
use crate::refresh::ports::{Mode, Ports, Refresh, TokenRequest, TokenResponse, WaitEvent};
use crate::system::Deadline;
use std::time::Duration;

/// The limit of a refresh ahead of expiry.
const AHEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Returns a token for the credential of `ports`. The numbers are the steps of contract section 3; steps 3 to 7 are in
/// `locked_refresh` and the files it uses.
pub fn get_token(ports: &Ports<'_>, request: &TokenRequest) -> Result<TokenResponse, RefreshError> {
    let deadline = Deadline::after(ports.clock, request.timeout);
    ports.credential.bound(request.timeout);

    // 1. Read the cache without a lock. A fresh token ends the call.
    let cached = read_cache(ports, request)?;
    let freshness = cached.freshness(ports.clock.now(), request.min_ttl);
    if !request.refresh && freshness == Freshness::Fresh {
        return Ok(cached.into());
    }

    // 2. In the last minutes of a token: one attempt, if nobody else makes one. The cached token is as good as a new one.
    if !request.refresh && freshness == Freshness::Early {
        if request.offline {
            return Ok(cached.into());
        }
        let response = refresh_ahead(ports, request, &cached)?;
        // The attempt may have outlasted the cached token, because the machine slept.
        if response.record.valid_token(ports.clock.now()).is_some() {
            return Ok(response);
        }
    }
    if request.offline {
        return still_valid(ports, request, &RefreshError::Offline).ok_or(RefreshError::Offline);
    }

    let mode = if request.refresh { Mode::Forced } else { Mode::Required };
    let budget_deadline = Deadline::after(ports.clock, request.wait.min(request.timeout));
    loop {
        // 3 to 7. Take the lock, read everything again, send one request, commit the answer.
        let error = match refresh(&Refresh { ports, request, deadline, seen: &cached, mode }) {
            Err(error) if !error.is_interrupted() => error,
            outcome => return outcome,
        };

        // 8. Serve a valid token whenever possible.
        if let Some(response) = still_valid(ports, request, &error) {
            return Ok(response);
        }
        match error.wait_for_budget() {
            Some(wait) if wait <= budget_deadline.remaining(ports.clock) => {
                (ports.waiting)(WaitEvent::ForBudget(wait));
                ports.clock.sleep(wait);
                (ports.waiting)(WaitEvent::Over);
            }
            _ => return Err(error),
        }
    }
}

/// Reads the cache. An unreadable one counts as empty, except under `--refresh`, where a token is new only if the cache
/// did not hold it before.
fn read_cache(ports: &Ports<'_>, request: &TokenRequest) -> Result<CacheRecord, RefreshError> {
    let id = ports.credential.id()?;
    let cached = match (ports.open)(&id)?.cache() {
        Err(error) if request.refresh => return Err(error.into()),
        cache => cache.unwrap_or_default(),
    };
    match &cached.token {
        Some(token) => log::debug!("the cached token has {} s left", token.left_ms(ports.clock.now()) / 1000),
        None => log::debug!("no token is cached"),
    }
    Ok(cached)
}

/// Makes one attempt. Every failure but a signal leaves the cached token.
fn refresh_ahead(
    ports: &Ports<'_>,
    request: &TokenRequest,
    cached: &CacheRecord,
) -> Result<TokenResponse, RefreshError> {
    let deadline = Deadline::after(ports.clock, AHEAD_TIMEOUT.min(request.timeout));
    match refresh(&Refresh { ports, request, deadline, seen: cached, mode: Mode::Ahead }) {
        Err(error) if !error.is_interrupted() => {
            log::info!("not refreshed ahead of expiry: {}", Error::from(error).message());
            Ok(cached.clone().into())
        }
        outcome => outcome,
    }
}

/// The cached token, read again now, if it is still valid and may be used in place of a new one: not after `refused`, not
/// under `--refresh`, and not below an explicit `--min-ttl`.
fn still_valid(ports: &Ports<'_>, request: &TokenRequest, error: &RefreshError) -> Option<TokenResponse> {
    if request.refresh || matches!(error, RefreshError::Refused { .. }) {
        return None;
    }
    let id = ports.credential.id().ok()?;
    let record = (ports.open)(&id).ok()?.cache().ok()?;
    let now = ports.clock.now();
    let token = record.valid_token(now)?;
    if matches!(request.min_ttl, MinTtl::Explicit(_))
        && token.freshness(now, request.min_ttl) == Freshness::Stale
    {
        return None;
    }
    let time = humanize(Duration::from_millis(token.left_ms(now).max(0) as u64));
    let warning = match error {
        RefreshError::Offline => {
            tr!("no new token was requested (--offline); the cached one is valid for {time}", time)
        }
        _ => {
            let why = Error::from(error.clone());
            tr!(
                "could not get a new token ({why}); the cached one is valid for {time}",
                why = why.message(),
                time
            )
        }
    };
    Some(TokenResponse { record, warning: Some(warning) })
}
