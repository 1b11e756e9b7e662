//! The request log, without secrets.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A request, in order of arrival. It is logged when it has been read, even if the response is delayed or never
/// sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Arrival in the sandbox's time, ms since the epoch.
    pub time_ms: u64,
    /// The data center that received it.
    pub data_center: String,
    /// The endpoint.
    pub endpoint: super::Endpoint,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Parameters of query and form by name; the value of a secret or unknown one is `(hidden)`.
    pub params: BTreeMap<String, String>,
    /// `grant_type`, if one was given.
    pub grant_type: Option<String>,
    /// HTTP status of the response; `None` if a fault keeps it from arriving whole.
    pub status: Option<u16>,
    /// `granted`, `throttled`, `invalid_code`, …, or the name of the fault that responded.
    pub outcome: String,
    /// The injected fault.
    pub fault: Option<String>,
    /// Whether an access token was issued, even if the response was lost.
    pub minted: bool,
    /// First 8 hex digits of the SHA-256 of the refresh token in the request or response.
    pub refresh_token_fp: Option<String>,
    /// The same of the access token.
    pub token_fp: Option<String>,
    /// The same of the code in the request.
    #[serde(default)]
    pub code_fp: Option<String>,
    /// At the token endpoint, the number of unanswered requests with the same refresh token (or of the same client)
    /// at arrival, including this one; else 0.
    #[serde(default)]
    pub at_once: usize,
    /// Names of the query parameters.
    pub in_query: Vec<String>,
    /// Whether one of them is a secret.
    pub secrets_in_query: bool,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// Scheme of `Authorization`.
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
