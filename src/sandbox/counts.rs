//! What happened, in numbers.

use crate::sandbox::grant::Grant;
use crate::sandbox::reply::fingerprint;
use crate::sandbox::state::SandboxState;
use serde::{Deserialize, Serialize};

/// Counts over everything that happened since the start or the last reset.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Counts {
    /// The sandbox's time, ms since the epoch.
    pub now_ms: u64,
    /// Requests to the token endpoint, whatever came of them.
    pub token_requests: usize,
    /// Access tokens made.
    pub minted: usize,
    /// Requests refused because there were too many.
    pub throttled: usize,
    /// The most tokens that one grant got within one window.
    pub most_in_any_window: usize,
    /// One entry for each refresh token there ever was, and for each client that got tokens without one.
    pub grants: Vec<GrantCounts>,
}

/// Counts of one refresh token, or of a client's own tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GrantCounts {
    /// First 8 hex digits of the SHA-256 of the refresh token; none for a client's own tokens.
    pub refresh_token_fp: Option<String>,
    /// The client it belongs to.
    pub client_id: String,
    /// False once it was revoked or pushed out by younger ones.
    pub alive: bool,
    /// Access tokens that live now.
    pub live_tokens: usize,
    /// Access tokens made.
    pub minted: usize,
    /// Requests refused because there were too many.
    pub throttled: usize,
    /// The most tokens within one window.
    pub most_in_any_window: usize,
    /// How long it stays blocked, in ms.
    pub blocked_for_ms: u64,
}

impl SandboxState {
    /// What `GET /sandbox/state` tells.
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
