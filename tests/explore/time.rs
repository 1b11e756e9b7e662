//! True time, and the clocks of machines, which differ from it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use zoho_cred::model::{ClockReading, Timestamp};
use zoho_cred::system::Clock;

/// Wall and boot time at the start of every schedule, in ms.
pub const WALL_MS: i64 = 1_800_000_000_000;
const BOOT_MS: i64 = 50_000_000;

pub struct Time {
    now_ms: Cell<i64>,
    pub machines: Vec<Machine>,
}

/// What its clocks are off by, and since when it has been up.
#[derive(Default)]
pub struct Machine {
    pub wall_shift_ms: Cell<i64>,
    booted_ms: Cell<i64>,
    pub boots: Cell<u32>,
    /// Until when it reaches no other machine.
    pub cut_until_ms: Cell<i64>,
}

impl Time {
    pub fn new(machines: usize) -> Self {
        Time { now_ms: Cell::new(0), machines: (0..machines).map(|_| Machine::default()).collect() }
    }

    pub fn now(&self) -> i64 {
        self.now_ms.get()
    }

    pub fn advance_to(&self, at_ms: i64) {
        self.now_ms.set(self.now().max(at_ms));
    }

    /// Both clocks of a machine. The boot clock starts anew at a reboot.
    pub fn timestamp(&self, machine: usize) -> Timestamp {
        let it = &self.machines[machine];
        let up_ms = self.now() - it.booted_ms.get();
        let boot_ms = if it.boots.get() == 0 { BOOT_MS + up_ms } else { up_ms };
        let reading = ClockReading { wall_ms: WALL_MS + self.now() + it.wall_shift_ms.get(), boot_ms };
        Timestamp::at(reading, format!("boot {machine}.{}", it.boots.get()))
    }

    pub fn reboot(&self, machine: usize) {
        let it = &self.machines[machine];
        it.boots.set(it.boots.get() + 1);
        it.booted_ms.set(self.now());
    }
}

/// A machine's clock for the shared store, which only reads it.
pub struct MachineClock(pub Rc<Time>, pub usize);

impl Clock for MachineClock {
    fn now(&self) -> ClockReading {
        self.0.timestamp(self.1).reading()
    }

    fn boot_id(&self) -> String {
        self.0.timestamp(self.1).boot_id
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.now() as u64)
    }

    fn sleep(&self, _: Duration) {}
}
