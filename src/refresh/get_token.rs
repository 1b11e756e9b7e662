//! How a token is had, as every caller goes: the cache, else a refresh, else whatever still lives.

use crate::error::Error;
use crate::i18n::tr;
use crate::model::{CacheRecord, Freshness, MinTtl};
use crate::refresh::error::RefreshError;
use crate::refresh::refresh::{Early, Ports, WaitEvent, refresh};
use crate::system::Deadline;
use std::time::Duration;

/// What a caller wants.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest {
    /// The life that the token must have left.
    pub min_ttl: MinTtl,
    /// For the whole call.
    pub timeout: Duration,
    /// How much of it may be spent waiting for budget.
    pub wait: Duration,
    /// A new token even if the cached one is fresh.
    pub refresh: bool,
    /// The cache only.
    pub offline: bool,
}

/// A token that may be handed out.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The token set.
    pub record: CacheRecord,
    /// What the caller should be told on stderr, if anything.
    pub warning: Option<String>,
}

/// A token for the credential of `ports`, as contract section 3 has it. The record always holds a token.
pub fn get_token(ports: &Ports<'_>, ask: &TokenRequest) -> Result<TokenResponse, RefreshError> {
    let deadline = Deadline::after(ports.clock, ask.timeout);
    ports.credential.bound(deadline.remaining(ports.clock));
    let id = ports.credential.id()?;
    let store = (ports.open)(&id)?;
    // Under `--refresh` a token is new if it is none that was there before, so that has to be known.
    let seen = match store.cache() {
        Err(error) if ask.refresh => return Err(error.into()),
        cache => cache.unwrap_or_default(),
    };
    match &seen.token {
        Some(token) => log::debug!("the cached token has {} s left", token.left_ms(ports.clock.now()) / 1000),
        None => log::debug!("no token is cached"),
    }
    if !ask.refresh {
        match seen.freshness(ports.clock.now(), ask.min_ttl) {
            Freshness::Fresh => return Ok(TokenResponse { record: seen, warning: None }),
            Freshness::Early if ask.offline => return Ok(TokenResponse { record: seen, warning: None }),
            Freshness::Early => {
                let renewed = refresh_ahead(ports, ask, seen.clone())?;
                // The attempt may have outlasted the old token: the machine slept, or the token lives but seconds.
                if renewed.record.valid_token(ports.clock.now()).is_some() {
                    return Ok(renewed);
                }
            }
            Freshness::Stale => {}
        }
    }
    if ask.offline {
        return living(ports, ask, &RefreshError::Offline).ok_or(RefreshError::Offline);
    }
    let patience = Deadline::after(ports.clock, ask.wait.min(ask.timeout));
    loop {
        let error = match refresh(ports, ask, &deadline, &seen, Early::No) {
            Ok(renewed) => return Ok(renewed),
            Err(error) if error.is_interrupted() => return Err(error),
            Err(error) => error,
        };
        if let Some(obtained) = living(ports, ask, &error) {
            return Ok(obtained);
        }
        match waiting_helps(&error) {
            Some(wait) if wait <= patience.remaining(ports.clock) => {
                (ports.waiting)(WaitEvent::ForBudget(wait));
                ports.clock.sleep(wait);
                (ports.waiting)(WaitEvent::Over);
            }
            _ => return Err(error),
        }
    }
}

/// One attempt in the early window, if nobody else is at it; the old token is as good as before whatever comes of it but
/// a signal.
fn refresh_ahead(
    ports: &Ports<'_>,
    ask: &TokenRequest,
    seen: CacheRecord,
) -> Result<TokenResponse, RefreshError> {
    let deadline = Deadline::after(ports.clock, Early::TIMEOUT.min(ask.timeout));
    match refresh(ports, ask, &deadline, &seen, Early::Yes) {
        Err(error) if error.is_interrupted() => Err(error),
        Err(error) => {
            log::info!("not renewed early: {}", Error::from(error).message());
            Ok(TokenResponse { record: seen, warning: None })
        }
        renewed => renewed,
    }
}

/// The one rule for the living: whenever no new token can be had, a living one is handed out with a warning, except
/// after a refusal, under `--refresh`, or below a life that was asked for explicitly.
fn living(ports: &Ports<'_>, ask: &TokenRequest, error: &RefreshError) -> Option<TokenResponse> {
    if ask.refresh || matches!(error, RefreshError::Refused { .. } | RefreshError::NeverLoggedIn(_)) {
        return None;
    }
    let record = ports
        .credential
        .id()
        .ok()
        .and_then(|id| (ports.open)(&id).ok())
        .and_then(|store| store.cache().ok())?;
    let now = ports.clock.now();
    let token = record.valid_token(now)?;
    if let MinTtl::Explicit(_) = ask.min_ttl
        && token.freshness(now, ask.min_ttl) == Freshness::Stale
    {
        return None;
    }
    let left = Duration::from_millis(token.left_ms(now).max(0) as u64);
    let warning = match error {
        RefreshError::Offline => Some(tr!(
            "no new token was asked for (--offline); the old one is good for another {time}",
            time = crate::i18n::humanize(left),
        )),
        _ => Some(tr!(
            "no new token could be had ({why}); the old one is good for another {time}",
            why = Error::from(error.clone()).message(),
            time = crate::i18n::humanize(left),
        )),
    };
    Some(TokenResponse { record, warning })
}

/// How long until budget is there again, where that is all that is missing.
fn waiting_helps(error: &RefreshError) -> Option<Duration> {
    match error {
        RefreshError::OutOfBudget { retry_after, .. }
        | RefreshError::CoolingDown { retry_after }
        | RefreshError::TooManyRejects { retry_after } => Some(*retry_after),
        _ => None,
    }
}
