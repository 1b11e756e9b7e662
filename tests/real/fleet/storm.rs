//! Four machines in a storm: processes are killed and stopped, machines cut off, wiped and given other clocks, and Redis is
//! killed. It keeps its writes, so Zoho's limit is never exceeded. `FLEET_STORM_SECONDS` sets the length.

use super::way::{SILENT, Way};
use super::world::RedisStore;
use crate::harness::{Outcome, move_clock, random};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

const MACHINES: usize = 4;
const CALLERS: usize = 12;
/// Credentials that are used at one time, and for how long.
const CREDENTIALS: usize = 3;
const PHASE: Duration = Duration::from_secs(12);
const BUDGET: usize = 10;
const CLOCKS: [&str; 5] = ["", "", "+5s", "+1h", "-1h"];

struct Storm {
    fleet: RwLock<RedisStore>,
    ways: Vec<Way>,
    /// Offsets of the machines' clocks.
    clocks: Mutex<[&'static str; MACHINES]>,
    refresh_tokens: Mutex<Vec<String>>,
    is_over: AtomicBool,
    calls: AtomicUsize,
    harmed: AtomicUsize,
    served: Mutex<HashSet<String>>,
}

#[test]
fn a_storm_over_a_fleet_never_exceeds_the_limit() {
    let seconds = std::env::var("FLEET_STORM_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(15);
    let Some(fleet) = RedisStore::with(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let many = 1_000_000;
    let set = |limits: &mut zoho_cred::sandbox::Limits| {
        (limits.live_tokens, limits.refresh_tokens) = (many, many);
        limits.token_life = Duration::from_secs(3);
    };
    fleet.test.sandbox.set_limits(set).unwrap();
    let storm = Storm {
        ways: (0..MACHINES).map(|_| Way::to(fleet.redis.port)).collect(),
        fleet: RwLock::new(fleet),
        clocks: Mutex::default(),
        refresh_tokens: Mutex::default(),
        is_over: AtomicBool::new(false),
        calls: AtomicUsize::new(0),
        harmed: AtomicUsize::new(0),
        served: Mutex::default(),
    };
    storm.begin_phase();
    let mishaps = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| storm.call_until_it_is_over())).collect();
        let weather = scope.spawn(|| storm.weather());
        let (end, mut phase) = (Instant::now() + Duration::from_secs(seconds), Instant::now() + PHASE);
        while Instant::now() < end && !callers.iter().any(|caller| caller.is_finished()) {
            if Instant::now() > phase {
                storm.begin_phase();
                phase += PHASE;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        storm.is_over.store(true, Ordering::SeqCst);
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        weather.join().unwrap()
    });
    let fleet = storm.fleet.read().unwrap();
    let counts = fleet.test.sandbox.counts();
    eprintln!(
        "{seconds} s: {} calls, {} killed or stopped, {mishaps} mishaps of machines and Redis; {} token requests, {} tokens \
         served, at most {} requests for a credential, {} throttled",
        storm.calls.load(Ordering::SeqCst),
        storm.harmed.load(Ordering::SeqCst),
        counts.token_requests,
        storm.served.lock().unwrap().len(),
        counts.most_in_any_window,
        counts.throttled,
    );
    assert!(counts.most_in_any_window <= BUDGET && counts.throttled == 0, "{counts:?}");
    // Nothing is wrong any more: a new credential is served, with one request for all machines.
    let (before, token) = (fleet.requests(), fleet.test.sandbox.new_refresh_token());
    for machine in 0..MACHINES {
        fleet.wipe(machine);
        let mut command = storm.command(machine, &["get", "--timeout", "60s"]);
        command.env("ZOHO_REFRESH_TOKEN", &token);
        fleet.test.start(command).wait().ok();
    }
    assert_eq!(fleet.requests(), before + 1);
}

impl Storm {
    fn begin_phase(&self) {
        let fleet = self.fleet.read().unwrap();
        let new = (0..CREDENTIALS).map(|_| fleet.test.sandbox.new_refresh_token()).collect();
        *self.refresh_tokens.lock().unwrap() = new;
    }

    fn command(&self, machine: usize, args: &[&str]) -> std::process::Command {
        let mut command = self.fleet.read().unwrap().command(machine, args);
        command.env("ZOHO_CRED_STORE", format!("redis://127.0.0.1:{}/0", self.ways[machine].port));
        command
    }

    fn call_until_it_is_over(&self) {
        while !self.is_over.load(Ordering::SeqCst) {
            let machine = random(MACHINES as u64) as usize;
            let offset = self.clocks.lock().unwrap()[machine];
            let refresh_token =
                self.refresh_tokens.lock().unwrap()[random(CREDENTIALS as u64) as usize].clone();
            let args: &[&str] = if random(6) == 0 {
                &["get", "--refresh", "--timeout", "4s"]
            } else {
                &["get", "--timeout", "8s"]
            };
            let mut command = self.command(machine, args);
            command.env("ZOHO_REFRESH_TOKEN", refresh_token);
            if !offset.is_empty() {
                move_clock(&mut command, offset);
            }
            let running = self.fleet.read().unwrap().test.start(command);
            let harm = random(8);
            if harm < 2 {
                self.harmed.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(random(150)));
                running.signal(if harm == 0 { "KILL" } else { "STOP" });
                if harm == 1 {
                    std::thread::sleep(Duration::from_millis(random(6000)));
                    running.signal("CONT");
                }
            }
            let outcome = running.wait();
            self.calls.fetch_add(1, Ordering::SeqCst);
            self.judge(&outcome, harm == 0);
        }
    }

    fn judge(&self, outcome: &Outcome, is_killed: bool) {
        // 74: the machine was wiped during the call.
        let is_known = [0, 69, 74, 75].contains(&outcome.code) || (is_killed && outcome.code == 137);
        assert!(is_known, "{outcome:?}");
        if outcome.code == 0 {
            self.served.lock().unwrap().insert(outcome.stdout.trim_end().to_owned());
        }
    }

    /// What happens to machines and to Redis. Answers how often.
    fn weather(&self) -> usize {
        let mut mishaps = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let machine = random(MACHINES as u64) as usize;
            match random(8) {
                0 => {
                    self.fleet.write().unwrap_or_else(PoisonError::into_inner).redis.kill();
                    std::thread::sleep(Duration::from_millis(random(2500)));
                    self.fleet.write().unwrap_or_else(PoisonError::into_inner).redis.start_again();
                }
                1 | 2 => {
                    self.ways[machine].delay(if random(2) == 0 { SILENT } else { random(400) });
                    std::thread::sleep(Duration::from_millis(random(4000)));
                    self.ways[machine].delay(0);
                }
                3 | 4 => self.ways[machine].cut(random(2) as usize, random(3000) as usize),
                5 => self.fleet.read().unwrap().wipe(machine),
                _ => self.clocks.lock().unwrap()[machine] = CLOCKS[random(CLOCKS.len() as u64) as usize],
            }
            mishaps += 1;
            std::thread::sleep(Duration::from_millis(random(800)));
        }
        mishaps
    }
}
