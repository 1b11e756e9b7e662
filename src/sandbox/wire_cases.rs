//! Answers of Zoho's token endpoint that were recorded or documented, for faults and tests. Each has its source.

use crate::sandbox::reply::{Body, Reply};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One answer, and what `zoho-cred` makes of it.
#[derive(Clone, Debug, Deserialize)]
pub struct WireCase {
    /// Its name in `--fault wire:NAME`, where blanks and punctuation may be written as `-`.
    pub name: String,
    /// HTTP status.
    pub status: u16,
    /// Its class: `throttled`, `transient`, `granted`, `refused`, `misconfigured` or `unknown`.
    pub class: String,
    /// The exit code of `zoho-cred get`.
    pub exit: i32,
    /// How many requests that call sends.
    pub requests: usize,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    content_type: String,
    body: Value,
}

static CASES: LazyLock<Vec<WireCase>> =
    LazyLock::new(|| serde_json::from_str(include_str!("wire-cases.json")).unwrap_or_default());

/// All cases.
pub fn wire_cases() -> &'static [WireCase] {
    &CASES
}

/// The case of this name. Case, blanks and punctuation are ignored.
pub(super) fn wire_case(name: &str) -> Option<&'static WireCase> {
    CASES.iter().find(|case| slug(&case.name) == slug(name))
}

/// The names as they are written in `--fault`.
pub(super) fn names() -> Vec<String> {
    CASES.iter().map(|case| slug(&case.name)).collect()
}

fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

impl WireCase {
    /// The body as it is sent.
    pub fn body(&self) -> String {
        self.body.as_str().map_or_else(|| self.body.to_string(), str::to_owned)
    }

    /// `error` of the body.
    pub fn error(&self) -> Option<&str> {
        self.body["error"].as_str()
    }

    pub(super) fn reply(&self) -> Reply {
        let body = match self.body() {
            text if text.is_empty() => Body::Empty,
            page if self.content_type == "text/html" => Body::Html(page),
            text => Body::Json(text),
        };
        let reply = Reply::new(self.status, body);
        match self.headers.get("Retry-After") {
            Some(seconds) => reply.with("retry-after", seconds.clone()),
            None => reply,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_found_by_its_name_and_its_slug() {
        assert_eq!(wire_cases().len(), 28);
        for case in wire_cases() {
            for name in [case.name.clone(), slug(&case.name)] {
                assert_eq!(wire_case(&name).map(|found| &found.name), Some(&case.name));
            }
        }
        assert!(wire_case("throttle").is_none());
    }
}
