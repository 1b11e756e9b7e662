//! What was asked and what came of it: every request, never a secret.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// One request, in the order of arrival. It is there as soon as the request has been read, even if the answer is
/// delayed or never comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The sandbox's time of arrival, ms since the epoch.
    pub time_ms: u64,
    /// The data center it came to.
    pub data_center: String,
    /// Which endpoint it was.
    pub endpoint: super::Endpoint,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Parameters of query and form by name; the value of a secret or unknown one is `(hidden)`.
    pub params: BTreeMap<String, String>,
    /// `grant_type`, if one was given.
    pub grant_type: Option<String>,
    /// HTTP status of the answer; none if a fault keeps it from arriving whole.
    pub status: Option<u16>,
    /// `granted`, `throttled`, `invalid_code`, …, or the name of the fault that answered.
    pub outcome: String,
    /// The fault that was applied.
    pub fault: Option<String>,
    /// Whether an access token was made; it counts even if the answer was lost.
    pub minted: bool,
    /// First 8 hex digits of the SHA-256 of the refresh token that was presented or made.
    pub refresh_token_fp: Option<String>,
    /// The same of the access token that was presented or made.
    pub token_fp: Option<String>,
    /// The same of the code that was presented.
    #[serde(default)]
    pub code_fp: Option<String>,
    /// How many requests to the token endpoint with the same refresh token, or of the same client where there is none,
    /// had no answer yet when this one came, itself included; 0 at other endpoints.
    #[serde(default)]
    pub at_once: usize,
    /// Names of the parameters that came in the query string.
    pub in_query: Vec<String>,
    /// Whether a secret was among them.
    pub secrets_in_query: bool,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// First word of `Authorization`.
    pub authorization_scheme: Option<String>,
}

/// The newest 100,000 requests.
#[derive(Default)]
pub(super) struct Log {
    entries: VecDeque<LogEntry>,
}

impl Log {
    const KEPT: usize = 100_000;

    pub(super) fn push(&mut self, entry: LogEntry) {
        if self.entries.len() == Log::KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(entry);
    }

    pub(super) fn entries(&self) -> Vec<LogEntry> {
        self.entries.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn token_requests(&self) -> usize {
        self.entries.iter().filter(|entry| entry.endpoint == super::Endpoint::Token).count()
    }
}
