//! Which credential a profile may have, told from the logins and logouts that were run: they overlap, and some are
//! killed, so often there is more than one answer. Never is there none.

use std::collections::BTreeMap;
use std::sync::Mutex;

/// What a login or a logout was to change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The credential is the one of this refresh token (its fingerprint), of this code, or a client's own.
    Login(Owner),
    Logout,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Owner {
    RefreshToken(String),
    Code(String),
    Client,
}

#[derive(Debug)]
struct Event {
    change: Change,
    begun_ms: u64,
    /// None while it runs.
    ended_ms: Option<u64>,
    /// Whether it ended well. Else it may have done its work all the same, until it ended.
    sure: bool,
}

#[derive(Debug, Default)]
pub struct History(Mutex<BTreeMap<String, Vec<Event>>>);

impl History {
    /// Something begins; what is answered tells it from others.
    pub fn begins(&self, profile: &str, change: Change, now_ms: u64) -> usize {
        let mut profiles = self.0.lock().unwrap();
        let events = profiles.entry(profile.to_owned()).or_default();
        events.push(Event { change, begun_ms: now_ms, ended_ms: None, sure: false });
        events.len() - 1
    }

    pub fn ends(&self, profile: &str, index: usize, sure: bool, now_ms: u64) {
        let mut profiles = self.0.lock().unwrap();
        let event = &mut profiles.get_mut(profile).unwrap()[index];
        (event.ended_ms, event.sure) = (Some(now_ms), sure);
    }

    /// Whether a call from `begun_ms` to `ended_ms` may have met a login for which `is_it` says yes.
    pub fn may_be(
        &self,
        profile: &str,
        begun_ms: u64,
        ended_ms: u64,
        is_it: impl Fn(&Change) -> bool,
    ) -> bool {
        let profiles = self.0.lock().unwrap();
        let events = profiles.get(profile).map_or(&[][..], Vec::as_slice);
        events.iter().filter(|event| is_it(&event.change) && event.begun_ms <= ended_ms).any(|event| {
            let replaced = |later: &Event| {
                later.sure
                    && event.ended_ms.is_some_and(|ended| later.begun_ms > ended)
                    && later.ended_ms.is_some_and(|ended| ended < begun_ms)
            };
            !events.iter().any(replaced)
        })
    }

    /// Whether such a call may have found nobody logged in.
    pub fn may_be_logged_out(&self, profile: &str, begun_ms: u64, ended_ms: u64) -> bool {
        self.may_be(profile, begun_ms, ended_ms, |change| *change == Change::Logout)
    }
}
