//! What every caller may have been told.

use super::Storm;
use super::callers::{Errand, Kind};
use super::history::{Change, Owner};
use super::{LIVES, fingerprint};
use crate::harness::{Outcome, Test};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// How much longer than it was given a call may take on a machine that is very busy.
const SLACK: Duration = Duration::from_secs(20);

/// A token that the sandbox made.
#[derive(Clone, Debug)]
pub struct Mint {
    time_ms: u64,
    /// Fingerprint of its refresh token; none for a client's own.
    refresh_token: Option<String>,
}

/// Tokens by fingerprint, and which code made which refresh token.
#[derive(Default)]
pub struct Mints(Mutex<(HashMap<String, Mint>, HashMap<String, String>)>);

impl Mints {
    /// The mint of a token; the log is long, so it is read only for one that is new.
    fn of(&self, test: &Test, token: &str) -> Option<Mint> {
        let (mut known, fp) = (self.0.lock().unwrap(), fingerprint(token));
        if !known.0.contains_key(&fp) {
            for entry in test.sandbox.log().into_iter().filter(|entry| entry.minted) {
                if let (Some(code), Some(made)) = (&entry.code_fp, &entry.refresh_token_fp) {
                    known.1.insert(code.clone(), made.clone());
                }
                let mint = Mint { time_ms: entry.time_ms, refresh_token: entry.refresh_token_fp };
                known.0.extend(entry.token_fp.map(|fp| (fp, mint)));
            }
        }
        known.0.get(&fp).cloned()
    }

    fn is_of(&self, mint: &Mint, owner: &Owner) -> bool {
        match owner {
            Owner::RefreshToken(fp) => mint.refresh_token.as_ref() == Some(fp),
            Owner::Code(fp) => {
                let known = self.0.lock().unwrap();
                mint.refresh_token.is_some() && known.1.get(fp) == mint.refresh_token.as_ref()
            }
            Owner::Client => mint.refresh_token.is_none(),
        }
    }
}

impl Storm<'_> {
    pub fn judge(&self, errand: &Errand, begun_ms: u64, is_harmed: bool, outcome: &Outcome) {
        let what = || format!("{:?}: {outcome:?}", errand.args);
        let known = [0, 69, 74, 75, 77, 78].contains(&outcome.code);
        assert!(known || (is_harmed && [130, 143, 137].contains(&outcome.code)), "{}", what());
        assert!(outcome.took < errand.timeout + SLACK || is_harmed, "too late: {}", what());
        assert!(outcome.took < Duration::from_secs(90), "too late: {}", what());
        for secret in self.secrets.lock().unwrap().iter() {
            assert!(
                !outcome.stderr.contains(secret) && !outcome.stdout.contains(secret),
                "leaks: {}",
                what()
            );
        }
        // Every profile is logged in from the start, and no login touches another's lines of the config.
        assert!(!outcome.stderr.contains("error[unknown_profile]"), "{}", what());
        assert!(!outcome.stderr.contains("error[config]"), "{}", what());
        if let Kind::Token(profile) = &errand.kind {
            self.judge_token(profile, begun_ms, outcome);
        }
    }

    /// The token of a call, if it printed one, lived when the call began, and is of a login that the profile may have
    /// had since; and none is missing that nobody took away.
    pub fn judge_token(&self, profile: &str, begun_ms: u64, outcome: &Outcome) {
        let what = || format!("{profile}: {outcome:?}, begun at {begun_ms}, {:?}", self.history);
        let ended_ms = self.test.sandbox.now_ms();
        if outcome.code == 77 && !outcome.stderr.contains("no longer accepts") {
            assert!(
                self.history.may_be_logged_out(profile, begun_ms, ended_ms),
                "a login was lost: {}",
                what()
            );
        }
        // A signal may come after the answer was written and before the process has ended.
        let was_answered = [130, 143, 137].contains(&outcome.code) && outcome.stdout.ends_with('\n');
        if outcome.code != 0 && !was_answered {
            assert_eq!(outcome.stdout, "", "{}", what());
            return;
        }
        let token = outcome.stdout.lines().next().unwrap_or_default();
        let token = token.strip_prefix("password=").unwrap_or(token).rsplit(' ').next().unwrap();
        let mint = self.mints.of(self.test, token);
        let mint = mint.unwrap_or_else(|| panic!("the sandbox never made the token: {}", what()));
        let killed = self.killed_ms.lock().unwrap().iter().any(|at| *at >= mint.time_ms);
        let expires = mint.time_ms + LIVES[0].as_millis() as u64;
        assert!(killed || begun_ms < expires, "dead for {} ms: {}", begun_ms - expires, what());
        assert!(!outcome.stderr.contains(token), "leaks: {}", what());
        let is_its =
            |change: &Change| matches!(change, Change::Login(owner) if self.mints.is_of(&mint, owner));
        let may_be = self.history.may_be(profile, begun_ms, ended_ms, is_its);
        assert!(may_be, "a token of a login that was replaced, {mint:?}: {}", what());
    }
}
