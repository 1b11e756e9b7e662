//! How much of everything there was.

use crate::harness::Outcome;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

#[derive(Default)]
pub struct Figures {
    codes: Mutex<BTreeMap<i32, u64>>,
    pub processes: AtomicU64,
    pub kills: AtomicU64,
    pub terms: AtomicU64,
    pub stops: AtomicU64,
    pub mishaps: AtomicU64,
    pub logins: Begun,
    pub logouts: Begun,
}

/// How many were begun, and how many of them ended well.
#[derive(Default)]
pub struct Begun(AtomicU64, AtomicU64);

impl Begun {
    pub fn ended(&self, well: bool) {
        self.0.fetch_add(1, SeqCst);
        self.1.fetch_add(u64::from(well), SeqCst);
    }
}

impl Figures {
    pub fn one(of: &AtomicU64) {
        of.fetch_add(1, SeqCst);
    }

    pub fn code(&self, outcome: &Outcome) {
        *self.codes.lock().unwrap().entry(outcome.code).or_default() += 1;
    }

    /// A storm in which hardly anything succeeds shows nothing.
    pub fn are_of_a_storm(&self) {
        let few = |count: u64| count < 10;
        let well = self.codes.lock().unwrap().get(&0).copied().unwrap_or(0);
        let idle = few(well) || few(self.kills.load(SeqCst)) || few(self.logins.1.load(SeqCst));
        assert!(!idle && self.logouts.1.load(SeqCst) > 0, "{self}");
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [processes, kills, terms, stops, mishaps] =
            [&self.processes, &self.kills, &self.terms, &self.stops, &self.mishaps].map(|of| of.load(SeqCst));
        let [logins, logouts] =
            [&self.logins, &self.logouts].map(|begun| (begun.0.load(SeqCst), begun.1.load(SeqCst)));
        write!(
            to,
            "{processes} processes, {kills} killed, {terms} terminated, {stops} stopped, {mishaps} mishaps; \
             {} logins ({} ended well), {} logouts ({}); exit codes {:?}",
            logins.0,
            logins.1,
            logouts.0,
            logouts.1,
            self.codes.lock().unwrap(),
        )
    }
}
