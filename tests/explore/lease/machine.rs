//! A machine of the fleet: its disk, its clocks, and how far its one refresher has got. What it decides it decides with
//! the real ledger.

use crate::rng::Rng;
use zoho_cred::model::Budget;
use zoho_cred::model::{Ledger, Timestamp};
use zoho_cred::store::redis::clocks::Clocks;

/// How many attempts a round has.
pub const ATTEMPTS: u32 = 3;

pub struct Machine {
    pub disk: Ledger,
    /// Rises with every crash: what was under way before is nobody's any more.
    pub epoch: u32,
    /// Until when Redis is out of its reach.
    pub cut_until: i64,
    pub run: Option<Run>,
    wall: i64,
    boot: i64,
    boot_id: String,
}

/// One refresher, from its first look at the lease on.
#[derive(Clone)]
pub struct Run {
    pub owner: String,
    /// This machine's time when Redis's answer had been read, and Redis's time in it.
    pub clocks: Clocks,
    pub rev: String,
    /// The revision that a write under way would make.
    pub next: String,
    pub generation: u64,
    /// As the refresher knows it.
    pub ledger: Ledger,
    /// As it was last sent to Redis.
    pub far: Ledger,
    /// When the reservation was begun, in ms since boot.
    pub begun: i64,
    pub attempts: u32,
    pub tries: u32,
    /// Its reservation is on the way: if no answer comes, nothing is sent.
    pub reserving: bool,
    /// Somebody else wrote the ledger meanwhile.
    pub overtaken: bool,
    /// Whether another attempt follows.
    pub again: bool,
}

impl Machine {
    /// A machine with clocks of its own, up to a day apart from everybody else's.
    pub fn new(rng: &Rng, nth: usize) -> Self {
        Machine {
            disk: Ledger::default(),
            epoch: 0,
            cut_until: 0,
            run: None,
            wall: 1_700_000_000_000 + rng.below(172_800_000) - 86_400_000,
            boot: 1_000_000 + rng.below(900_000_000),
            boot_id: format!("m{nth}"),
        }
    }

    pub fn moment(&self, now: i64) -> Timestamp {
        Timestamp { wall_ms: self.wall + now, boot_ms: self.boot + now, boot_id: self.boot_id.clone() }
    }

    /// Everything that is not on the disk is gone; after a reboot the clock since boot begins anew.
    pub fn crash(&mut self, now: i64, reboot: bool) {
        self.epoch += 1;
        self.run = None;
        if reboot {
            self.boot = 5_000 - now;
            self.boot_id.push('\'');
        }
    }

    /// Whether a forced refresh may be made, as the gate has it.
    pub fn may_ask(&self, ledger: &Ledger, now: i64) -> bool {
        let (moment, budget) = (self.moment(now), Budget::default());
        ledger.cool_down_left(&moment).is_none() && ledger.used(&moment, &budget) < budget.tokens
    }
}

impl Run {
    /// A ledger of Redis in this machine's time.
    pub fn read(&self, json: &str, now: &Timestamp) -> Ledger {
        if json.is_empty() {
            return Ledger::default();
        }
        let ledger: Ledger = serde_json::from_str(json).unwrap();
        ledger.with_times(|moment| self.clocks.to_local(moment, now))
    }

    /// A ledger of this machine in Redis's time.
    pub fn write(&self, ledger: &Ledger, now: &Timestamp) -> String {
        let ledger = ledger.with_times(|moment| self.clocks.to_redis(moment, now));
        serde_json::to_string(&ledger).unwrap()
    }
}
