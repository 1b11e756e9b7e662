//! The token requests already made, and what Zoho's limit still allows. The file format is frozen, because two
//! installed versions may share a ledger.

use crate::i18n::{humanize, tr};
use crate::model::{Budget, Timestamp, ms};
use crate::problem::{Problem, is_plain_word};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

/// An entry counts this much longer than the window, because Zoho's clock and ours differ. In ms.
const MARGIN_MS: i64 = 15_000;
/// An unanswered request may have reached Zoho this long after it was sent. In ms.
const UNANSWERED_MS: i64 = 10_000;
/// Entries are kept this long for `minted_last_hour`. In ms.
const HOUR_MS: i64 = 3_600_000;
/// The most entries. With more, the file could be longer than 64 KiB, and not be read again. Budgets above this number are
/// not enforced exactly.
const MOST_ENTRIES: usize = 200;
/// Pause after a failed early refresh, in ms.
const EARLY_PAUSE_MS: i64 = 60_000;
const LONGEST_COOL_DOWN_MS: i64 = 1_800_000;
/// Refreshes that rejected tokens may cause per window.
const REJECT_LIMIT: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// A random id. Empty in entries of older versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Read just before the request was sent.
    pub sent: Timestamp,
    #[serde(default)]
    pub answered: Option<Timestamp>,
    #[serde(default)]
    pub granted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    Transient,
    Throttled,
    Refused,
    /// Zoho rejected the client id or the client secret.
    Misconfigured,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    /// Zoho's error code, or the code of a [`Problem`]. Letters, digits and underscores only, even if another program
    /// wrote the ledger.
    #[serde(deserialize_with = "plain_word")]
    pub error: String,
    /// The text that version 0.1 requires and shows. It is constant when written and ignored when read.
    #[serde(skip_deserializing, serialize_with = "old_message")]
    message: (),
    pub at: Timestamp,
    /// Consecutive rounds with this kind of failure, from 1.
    pub rounds: u32,
    /// Fingerprint of the client secret used, so that a corrected secret is tried at once.
    #[serde(default)]
    pub(crate) secret_fp: String,
}

fn old_message<S: Serializer>((): &(), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("the last request failed")
}

/// Replaces an invalid code by that of [`Problem::Unspecified`].
fn plain_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|word| as_plain_word(&word))
}

fn as_plain_word(word: &str) -> String {
    if is_plain_word(word) { word.to_owned() } else { Problem::Unspecified.code() }
}

impl Failure {
    /// Why a transient failure brought no usable response.
    pub fn problem(&self) -> Problem {
        Problem::of_code(&self.error)
    }

    /// Describes the failure in the language of the call. `host` is the accounts server's.
    pub fn message(&self, host: &str) -> String {
        match self.kind {
            FailureKind::Transient => self.problem().message(host),
            FailureKind::Throttled => tr!("Zoho throttled this refresh token"),
            FailureKind::Refused => tr!("Zoho no longer accepts the refresh token"),
            FailureKind::Misconfigured => tr!("Zoho rejected the client"),
        }
    }
}

/// A period without requests after Zoho throttled one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoolDown {
    pub since: Timestamp,
    pub length_ms: i64,
}

/// How much of a budget is used. Every report and every error shows these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// Requests that Zoho allows in a window.
    pub limit: u32,
    /// Requests that count at the moment. More than `limit` if others used the credential, too.
    pub used: u32,
    /// Until the next automatic refresh is allowed.
    pub next_slot: Duration,
}

