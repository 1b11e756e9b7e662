//! Grants and their token limits.

use crate::sandbox::limits::{Limits, ms};
use std::collections::VecDeque;

/// A grant, identified by a refresh token, or by the client itself.
pub(super) struct Grant {
    /// `None` for client credentials and for logins without a refresh token.
    pub refresh_token: Option<String>,
    /// The refresh token that the current one replaced, until that is used.
    pub replaced: Option<String>,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub data_center: String,
    /// False if revoked, or deleted because 20 newer refresh tokens exist.
    pub alive: bool,
    pub window: Window,
    /// Valid access tokens, oldest first.
    pub live: VecDeque<String>,
    pub minted: usize,
}

/// The sliding window that limits tokens.
#[derive(Default)]
pub(super) struct Window {
    /// Issue times in ms within the window, oldest first.
    mints: VecDeque<u64>,
    blocked_until: u64,
    /// The most tokens ever issued within one window.
    pub most: usize,
    pub throttled: usize,
}

impl Window {
    /// Counts a token; returns false if there are too many. A throttle lasts for the rest of the window, even if
    /// the budget is raised.
    pub(super) fn admit(&mut self, now: u64, limits: &Limits) -> bool {
        let window = ms(limits.window);
        while self.mints.front().is_some_and(|minted| minted + window <= now) {
            self.mints.pop_front();
        }
        if now < self.blocked_until {
            self.throttled += 1;
            return false;
        }
        if self.mints.len() >= limits.budget {
            self.blocked_until = self.mints.front().unwrap_or(&now) + window;
            self.throttled += 1;
            return false;
        }
        self.mints.push_back(now);
        self.most = self.most.max(self.mints.len());
        true
    }

    /// The remaining throttle in ms.
    pub(super) fn blocked_for(&self, now: u64) -> u64 {
        self.blocked_until.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_is_throttled_until_the_first_leaves_the_window() {
        let (mut window, limits) = (Window::default(), Limits::default());
        for n in 0..10 {
            assert!(window.admit(1_000 + n, &limits), "{n}");
        }
        assert!(!window.admit(2_000, &limits));
        assert!(!window.admit(600_999, &limits));
        assert!(window.admit(601_000, &limits));
        assert_eq!((window.most, window.throttled), (10, 2));
    }

    #[test]
    fn a_raised_budget_does_not_lift_a_block() {
        let (mut window, mut limits) = (Window::default(), Limits { budget: 1, ..Limits::default() });
        assert!(window.admit(0, &limits));
        assert!(!window.admit(1, &limits));
        limits.budget = 100;
        assert!(!window.admit(2, &limits));
        assert_eq!(window.blocked_for(2), 599_998);
        assert!(window.admit(600_000, &limits));
    }
}
