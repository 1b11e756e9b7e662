//! Statistics.

use crate::sandbox::grant::Grant;
use crate::sandbox::reply::fingerprint;
use crate::sandbox::state::SandboxState;
use serde::{Deserialize, Serialize};

/// Statistics since the start or the last reset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// The sandbox's time in ms since the epoch.
    pub now_ms: u64,
    /// All requests to the token endpoint.
    pub token_requests: usize,
    /// Access tokens issued.
    pub minted: usize,
    /// Throttled requests.
    pub throttled: usize,
    /// The most tokens that a grant got within one window.
    pub most_in_any_window: usize,
    /// One entry for each refresh token, and for each client that got tokens without one.
    pub grants: Vec<GrantCounts>,
}

/// Statistics of one refresh token, or of a client's own tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrantCounts {
    /// First 8 hex digits of the SHA-256 of the refresh token; `None` for a client's own tokens.
    pub refresh_token_fp: Option<String>,
    /// The client.
    pub client_id: String,
    /// False if it was revoked, or deleted because there were too many.
    pub alive: bool,
    /// Valid access tokens.
    pub live_tokens: usize,
    /// Access tokens issued.
    pub minted: usize,
    /// Throttled requests.
    pub throttled: usize,
    /// The most tokens within one window.
    pub most_in_any_window: usize,
    /// Remaining throttle, in ms.
    pub blocked_for_ms: u64,
}

impl SandboxState {
    /// The response to `GET /sandbox/state`.
    pub(super) fn counts(&self, now: u64) -> Counts {
        let grants: Vec<GrantCounts> =
            self.grants.values().map(|grant| self.grant_counts(now, grant)).collect();
        Counts {
            now_ms: now,
            token_requests: self.log.token_requests(),
            minted: grants.iter().map(|grant| grant.minted).sum(),
            throttled: grants.iter().map(|grant| grant.throttled).sum(),
            most_in_any_window: grants.iter().map(|grant| grant.most_in_any_window).max().unwrap_or(0),
            grants,
        }
    }

    fn grant_counts(&self, now: u64, grant: &Grant) -> GrantCounts {
        let lives = |token: &&String| self.access.get(*token).is_some_and(|access| now < access.expires_at);
        GrantCounts {
            refresh_token_fp: grant.refresh_token.as_deref().map(fingerprint),
            client_id: grant.client_id.clone(),
            alive: grant.alive,
            live_tokens: grant.live.iter().filter(lives).count(),
            minted: grant.minted,
            throttled: grant.window.throttled,
            most_in_any_window: grant.window.most,
            blocked_for_ms: grant.window.blocked_for(now),
        }
    }
}
