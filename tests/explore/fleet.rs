//! Machines that share a store: the real `SharedStore` and `LockedShared` with real files per machine, over a remote store
//! that loses, repeats and delays messages, forgets, and sets its clock.

use crate::errands::{Errand, plain};
use crate::plan::Plan;
use crate::process::{Mutant, Process};
use crate::rng::Rng;
use crate::schedule;
use crate::time::{MachineClock, Time, WALL_MS};
use crate::world::{Violation, World};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use zoho_cred::config::{ConfigFile, ConfigOrigin};
use zoho_cred::error::{Code, Error};
use zoho_cred::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp, TokenSet};
use zoho_cred::refresh::TokenRequest;
use zoho_cred::store::shared::record::Record;
use zoho_cred::store::shared::remote::{Health, LedgerChange, NewToken, Remote, Reply, Reserved};
use zoho_cred::store::{Holder, LocalStore, Locked, SharedSettings, SharedStore, StateDir, Store};
use zoho_cred::system::{Env, Roots};

/// A command takes at most this long, in ms.
const COMMAND_MS: i64 = 3_000;
/// Times of the ledger are converted between two clocks, each of which may have been read up to a lease earlier.
const CONVERSION_MS: i64 = 15_000;

type Records = BTreeMap<String, Record>;
type Late = (i64, Box<dyn FnOnce(&mut Record, i64)>, String);

/// The remote store, and what requests knew of each other.
pub struct Fleet {
    folder: tempfile::TempDir,
    records: RefCell<Records>,
    backup: RefCell<Records>,
    /// Messages that arrive after their sender has given up.
    late: RefCell<Vec<Late>>,
    pub shift_ms: Cell<i64>,
    /// When the store last forgot something.
    lost_ms: Cell<i64>,
    pub jumps: Cell<u32>,
    requests: RefCell<BTreeMap<u64, Request>>,
}

/// A token request: when it was sent and arrived, and the ledger of its machine, whose last entry is its own.
struct Request {
    grant: String,
    sent_ms: i64,
    arrived_ms: i64,
    ids: Vec<String>,
}

impl Default for Fleet {
    fn default() -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        Fleet {
            folder: tempfile::tempdir_in(folder).unwrap(),
            records: RefCell::default(),
            backup: RefCell::default(),
            late: RefCell::default(),
            shift_ms: Cell::default(),
            lost_ms: Cell::new(-1),
            jumps: Cell::default(),
            requests: RefCell::default(),
        }
    }
}

impl Fleet {
    fn folder(&self, machine: usize) -> PathBuf {
        self.folder.path().join(machine.to_string())
    }

    pub fn local(&self, machine: usize, id: &CredentialId) -> LocalStore {
        LocalStore::new(&StateDir::new(self.folder(machine)), id)
    }

    fn wipe(&self, machine: usize) {
        let _ = std::fs::remove_dir_all(self.folder(machine));
    }

