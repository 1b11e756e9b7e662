//! A virtual process: a coroutine that yields at every port call, where it may be stopped, killed, or get a fault.
//! The clock and the credential are here, the network in `network`, and the store in `disk`.

use crate::fleet::Fleet;
use crate::time::MachineClock;
use crate::world::World;
use corosensei::Yielder;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use zoho_cred::error::Error;
use zoho_cred::model::{ClockReading, CredentialId, Secrets};
use zoho_cred::refresh::TokenRequest;
use zoho_cred::secret::Secret;
use zoho_cred::secrets::{CredentialError, CredentialSource, Prepare};
use zoho_cred::store::SharedSettings;
use zoho_cred::system::{Clock, Signals};

/// A fault in the protocol, inserted through its ports, that the exploration must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The unchanged protocol.
    None,
    /// The cache is not read again under the lock.
    NoSecondRead,
    /// The credential is not read again under the lock.
    NoCredentialCheck,
    /// Nothing is written before a request.
    NoWriteAhead,
    /// The ledger is always empty.
    NoLedger,
    /// Neither the response nor a failure is written to the ledger.
    NoRecord,
    /// Every caller gets the lock.
    NoLock,
    /// The lock is broken after a wait of 3 s.
    BrokenLock,
    /// The ledger ages by the wall clock.
    WallClock,
    /// The profile's state is used even if the login record differs.
    StaleState,
    /// A new refresh token starts with an empty ledger.
    NewLedger,
    /// The ledger in the shared store is not read.
    NoSharedLedger,
    /// The shared ledger is replaced without checking its revision.
    NoRevision,
}

/// The payload of the panic that simulates `kill -9`.
pub struct Killed;

/// Why a process yields: it can continue at this true time, in ms.
pub struct Wake(pub i64);

pub struct Process<'w> {
    pub pid: usize,
    pub machine: usize,
    /// How often the machine had booted when this process began.
    boots: u32,
    /// Of the shared store, if there is one.
    pub settings: Option<SharedSettings>,
    pub world: &'w World,
    yielder: &'w Yielder<(), Wake>,
    pub signals: Signals,
    pub ask: RefCell<Option<TokenRequest>>,
    /// The refresh token that it saw throttled, and until when no request with it is allowed.
    pub throttled: RefCell<Option<(String, i64)>>,
    pub begun_ms: i64,
    /// When it last read the clock.
    pub looked_ms: Cell<i64>,
    /// How long its port calls took apart from its own waiting, in ms.
    pub held_up_ms: Cell<i64>,
    /// The version of the login record that the secrets were read from.
    version: Cell<u64>,
    /// Used by the mutant without the credential check.
    first_id: RefCell<Option<CredentialId>>,
    /// Secrets of a login that are not stored yet.
    pub given: Option<String>,
}

impl<'w> Process<'w> {
    pub fn new(pid: usize, machine: usize, world: &'w World, yielder: &'w Yielder<(), Wake>) -> Self {
        Process {
            pid,
            machine,
            boots: world.time.machines[machine].boots.get(),
            settings: world.fleet.as_ref().map(|_| Fleet::settings(&world.time, machine)),
            world,
            yielder,
            signals: Signals::default(),
            ask: RefCell::new(None),
            throttled: RefCell::default(),
            begun_ms: world.now(),
            looked_ms: Cell::new(world.now()),
            held_up_ms: Cell::new(0),
            version: Cell::new(0),
            first_id: RefCell::new(None),
            given: None,
        }
    }

    /// A port call. Other processes run, time passes, and this process may be killed.
    pub fn step(&self, what: &str) {
        let (world, plan) = (self.world, self.world.plan());
        world.tally.borrow_mut().port_calls += 1;
        let took_ms = match world.rng.within(0, 19) {
            0..=13 => 0,
            14..=18 => world.rng.within(1, 30),
            _ if world.rng.chance(plan.slow * 4) => world.rng.within(100, 4000),
            _ => 1,
        };
        // No process stops between its last look at the clock and the first byte of a request, because no protocol
        // could detect that.
        let stopped_ms = match what != "send" && world.rng.chance(plan.stop) {
            true => world.rng.one(&[2, 30, 300, 700, 3700]) * 1000,
            false => 0,
        };
        if stopped_ms > 0 {
            world.tally.borrow_mut().stops += 1;
            world.trace(|| format!("#{} is stopped for {stopped_ms} ms at {what}", self.pid));
        }
        let before = world.now();
        self.wait(took_ms + stopped_ms, what);
        self.held_up_ms.set(self.held_up_ms.get() + world.now() - before);
        world.trace(|| format!("#{} {what}", self.pid));
    }