impl BudgetUse {
    pub fn left(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// In words, with the wait if there is one.
    pub(crate) fn describe(&self) -> String {
        let (left, limit, time) = (self.left(), self.limit, humanize(self.next_slot));
        if self.next_slot.is_zero() {
            tr!("{left} of {limit} left", left, limit)
        } else if left == 0 {
            tr!("{left} of {limit} left, next slot in {time}", left, limit, time)
        } else {
            tr!("{left} of {limit} left, reserved for --refresh; next slot in {time}", left, limit, time)
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Requests of the last hour, oldest first.
    #[serde(default)]
    pub requests: Vec<Entry>,
    #[serde(default)]
    pub rejects: Vec<Timestamp>,
    /// The cooldown, which may be over.
    #[serde(default)]
    pub cool_down: Option<CoolDown>,
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Total number of failed attempts. Waiting callers compare it to notice a new failure.
    #[serde(default)]
    pub failures: u64,
    /// When an early refresh last failed.
    #[serde(default)]
    pub early_failed: Option<Timestamp>,
}

impl Entry {
    /// The last known time of the request, from which its age is counted.
    fn latest(&self) -> &Timestamp {
        self.answered.as_ref().unwrap_or(&self.sent)
    }

    /// Milliseconds until the entry no longer counts against the window.
    fn counts_for_ms(&self, now: &Timestamp, window_ms: i64) -> i64 {
        let until = match &self.answered {
            Some(answered) => window_ms + MARGIN_MS - answered.age_ms(now),
            None => window_ms + MARGIN_MS + UNANSWERED_MS - self.sent.age_ms(now),
        };
        until.max(0)
    }
}

impl Ledger {
    /// Stands in for an unparseable ledger: all requests but two count as made just now.
    pub fn unreadable(now: &Timestamp, budget: &Budget) -> Self {
        let answered = Some(now.clone());
        let entry = Entry { id: String::new(), sent: now.clone(), answered, granted: false };
        Ledger { requests: vec![entry; budget.tokens.saturating_sub(2) as usize], ..Ledger::default() }
    }

    /// How much of `budget` is used at `now`.
    pub fn budget_use(&self, now: &Timestamp, budget: &Budget) -> BudgetUse {
        BudgetUse {
            limit: budget.tokens,
            used: self.used(now, budget),
            next_slot: self.next_slot(now, budget, budget.automatic()),
        }
    }

    pub fn used(&self, now: &Timestamp, budget: &Budget) -> u32 {
        self.counting_ms(now, budget).len() as u32
    }

    /// Time until fewer than `allowed` requests count. Zero if that is so now.
    pub fn next_slot(&self, now: &Timestamp, budget: &Budget, allowed: u32) -> Duration {
        let mut left = self.counting_ms(now, budget);
        let surplus = (left.len() + 1).saturating_sub(allowed.max(1) as usize);
        if surplus == 0 {
            return Duration::ZERO;
        }
        left.sort_unstable();
        from_ms(left[surplus - 1])
    }

    fn counting_ms(&self, now: &Timestamp, budget: &Budget) -> Vec<i64> {
        let window_ms = ms(budget.window);
        self.requests
            .iter()
            .map(|entry| entry.counts_for_ms(now, window_ms))
            .filter(|left| *left > 0)
            .collect()
    }

    /// How many tokens Zoho issued in the last hour.
    pub fn minted_last_hour(&self, now: &Timestamp) -> u32 {
        let recent = |entry: &&Entry| entry.granted && entry.latest().age_ms(now) < HOUR_MS;
        self.requests.iter().filter(recent).count() as u32
    }

    /// Adds an entry for a request that is about to be sent, and removes entries that no longer count.
    pub fn reserve(&mut self, now: &Timestamp, budget: &Budget) {
        let window_ms = ms(budget.window);
        self.requests
            .retain(|entry| entry.counts_for_ms(now, window_ms) > 0 || entry.latest().age_ms(now) < HOUR_MS);
        self.requests.push(Entry { id: random_id(), sent: now.clone(), answered: None, granted: false });
        self.drop_oldest();
    }

    /// Removes the oldest entries beyond [`MOST_ENTRIES`].
    pub(super) fn drop_oldest(&mut self) {
        self.requests.drain(..self.requests.len().saturating_sub(MOST_ENTRIES));
    }

    /// Records the response to the newest request.
    pub fn answered(&mut self, now: &Timestamp, granted: bool) {
        if let Some(entry) = self.requests.last_mut() {
            entry.answered = Some(now.clone());
            entry.granted = granted;
        }
    }

    /// Redates the newest request, which had no response by `now` and may have been sent as late as that.
    pub(crate) fn unanswered(&mut self, now: &Timestamp) {
        if let Some(entry) = self.requests.last_mut() {
            entry.sent = now.clone();
        }
    }

    /// Removes the newest request, of which nothing was sent.
    pub fn withdraw(&mut self) {
        self.requests.pop();
    }

    pub fn succeeded(&mut self) {
        self.failure = None;
        self.early_failed = None;
    }

    /// Records the failure of a round, which applies to all callers that waited for it.
    pub fn failed(&mut self, kind: FailureKind, error: &str, secret_fp: &str, now: &Timestamp) {
        let rounds = match &self.failure {
            Some(last) if last.kind == kind && last.secret_fp == secret_fp => last.rounds.saturating_add(1),
            _ => 1,
        };
        self.failures = self.failures.wrapping_add(1);
        let error = as_plain_word(error);
        let secret_fp = secret_fp.to_owned();
        self.failure = Some(Failure { kind, error, message: (), at: now.clone(), rounds, secret_fp });
    }

    /// Starts a cooldown, unless one is running: throttled requests never extend it.
    pub fn cool_down(&mut self, since: &Timestamp, length: Duration, now: &Timestamp) {
        if self.cool_down_left(now).is_none() {
            self.cool_down = Some(CoolDown { since: since.clone(), length_ms: ms(length) });
        }
    }

    /// Remaining time of the cooldown, if one is running.
    pub fn cool_down_left(&self, now: &Timestamp) -> Option<Duration> {
        let cool_down = self.cool_down.as_ref()?;
        let left = cool_down.length_ms.clamp(0, LONGEST_COOL_DOWN_MS) - cool_down.since.age_ms(now);
        (left > 0).then(|| from_ms(left))
    }

    /// The failure that still blocks new attempts, and for how long. Refusals and misconfigurations block only the
    /// client secret that caused them.
    pub fn remembered(&self, now: &Timestamp, secret_fp: &str) -> Option<(&Failure, Duration)> {
        let failure = self.failure.as_ref()?;
        let length_s: i64 = match failure.kind {
            FailureKind::Throttled => 0,
            FailureKind::Transient => (1i64 << failure.rounds.min(16)).clamp(2, 75),
            FailureKind::Misconfigured if failure.secret_fp == secret_fp => 60,
            FailureKind::Refused if failure.secret_fp == secret_fp => match failure.rounds {
                0 | 1 => 30,
                2 => 120,
                _ => 600,
            },
            FailureKind::Misconfigured | FailureKind::Refused => 0,
        };
        let left = length_s * 1000 - failure.at.wait_age_ms(now);
        (left > 0).then(|| (failure, from_ms(left)))
    }

    /// Whether the last round did not fail transiently. Only such a round may retry at once.
    pub(crate) fn is_first_round(&self) -> bool {
        self.failure.as_ref().is_none_or(|failure| failure.kind != FailureKind::Transient)
    }

    /// Whether no early refresh failed in the last minute.
    pub fn early_allowed(&self, now: &Timestamp) -> bool {
        self.early_failed.as_ref().is_none_or(|at| at.wait_age_ms(now) >= EARLY_PAUSE_MS)
    }

    /// How many rejected tokens were dropped in the window.
    pub fn rejects_in(&self, now: &Timestamp, window: Duration) -> usize {
        self.rejects.iter().filter(|at| at.wait_age_ms(now) < ms(window)).count()
    }

    /// Records that a rejected token was dropped.
    pub fn rejected(&mut self, now: &Timestamp, window: Duration) {
        self.rejects.retain(|at| at.wait_age_ms(now) < ms(window));
        self.rejects.push(now.clone());
    }

    /// Time until a refresh caused by a rejected token is allowed: at most three per window.
    pub fn reject_wait(&self, now: &Timestamp, window: Duration) -> Option<Duration> {
        let mut left: Vec<i64> =
            self.rejects.iter().map(|at| ms(window) - at.wait_age_ms(now)).filter(|left| *left > 0).collect();
        left.sort_unstable();
        let surplus = left.len().checked_sub(REJECT_LIMIT + 1)?;
        Some(from_ms(left[surplus]))
    }
}

/// Empty if the system has no random numbers.
fn random_id() -> String {
    getrandom::u64().map_or_else(|_| String::new(), |id| format!("{id:016x}"))
}

/// Rounds up to whole seconds, so that a caller that waits this long is not early.
fn from_ms(ms: i64) -> Duration {
    Duration::from_secs((ms.max(0) as u64).div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp { wall_ms: 1_700_000_000_000 + s * 1000, boot_ms: 10_000 + s * 1000, boot_id: "b".into() }
    }

    fn asked(ledger: &mut Ledger, s: i64) {
        ledger.reserve(&at(s), &Budget::default());
        ledger.answered(&at(s), true);
    }

    /// An answered request counts for the window and a margin of 15 s after its answer. One without an answer counts
    /// 10 s longer, from when it may have been sent.
    #[test]
    fn an_entry_counts_for_the_window_and_a_margin() {
        let used = |ledger: &Ledger, s| ledger.used(&at(s), &Budget::default());
        let entry = |finish: fn(&mut Ledger)| {
            let mut ledger = Ledger::default();
            ledger.reserve(&at(0), &Budget::default());
            finish(&mut ledger);
            ledger
        };
        for (ledger, until) in [
            (entry(|ledger| ledger.answered(&at(0), true)), 615),
            (entry(|_| {}), 625),
            (entry(|ledger| ledger.unanswered(&at(100))), 725),
        ] {
            assert_eq!((used(&ledger, until - 1), used(&ledger, until)), (1, 0));
            let endless = Budget { tokens: 1, window: Duration::MAX };
            assert_eq!(ledger.used(&at(1_000_000), &endless), 1);
        }
        assert_eq!(used(&Ledger::unreadable(&at(0), &Budget::default()), 0), 8);
    }

    #[test]
    fn the_next_slot_opens_when_the_oldest_entry_ends() {
        let mut ledger = Ledger::default();
        (0..10).for_each(|s| asked(&mut ledger, s));
        assert_eq!(ledger.next_slot(&at(10), &Budget::default(), 10), Duration::from_secs(605));
        assert_eq!(ledger.next_slot(&at(10), &Budget::default(), 9), Duration::from_secs(606));
        assert_eq!(ledger.next_slot(&at(615), &Budget::default(), 10), Duration::ZERO);
    }

    /// Entries are kept for an hour or as long as they count. A suspended machine may send a request hours after its entry
    /// was written; it counts from the response.
    #[test]
    fn entries_are_kept_for_an_hour_or_as_long_as_they_count() {
        let hours = |n: u64| Budget { tokens: 10, window: Duration::from_secs(n * 3600) };
        for (budget, kept_s) in [(Budget::default(), 3600), (hours(2), 7225)] {
            for (later_s, left) in [(kept_s - 1, 2), (kept_s, 1)] {
                let mut ledger = Ledger::default();
                ledger.reserve(&at(0), &budget);
                ledger.reserve(&at(later_s), &budget);
                assert_eq!(ledger.requests.len(), left, "{budget:?} after {later_s} s");
            }
        }
        let mut ledger = Ledger::default();
        ledger.reserve(&at(0), &Budget::default());
        ledger.answered(&at(7200), true);
        ledger.reserve(&at(7210), &Budget::default());
        assert_eq!(ledger.used(&at(7210), &Budget::default()), 2);
        let minted = [7210, 7200 + 3599, 7200 + 3600].map(|s| ledger.minted_last_hour(&at(s)));
        assert_eq!(minted, [1, 1, 0], "only the granted one");
    }

    #[test]
    fn a_failure_is_remembered_longer_each_time_and_for_its_secret() {
        use FailureKind::{Misconfigured, Refused, Transient};
        for (kind, waits) in [
            (Transient, [2, 4, 8, 16, 32, 64, 75, 75]),
            (Refused, [30, 120, 600, 600, 600, 600, 600, 600]),
            (Misconfigured, [60; 8]),
        ] {
            let mut ledger = Ledger::default();
            for wait in waits {
                ledger.failed(kind, "x", "fp", &at(0));
                let left = |s| ledger.remembered(&at(s), "fp").map(|(_, left)| left.as_secs());
                let expected = (Some(wait as u64), Some(1), None);
                assert_eq!((left(0), left(wait - 1), left(wait)), expected, "{kind:?}");
                assert_eq!(ledger.remembered(&at(0), "other").is_some(), kind == Transient);
                assert_eq!(ledger.is_first_round(), kind != Transient);
            }
            let rounds = |ledger: &Ledger| ledger.failure.as_ref().unwrap().rounds;
            assert_eq!(rounds(&ledger), 8);
            ledger.failed(kind, "x", "other", &at(0));
            assert_eq!(rounds(&ledger), 1, "a failure of another secret");
            ledger.early_failed = Some(at(0));
            ledger.succeeded();
            assert!(ledger.remembered(&at(0), "fp").is_none() && ledger.early_allowed(&at(0)));
            assert_eq!(ledger.failures, 9, "callers that waited for a failed round still see it");
        }
    }

    #[test]
    fn no_attempt_extends_a_cooldown() {
        let mut ledger = Ledger::default();
        ledger.cool_down(&at(0), Duration::from_secs(600), &at(0));
        ledger.cool_down(&at(300), Duration::from_secs(600), &at(300));
        assert_eq!(ledger.cool_down_left(&at(599)), Some(Duration::from_secs(1)));
        assert_eq!(ledger.cool_down_left(&at(600)), None);
        ledger.cool_down(&at(600), Duration::from_secs(86_400), &at(600));
        assert_eq!(ledger.cool_down_left(&at(600)), Some(Duration::from_secs(1800)), "the longest");
    }

    #[test]
    fn rejects_count_for_the_window_and_are_forgotten_after_it() {
        let window = Duration::from_secs(600);
        let mut ledger = Ledger::default();
        (0..3).for_each(|s| ledger.rejected(&at(s), window));
        assert_eq!(ledger.reject_wait(&at(3), window), None);
        ledger.rejected(&at(3), window);
        for (s, rejects, wait_s) in [(3, 4, Some(597)), (599, 4, Some(1)), (600, 3, None)] {
            assert_eq!(ledger.rejects_in(&at(s), window), rejects);
            assert_eq!(ledger.reject_wait(&at(s), window), wait_s.map(Duration::from_secs));
        }
        ledger.rejected(&at(601), window);
        assert_eq!(ledger.rejects, [at(2), at(3), at(601)]);
    }

    #[test]
    fn the_format_is_frozen() {
        let text = r#"{"requests":[{"sent":{"wall_ms":1,"boot_ms":2,"boot_id":"b"},"answered":null,"granted":false}],"rejects":[],"cool_down":{"since":{"wall_ms":1,"boot_ms":2,"boot_id":"b"},"length_ms":600000},"failure":{"kind":"refused","error":"invalid_code","message":"the last request failed","at":{"wall_ms":1,"boot_ms":2,"boot_id":"b"},"rounds":1,"secret_fp":"x"},"failures":7,"early_failed":null}"#;
        let ledger: Ledger = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&ledger).unwrap(), text);
    }
}