    pub fn settings(time: &Rc<Time>, machine: usize) -> SharedSettings {
        let env = Env::of([
            ("ZOHO_CRED_STORE", "redis://nowhere"),
            ("ZOHO_CRED_STORE_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ]);
        let clock: Rc<dyn zoho_cred::system::Clock> = Rc::new(MachineClock(Rc::clone(time), machine));
        let config = ConfigFile::empty(PathBuf::new(), ConfigOrigin::Default);
        SharedSettings::of(&config, &env, &Roots::default(), &clock).unwrap().unwrap()
    }

    /// The record of a credential now, after what arrived late, and the store's clock.
    fn record<T>(&self, id: &str, now_ms: i64, with: impl FnOnce(&mut Record, i64) -> T) -> T {
        let (mut late, mut records) = (self.late.borrow_mut(), self.records.borrow_mut());
        let engine_ms = |at_ms| WALL_MS + self.shift_ms.get() + at_ms;
        late.sort_by_key(|(at_ms, ..)| *at_ms);
        let due = late.iter().take_while(|(at_ms, ..)| *at_ms <= now_ms).count();
        for (at_ms, message, id) in late.drain(..due) {
            message(records.entry(id).or_default(), engine_ms(at_ms));
        }
        with(records.entry(id.to_owned()).or_default(), engine_ms(now_ms))
    }

    pub fn save(&self) {
        *self.backup.borrow_mut() = self.records.borrow().clone();
    }

    /// FLUSHALL if there is no backup.
    pub fn restore(&self, now_ms: i64) {
        *self.records.borrow_mut() = self.backup.borrow().clone();
        self.lost_ms.set(now_ms);
    }

    /// Whether the store has kept its writes and its clock.
    pub fn is_steady(&self) -> bool {
        self.lost_ms.get() < 0 && self.jumps.get() == 0
    }

    pub fn sends(&self, id: u64, grant: &str, sent_ms: i64, ledger: &Ledger) {
        let ids = ledger.requests.iter().map(|entry| entry.id.clone()).collect();
        let request = Request { grant: grant.to_owned(), sent_ms, arrived_ms: i64::MAX, ids };
        self.requests.borrow_mut().insert(id, request);
    }

    /// A request arrives. Returns how many of the window that ends now another one of it did not know, because the store
    /// had forgotten them and its machine had not read them before.
    pub fn arrives(&self, id: u64, now_ms: i64, budget: &Budget) -> usize {
        let mut requests = self.requests.borrow_mut();
        let Some(request) = requests.get_mut(&id) else { return 0 };
        request.arrived_ms = now_ms;
        let grant = request.grant.clone();
        let from_ms = now_ms - budget.window.as_millis() as i64;
        let is_in_window =
            |it: &&Request| (from_ms + 1..=now_ms).contains(&it.arrived_ms) && it.grant == grant;
        let window: Vec<&Request> = requests.values().filter(is_in_window).collect();
        let unknown = |to: &&Request| {
            let is_lost = |it: &&&Request| {
                it.sent_ms <= self.lost_ms.get() && it.ids.last().is_some_and(|own| !to.ids.contains(own))
            };
            window.iter().filter(is_lost).count()
        };
        window.iter().map(unknown).max().unwrap_or(0)
    }
}

/// A process's connection to the remote store.
struct Link<'w> {
    process: &'w Process<'w>,
    fleet: &'w Fleet,
    id: String,
    is_connected: bool,
}

fn unreachable() -> Error {
    Error::new(Code::Unavailable, "no reply", "try again")
}

impl<'w> Link<'w> {
    fn open(
        process: &'w Process<'w>,
        fleet: &'w Fleet,
        id: &CredentialId,
        within: Duration,
    ) -> Result<Box<dyn Remote + 'w>, Error> {
        process.step("connect");
        if process.is_cut() {
            process.wait((within.as_millis() as i64).min(2_000), "connect");
            return Err(unreachable());
        }
        Ok(Box::new(Link { process, fleet, id: id.ledger().to_owned(), is_connected: true }))
    }

    /// Sends a command until there is a reply or the time is over.
    fn ask<T>(
        &mut self,
        what: &'static str,
        within: Duration,
        command: impl Fn(&mut Record, i64) -> T + Clone + 'static,
    ) -> Result<T, Error> {
        if std::thread::panicking() {
            return Err(unreachable());
        }
        let (process, world) = (self.process, self.process.world);
        let until_ms = world.now() + within.as_millis() as i64;
        loop {
            process.step(what);
            let left_ms = (until_ms - world.now()).clamp(0, COMMAND_MS);
            let (there, back) = (self.way(), self.way());
            let is_cut = process.is_cut();
            if !is_cut && there + back <= left_ms && !world.rng.chance(world.plan().replies_lost) {
                process.wait(there, "on the way to the store");
                let reply = self.fleet.record(&self.id, world.now(), &command);
                if world.rng.chance(world.plan().replies_lost) {
                    self.late(self.way(), &command);
                }
                process.wait(back, "on the way from the store");
                process.step("read the reply");
                self.is_connected = true;
                return Ok(reply);
            }
            self.is_connected = false;
            if world.rng.chance(if is_cut { 200 } else { 500 }) {
                self.late(there, &command);
            }
            world.trace(|| format!("#{} gets no reply: {what}", process.pid));
            process.wait(world.rng.below(left_ms + 1), "no reply");
            if until_ms - world.now() < 100 || world.rng.chance(300) {
                return Err(unreachable());
            }
            process.wait(20, "connect again");
        }
    }

    fn late<T>(&self, after_ms: i64, command: &(impl Fn(&mut Record, i64) -> T + Clone + 'static)) {
        let command = command.clone();
        let message = Box::new(move |record: &mut Record, now: i64| drop(command(record, now)));
        self.fleet.late.borrow_mut().push((self.process.world.now() + after_ms, message, self.id.clone()));
    }

    /// Usually short, sometimes long, and rarely longer than a command may take.
    fn way(&self) -> i64 {
        let rng = &self.process.world.rng;
        match rng.below(100) {
            0..80 => 1 + rng.below(20),
            80..96 if self.process.world.plan().slow > 0 => rng.below(1_400),
            96.. if self.process.world.plan().slow > 0 => rng.below(4_000),
            _ => 20,
        }
    }
}

/// The owned parts of a change of the ledger.
#[derive(Clone)]
struct Change {
    rev: String,
    next: String,
    json: String,
    mutant: Mutant,
}

impl Change {
    fn of(change: LedgerChange<'_>, mutant: Mutant) -> Self {
        let LedgerChange { rev, next, json } = change;
        Change { rev: rev.to_owned(), next: next.to_owned(), json: json.to_owned(), mutant }
    }

    fn apply<T>(&self, record: &mut Record, with: impl FnOnce(&mut Record, LedgerChange<'_>) -> T) -> T {
        let rev = if self.mutant == Mutant::NoRevision { record.rev.clone() } else { self.rev.clone() };
        with(record, LedgerChange { rev: &rev, next: &self.next, json: &self.json })
    }
}

fn is_cooling_down(json: &str, engine_ms: i64) -> bool {
    let cool_down = serde_json::from_str::<Ledger>(json).ok().and_then(|ledger| ledger.cool_down);
    cool_down.is_some_and(|it| engine_ms < it.since.wall_ms + it.length_ms - CONVERSION_MS)
}

impl Remote for Link<'_> {
    fn look(
        &mut self,
        owner: Option<&str>,
        ids: &[Vec<u8>],
        within: Duration,
    ) -> Result<Option<Reply>, Error> {
        let (what, mutant) = (if owner.is_some() { "take" } else { "look" }, self.process.world.mutant);
        let (owner, ids) = (owner.map(str::to_owned), ids.to_vec());
        let reply = self.ask(what, within, move |record, now| record.look(now, owner.as_deref(), &ids))?;
        Ok(reply.map(|reply| match mutant {
            Mutant::NoSharedLedger => Reply { json: String::new(), ..reply },
            _ => reply,
        }))
    }

    fn reserve(
        &mut self,
        owner: &str,
        change: LedgerChange<'_>,
        within: Duration,
    ) -> Result<Reserved, Error> {
        let world = self.process.world;
        let (owner, change) = (owner.to_owned(), Change::of(change, world.mutant));
        let (reserved, is_cooling) = self.ask("reserve", within, move |record, now| {
            let is_cooling = is_cooling_down(&record.json, now) && record.rev != change.next;
            (change.apply(record, |record, change| record.reserve(now, &owner, change)), is_cooling)
        })?;
        if reserved == Reserved::Yes && is_cooling {
            world.violated(Violation::Throttled, format!("#{} reserves all the same", self.process.pid));
        }
        Ok(reserved)
    }

    fn record(&mut self, change: LedgerChange<'_>, within: Duration) -> Result<(String, String), Error> {
        let change = Change::of(change, self.process.world.mutant);
        self.ask("record", within, move |record, _| change.apply(record, Record::record))
    }

    fn commit(&mut self, token: NewToken<'_>, within: Duration) -> Result<bool, Error> {
        let world = self.process.world;
        let (sealed, macs, asked_ms) = (token.sealed.to_vec(), token.macs.to_vec(), token.asked_ms);
        let generation = token.generation;
        let (is_stored, is_older) = self.ask("commit", within, move |record, _| {
            let is_older = !record.sealed.is_empty() && asked_ms < record.asked;
            (record.commit(NewToken { generation, sealed: &sealed, macs: &macs, asked_ms }), is_older)
        })?;
        let is_steady = self.fleet.is_steady() && world.clock_moves.get() == 0;
        if is_stored && is_older && is_steady {
            world.violated(Violation::OlderToken, format!("#{} replaces a newer one", self.process.pid));
        }
        Ok(is_stored)
    }

    fn drop_token(&mut self, macs: &[String], within: Duration) -> Result<(), Error> {
        let macs = macs.to_vec();
        self.ask("drop", within, move |record, _| record.drop_token(&macs))
    }

    fn set_aside(&mut self, sealed: &[u8], within: Duration) -> Result<(), Error> {
        let sealed = sealed.to_vec();
        self.ask("set aside", within, move |record, _| record.set_aside(&sealed))
    }

    fn release(&mut self, owner: &str, within: Duration) -> Result<(), Error> {
        let owner = owner.to_owned();
        self.ask("release", within, move |record, now| record.release(now, &owner))
    }

    fn inspect(&mut self) -> Result<Health, Error> {
        Err(unreachable())
    }

    fn is_connected(&self) -> bool {
        self.is_connected
    }

    fn longest_pause(&self) -> Duration {
        Duration::from_millis(400)
    }
}

/// The real store of a machine, with steps before what other processes see.
pub struct FleetStore<'w> {
    process: &'w Process<'w>,
    store: SharedStore<'w>,
}

impl<'w> FleetStore<'w> {
    pub fn open(process: &'w Process<'w>, fleet: &'w Fleet, id: &CredentialId) -> Self {
        let connect = move |_: &SharedSettings, id: &CredentialId, within: Duration| {
            Link::open(process, fleet, id, within)
        };
        let (local, settings) = (fleet.local(process.machine, id), process.settings.as_ref().unwrap());
        FleetStore { process, store: SharedStore::new(local, settings, id, Rc::new(connect)) }
    }

