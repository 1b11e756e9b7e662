//! A machine: its disk, its clocks, and the progress of its only refresher. It uses the real ledger.

use crate::rng::Rng;
use zoho_cred::model::Budget;
use zoho_cred::model::{Ledger, Timestamp};
use zoho_cred::store::shared::clocks::Clocks;

/// Attempts per round.
pub const ATTEMPTS: u32 = 3;

pub struct Machine {
    pub disk: Ledger,
    /// Incremented by every crash, which invalidates what was in progress.
    pub epoch: u32,
    /// Until when Redis is unreachable.
    pub cut_until: i64,
    pub run: Option<Run>,
    wall: i64,
    boot: i64,
    boot_id: String,
}

/// One refresher, from its first look at the lease.
#[derive(Clone)]
pub struct Run {
    pub owner: String,
    /// This machine's time when Redis's reply had been read, and Redis's time in it.
    pub clocks: Clocks,
    pub rev: String,
    /// The revision that a write in progress would create.
    pub next: String,
    pub generation: u64,
    /// The refresher's copy.
    pub ledger: Ledger,
    /// As last sent to Redis.
    pub far: Ledger,
    /// When the reservation began, in ms since boot.
    pub begun: i64,
    pub attempts: u32,
    pub tries: u32,
    /// Its reservation is in transit. Without a reply, nothing is sent.
    pub reserving: bool,
    /// Another machine wrote the ledger meanwhile.
    pub overtaken: bool,
    /// Whether another attempt follows.
    pub again: bool,
}

impl Machine {
    /// A machine whose clocks differ from others by up to a day.
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

    /// Everything that is not on disk is lost, and the disk too if it is wiped. After a reboot the boot clock restarts.
    pub fn crash(&mut self, now: i64, reboot: bool, wiped: bool) {
        self.epoch += 1;
        self.run = None;
        if wiped {
            self.disk = Ledger::default();
        }
        if reboot {
            self.boot = 5_000 - now;
            self.boot_id.push('\'');
        }
    }

    /// Whether the preflight checks allow a forced refresh.
    pub fn may_ask(&self, ledger: &Ledger, now: i64) -> bool {
        let (moment, budget) = (self.moment(now), Budget::default());
        ledger.cool_down_left(&moment).is_none() && ledger.used(&moment, &budget) < budget.tokens
    }
}

impl Run {
    /// Converts a ledger of Redis to this machine's time.
    pub fn read(&self, json: &str, now: &Timestamp) -> Ledger {
        if json.is_empty() {
            return Ledger::default();
        }
        let ledger: Ledger = serde_json::from_str(json).unwrap();
        ledger.with_times(|moment| self.clocks.to_local(moment, now))
    }

    /// Converts a ledger of this machine to Redis's time.
    pub fn write(&self, ledger: &Ledger, now: &Timestamp) -> String {
        let ledger = ledger.with_times(|moment| self.clocks.to_engine(moment, now));
        serde_json::to_string(&ledger).unwrap()
    }
}
