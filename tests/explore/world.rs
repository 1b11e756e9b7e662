//! Everything outside the processes: true time, the disk, the server, and the invariants.

use crate::fleet::Fleet;
use crate::plan::Plan;
use crate::process::Mutant;
use crate::rng::Rng;
use crate::server::Server;
use crate::time::Time;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use zoho_cred::model::{CacheRecord, Ledger};
use zoho_cred::system::HttpAnswer;

/// A violated invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// More requests in a window than Zoho allows.
    Budget,
    /// Two concurrent requests although no process crashed.
    TwoInFlight,
    /// A request although a usable token was cached.
    Needless,
    /// A request that is not in the ledger on disk.
    NotWrittenAhead,
    /// A request during a cooldown.
    Throttled,
    /// Exit code 0 with a token that was known to be invalid, or that belongs to another credential.
    DeadToken,
    /// A caller that exceeded its `--timeout`.
    Late,
    /// A shared token replaced one that was requested later.
    OlderToken,
    /// The stored refresh token changed without a login, or became useless.
    CredentialLost,
    /// A panic.
    Panic,
}

/// Statistics of a schedule.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub schedules: u64,
    pub calls: u64,
    pub tokens: u64,
    pub errors: u64,
    pub requests: u64,
    pub crashes: u64,
    pub stops: u64,
    pub store_faults: u64,
    pub bad_answers: u64,
    pub port_calls: u64,
    pub logins: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Tally) {
        let Tally { schedules, calls, tokens, errors, requests, crashes, .. } = other;
        let Tally { stops, store_faults, bad_answers, port_calls, logins, .. } = other;
        self.schedules += schedules;
        self.calls += calls;
        self.tokens += tokens;
        self.errors += errors;
        self.requests += requests;
        self.crashes += crashes;
        self.stops += stops;
        self.store_faults += store_faults;
        self.bad_answers += bad_answers;
        self.port_calls += port_calls;
        self.logins += logins;
    }
}

/// The content of a file.
#[derive(Clone, Debug, Default)]
pub enum Slot<T> {
    #[default]
    Nothing,
    Junk,
    Value(T),
}

impl<T: Clone> Slot<T> {
    pub fn value(&self) -> Option<T> {
        match self {
            Slot::Value(value) => Some(value.clone()),
            Slot::Nothing | Slot::Junk => None,
        }
    }
}

/// The files of a credential, and the holder of its lock.
#[derive(Default)]
pub struct Files {
    pub cache: Slot<CacheRecord>,
    pub ledger: Slot<Ledger>,
    pub holder: Option<usize>,
    /// How often another program overwrote the ledger with garbage.
    pub junk: usize,
    pub in_flight: u32,
}

/// The stored login: the refresh token and the version of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    pub refresh_token: Option<String>,
    pub version: u64,
}

/// A token request in transit.
pub struct OnItsWay {
    pub id: u64,
    pub at_ms: i64,
    pub grant: String,
}

pub struct World {
    stormy_plan: Plan,
    calm_plan: Plan,
    pub rng: Rng,
    pub mutant: Mutant,
    pub time: Rc<Time>,
    /// The shared store, if there is one.
    pub fleet: Option<Fleet>,
    pub clock_moves: Cell<u32>,
    pub server: RefCell<Server>,
    pub files: RefCell<BTreeMap<String, Files>>,
    pub login: RefCell<Login>,
    /// The profile's state: the credential, and the version of the login record it was read from.
    pub remembered: RefCell<Option<(String, u64)>>,
    /// Every refresh token that was stored, and from when.
    pub logins: RefCell<Vec<(i64, Option<String>)>>,
    pub on_their_way: RefCell<Vec<OnItsWay>>,
    pub answers: RefCell<BTreeMap<u64, HttpAnswer>>,
    /// Until when callers were told that a refresh token cools down, if the disk has no faults. In ms.
    pub cool_downs: RefCell<BTreeMap<(usize, String), i64>>,
    pub calm: Cell<bool>,
    /// The machine that all calls are on, if there are others.
    pub only: Cell<Option<usize>>,
    pub violations: RefCell<BTreeMap<Violation, String>>,
    pub tally: RefCell<Tally>,
    trace: Option<RefCell<Vec<String>>>,
}