    /// What a call does after it has printed a cached token.
    pub fn sync(&self) {
        self.store.bound(Duration::from_secs(1));
        let synced = self.store.sync();
        self.process.world.trace(|| format!("#{} synced: {synced:?}", self.process.pid));
    }
}

impl Store for FleetStore<'_> {
    fn cache(&self) -> Result<CacheRecord, Error> {
        self.process.step("look at the cache");
        self.store.cache()
    }

    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger {
        self.store.ledger(now, budget)
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        self.process.step("try the lock");
        self.store.try_lock()
    }

    fn try_lock_local(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        self.process.step("try the local lock");
        self.store.try_lock_local()
    }

    fn early_failed(&self, now: &Timestamp, budget: &Budget) {
        self.store.early_failed(now, budget);
    }

    fn bound(&self, left: Duration) {
        self.store.bound(left);
    }

    fn known_at_start(&self, token: &TokenSet) -> bool {
        self.store.known_at_start(token)
    }

    /// The real one is random.
    fn pause(&self, attempt: u32) -> Duration {
        Duration::from_millis((5u64 << attempt.min(7)).min(400))
    }

    fn holder(&self) -> Option<Holder> {
        self.store.holder()
    }
}

impl World {
    /// A machine loses its disk, and with it what its callers were told.
    pub fn wipe(&self, machine: usize) {
        if let Some(fleet) = &self.fleet {
            self.trace(|| format!("machine {machine} loses its disk"));
            fleet.wipe(machine);
            self.cool_downs.borrow_mut().retain(|(told, _), _| *told != machine);
        }
    }