    /// Waits, and may be killed meanwhile.
    pub fn wait(&self, ms: i64, what: &str) {
        self.yielder.suspend(Wake(self.world.now() + ms));
        let is_down = self.boots != self.world.time.machines[self.machine].boots.get();
        if is_down || self.world.rng.chance(self.world.plan().crash) {
            self.world.tally.borrow_mut().crashes += 1;
            self.world.trace(|| format!("#{} is killed at {what}", self.pid));
            std::panic::resume_unwind(Box::new(Killed));
        }
    }

    /// Whether its machine reaches no other one.
    pub fn is_cut(&self) -> bool {
        self.world.time.machines[self.machine].cut_until_ms.get() > self.world.now()
    }

    fn id_of(&self, refresh_token: &str) -> CredentialId {
        CredentialId::known(refresh_token, refresh_token)
    }
}

impl Clock for Process<'_> {
    fn now(&self) -> ClockReading {
        self.looked_ms.set(self.world.now());
        let now = self.world.time.timestamp(self.machine).reading();
        match self.world.mutant {
            Mutant::WallClock => ClockReading { boot_ms: now.wall_ms - 1_700_000_000_000, ..now },
            _ => now,
        }
    }

    fn boot_id(&self) -> String {
        MachineClock(Rc::clone(&self.world.time), self.machine).boot_id()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.world.now() as u64)
    }

    fn sleep(&self, duration: Duration) {
        self.wait(duration.as_millis() as i64, "sleep");
    }
}

impl CredentialSource for Process<'_> {
    fn id(&self) -> Result<CredentialId, CredentialError> {
        if let Some(token) = &self.given {
            return Ok(self.id_of(token));
        }
        self.step("id");
        if let Some(id) = self.first_id.borrow().clone() {
            return Ok(id);
        }
        let remembered = self.world.remembered.borrow().clone();
        let version = self.world.login.borrow().version;
        match remembered {
            Some((id, of)) if of == version || self.world.mutant == Mutant::StaleState => {
                let id = self.id_of(&id);
                if self.world.mutant == Mutant::NoCredentialCheck {
                    self.first_id.replace(Some(id.clone()));
                }
                Ok(id)
            }
            _ => {
                let secrets = self.secrets()?;
                self.id_from_secrets(&secrets)
            }
        }
    }

    fn secrets(&self) -> Result<Secrets, CredentialError> {
        let token = match &self.given {
            Some(token) => token.clone(),
            None => {
                self.step("secrets");
                let login = self.world.login.borrow().clone();
                self.version.set(login.version);
                login.refresh_token.ok_or(CredentialError::NeverLoggedIn { profile: "crm".into() })?
            }
        };
        Ok(Secrets { client_secret: Secret::new("s"), refresh_token: Some(Secret::new(token)) })
    }

    fn id_from_secrets(&self, secrets: &Secrets) -> Result<CredentialId, CredentialError> {
        let token = secrets.refresh_token.as_ref().map(Secret::expose).unwrap_or_default();
        if self.given.is_none() {
            self.step("remember");
            *self.world.remembered.borrow_mut() = Some((token.to_owned(), self.version.get()));
        }
        Ok(self.first_id.borrow().clone().unwrap_or_else(|| self.id_of(token)))
    }

    fn replace(&self, old: &Secrets, token: &Secret, prepare: &Prepare<'_>) -> Result<(), Error> {
        let world = self.world;
        self.step("store the new refresh token");
        if world.mutant != Mutant::NewLedger {
            prepare(&self.id_of(token.expose()))?;
        }
        self.step("switch the login record");
        let old = old.refresh_token.as_ref().map(|token| token.expose().to_owned());
        if world.login.borrow().refresh_token != old {
            return Ok(());
        }
        world.server.borrow_mut().hand_over(old.as_deref().unwrap_or_default(), token.expose());
        let junk = world.files(old.as_deref().unwrap_or_default(), |files| files.junk);
        world.files(token.expose(), |files| files.junk += junk);
        world.set_login(Some(token.expose().to_owned()));
        self.version.set(world.login.borrow().version);
        let secrets = Secrets { client_secret: Secret::new("s"), refresh_token: Some(token.clone()) };
        self.id_from_secrets(&secrets).map(drop).map_err(Error::from)
    }
}