impl World {
    pub fn new(seed: u64, draw: fn(&Rng) -> Plan, mutant: Mutant, trace: bool) -> Self {
        let rng = Rng::new(seed);
        let plan = draw(&rng);
        let time = Time::new(plan.machines);
        for machine in time.machines.iter().skip(1) {
            machine.wall_shift_ms.set(rng.within(-20_000, 20_000));
        }
        let mut server = Server::default();
        let first = Some(server.new_grant());
        let world = World {
            calm_plan: plan.calm(),
            stormy_plan: plan,
            rng,
            mutant,
            fleet: (time.machines.len() > 1).then(Fleet::default),
            time: Rc::new(time),
            clock_moves: Cell::new(0),
            server: RefCell::new(server),
            files: RefCell::default(),
            login: RefCell::new(Login { refresh_token: first.clone(), version: 1 }),
            remembered: RefCell::default(),
            logins: RefCell::new(vec![(0, first)]),
            on_their_way: RefCell::default(),
            answers: RefCell::default(),
            cool_downs: RefCell::default(),
            calm: Cell::new(false),
            only: Cell::new(None),
            violations: RefCell::default(),
            tally: RefCell::default(),
            trace: trace.then(RefCell::default),
        };
        world.trace(|| format!("{:?}", world.plan()));
        world
    }

    pub fn now(&self) -> i64 {
        self.time.now()
    }

    pub fn any_machine(&self) -> usize {
        let count = self.time.machines.len();
        match self.only.get() {
            Some(machine) => machine,
            None if count == 1 => 0,
            None => self.rng.below(count as i64) as usize,
        }
    }

    /// Sets the clock by whole two minutes: contract section 3 tolerates less than one.
    pub fn move_clock(&self, machine: usize) {
        let by = self.rng.one(&[-7200, -3600, -600, -120, 120, 600, 3600, 86_400]) * 1000;
        let shift_ms = &self.time.machines[machine].wall_shift_ms;
        shift_ms.set(shift_ms.get() + by);
        self.clock_moves.set(self.clock_moves.get() + 1);
        self.trace(|| format!("the clock is moved by {by} ms"));
    }

    /// Advances true time. Requests arrive on the way.
    pub fn advance_to(&self, at_ms: i64) {
        while let Some(request) = self.next_arrival(at_ms) {
            self.time.advance_to(request.at_ms);
            self.arrive(&request);
        }
        self.time.advance_to(at_ms);
    }

    fn next_arrival(&self, until_ms: i64) -> Option<OnItsWay> {
        let mut requests = self.on_their_way.borrow_mut();
        if requests.is_empty() {
            return None;
        }
        let (index, _) = requests
            .iter()
            .enumerate()
            .filter(|(_, r)| r.at_ms <= until_ms)
            .min_by_key(|(_, r)| (r.at_ms, r.id))?;
        Some(requests.remove(index))
    }

    fn arrive(&self, request: &OnItsWay) {
        let (answer, in_window) =
            self.server.borrow_mut().token_request(&request.grant, self.now(), self.plan(), &self.rng);
        let junk = self.files.borrow().get(&request.grant).map_or(0, |files| files.junk);
        let budget = &self.plan().budget;
        let unknown = self.fleet.as_ref().map_or(0, |fleet| fleet.arrives(request.id, self.now(), budget));
        let allowed = budget.tokens as usize + 2 * junk + unknown;
        self.tally.borrow_mut().requests += 1;
        self.trace(|| {
            format!("request {} arrives, {in_window} in the window: {}", request.id, answer.status)
        });
        if in_window > allowed {
            self.violated(Violation::Budget, format!("{in_window} requests in a window, {allowed} allowed"));
        }
        self.answers.borrow_mut().insert(request.id, answer);
    }

    /// The plan. After the schedule, nothing goes wrong any more.
    pub fn plan(&self) -> &Plan {
        if self.calm.get() { &self.calm_plan } else { &self.stormy_plan }
    }

    /// Stores another credential, or none.
    pub fn set_login(&self, refresh_token: Option<String>) {
        let mut login = self.login.borrow_mut();
        *login = Login { refresh_token: refresh_token.clone(), version: login.version + 1 };
        self.logins.borrow_mut().push((self.now(), refresh_token));
    }

    /// Whether `grant` was the stored refresh token at any time since `since_ms`.
    pub fn was_logged_in(&self, grant: &str, since_ms: i64) -> bool {
        let logins = self.logins.borrow();
        logins.iter().enumerate().any(|(index, (_, token))| {
            let until = logins.get(index + 1).map_or(i64::MAX, |(from, _)| *from);
            token.as_deref() == Some(grant) && until >= since_ms
        })
    }

    pub fn files<T>(&self, id: &str, with: impl FnOnce(&mut Files) -> T) -> T {
        let mut all = self.files.borrow_mut();
        match all.get_mut(id) {
            Some(files) => with(files),
            None => with(all.entry(id.to_owned()).or_default()),
        }
    }

    pub fn violated(&self, kind: Violation, words: String) {
        self.trace(|| format!("VIOLATION {kind:?}: {words}"));
        self.violations.borrow_mut().entry(kind).or_insert(words);
    }

    pub fn trace(&self, words: impl FnOnce() -> String) {
        if let Some(trace) = &self.trace {
            trace.borrow_mut().push(format!("{:>10} {}", self.now(), words()));
        }
    }

    pub fn take_trace(&self) -> Vec<String> {
        self.trace.as_ref().map(RefCell::take).unwrap_or_default()
    }
}