    /// The ledger and the cache of a credential as they are on a machine's disk.
    pub fn on_disk(&self, machine: usize, id: &str) -> (Ledger, Option<CacheRecord>) {
        match &self.fleet {
            None => self.files(id, |files| (files.ledger.value().unwrap_or_default(), files.cache.value())),
            Some(fleet) => {
                let local = fleet.local(machine, &CredentialId::known(id, id));
                let ledger = local.ledger(&self.time.timestamp(machine), &self.plan().budget);
                (ledger, local.cache().ok())
            }
        }
    }
}

/// A machine of a fleet spends nine requests. Another one, which spent one within half a second of the ninth, joins: there
/// is no eleventh.
#[test]
fn a_machine_that_joins_brings_its_own_requests() {
    let draw = |rng: &Rng| Plan { machines: 2, budget: Budget::default(), ..Plan::fleet(rng).calm() };
    let world = Rc::new(World::new(1, draw, Mutant::None, false));
    let (fleet, budget) = (world.fleet.as_ref().unwrap(), Budget::default());
    let play = |count: i64, every_ms: i64| {
        let refresh = Errand::Get(TokenRequest { refresh: true, ..plain(30) });
        let errands = (0..count).map(|n| (world.now() + n * every_ms, refresh.clone())).collect();
        schedule::play(&world, &Rc::new(schedule::profile(budget)), errands, Vec::new(), &mut Vec::new());
        world.tally.borrow().requests
    };
    world.only.set(Some(0));
    assert_eq!(play(9, 10_000), 9, "all on the first machine");
    world.only.set(Some(1));
    let local = fleet.local(1, &CredentialId::known("1000.r0", "1000.r0"));
    let ninth = world.on_disk(0, "1000.r0").0.requests[8].sent.clone();
    let sent =
        Timestamp { wall_ms: ninth.wall_ms + 400, boot_ms: ninth.boot_ms + 400, ..world.time.timestamp(1) };
    let (mut locked, mut ledger) = (local.take().unwrap().unwrap(), Ledger::default());
    ledger.reserve(&sent, &budget);
    ledger.answered(&sent, true);
    locked.record(&ledger).unwrap();
    drop(locked);
    assert_eq!(play(2, 5_000), 9, "the one that joins has its own ledger");
    world.only.set(Some(0));
    assert_eq!(play(2, 5_000), 9, "the other one learns of them");
}
