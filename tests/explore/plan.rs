//! What may go wrong in a schedule. Each has some kinds of faults and lacks others ("swarm testing"): with all faults
//! at once, a schedule never gets far enough to be interesting.

use crate::rng::Rng;
use std::time::Duration;
use zoho_cred::model::Budget;

/// The rates of a schedule, per thousand port calls, answers or actions.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub budget: Budget,
    pub token_life_s: i64,
    pub callers: i64,
    pub crash: u32,
    pub stop: u32,
    pub slow: u32,
    pub store_fails: u32,
    pub store_lies: u32,
    pub not_connected: u32,
    pub lost: u32,
    pub late: u32,
    pub throttled: u32,
    pub refused: u32,
    pub misconfigured: u32,
    pub broken: u32,
    /// New refresh tokens in granted answers.
    pub rotates: u32,
    pub signal: u32,
    pub kills: i64,
    pub clock_moves: i64,
    pub junk: i64,
    /// 1 unless there is a shared store, of which the rest is.
    pub machines: usize,
    pub replies_lost: u32,
    pub cuts: i64,
    pub losses: i64,
    pub jumps: i64,
    pub reboots: i64,
}

impl Plan {
    pub fn draw(rng: &Rng) -> Self {
        let some = |rate: u32| if rng.chance(400) { rate } else { 0 };
        let few = |count: i64| if rng.chance(250) { rng.within(1, count) } else { 0 };
        Plan {
            budget: Budget {
                tokens: rng.one(&[1, 2, 2, 3, 3, 4, 5, 10]),
                window: Duration::from_secs(rng.one(&[30, 60, 600])),
            },
            token_life_s: rng.one(&[5, 20, 60, 300, 3600]),
            callers: rng.within(3, 14),
            crash: some(15),
            stop: some(5),
            slow: some(40),
            store_fails: some(40),
            store_lies: some(40),
            not_connected: some(200),
            lost: some(200),
            late: some(200),
            throttled: some(80),
            refused: some(80),
            misconfigured: some(80),
            broken: some(200),
            rotates: if rng.chance(150) { 500 } else { 0 },
            signal: some(40),
            kills: few(4),
            clock_moves: few(4),
            junk: if rng.chance(100) { 1 } else { 0 },
            machines: 1,
            ..Plan::default()
        }
    }

    /// Machines with a shared store between them. Each one's own disk is reliable: the other schedules break that.
    pub fn fleet(rng: &Rng) -> Self {
        let some = |rate: u32| if rng.chance(400) { rate } else { 0 };
        let few = |count: i64| if rng.chance(300) { rng.within(1, count) } else { 0 };
        let plan = Plan::draw(rng);
        let losses = few(3);
        Plan {
            callers: rng.within(6, 24),
            stop: rng.one(&[0, 0, 5, 50]),
            junk: 0,
            rotates: if losses > 0 { 0 } else { plan.rotates },
            machines: rng.one(&[2, 2, 3, 5]),
            replies_lost: some(100),
            cuts: few(5),
            losses,
            jumps: few(3),
            reboots: few(3),
            ..plan
        }
    }

    /// The same server, budget and events without faults.
    pub fn calm(&self) -> Self {
        let Plan { budget, token_life_s, callers, kills, clock_moves, .. } = *self;
        let Plan { junk, machines, cuts, losses, jumps, reboots, .. } = *self;
        let events = Plan { kills, clock_moves, junk, cuts, losses, jumps, reboots, ..Plan::default() };
        Plan { budget, token_life_s, callers, machines, ..events }
    }
}
