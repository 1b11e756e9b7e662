//! Runs one schedule: when callers start, which process runs next, and what each caller got.

use crate::errands::{self, Errand, go, plain};
use crate::plan::Plan;
use crate::process::{Killed, Mutant, Process, Wake};
use crate::rng::Rng;
use crate::world::{Slot, Tally, Violation, World};
use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::LazyLock;
use zoho_cred::model::{AccountsUrl, Budget, Grant, Origin, Profile, ProfileName, Scheme, SecretBackend};

/// Enough for JSON, formatting and an unwinding panic.
const STACK: usize = 256 * 1024;

/// The result of a schedule.
pub struct Report {
    pub seed: u64,
    pub violations: BTreeMap<Violation, String>,
    pub tally: Tally,
    pub trace: Vec<String>,
}

/// Events outside the processes.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    KillTokens,
    MoveClock,
    Junk,
    /// A machine is partitioned.
    Cut,
    Reboot,
    /// The shared store is saved, and restored later, perhaps to before anything was in it.
    Save,
    Restore,
    /// The shared store's clock is set.
    Jump,
}

type Body = Coroutine<(), Wake, (), DefaultStack>;

struct Running {
    body: Body,
    machine: usize,
    wake_ms: i64,
}

/// Runs the schedule of a seed.
pub fn run(
    seed: u64,
    draw: fn(&Rng) -> Plan,
    mutant: Mutant,
    trace: bool,
    stacks: &mut Vec<DefaultStack>,
) -> Report {
    let world = Rc::new(World::new(seed, draw, mutant, trace));
    let profile = Rc::new(profile(world.plan().budget));
    let errands = errands::draw(&world);
    let events = events(&world);
    play(&world, &profile, errands, events, stacks);
    calm(&world, &profile, stacks);
    world.tally.borrow_mut().schedules = 1;
    Report { seed, violations: world.violations.take(), tally: world.tally.take(), trace: world.take_trace() }
}

/// The only profile.
pub fn profile(budget: Budget) -> Profile {
    static SERVER: LazyLock<AccountsUrl> = LazyLock::new(|| AccountsUrl::new("http://127.0.0.1:1").unwrap());
    Profile {
        name: ProfileName::new("crm").unwrap(),
        origin: Origin::Environment,
        accounts_url: SERVER.clone(),
        data_center: None,
        client_id: "1000.C".into(),
        grant: Grant::RefreshToken,
        scopes: Vec::new(),
        redirect_uri: String::new(),
        scheme: Scheme::Zoho,
        secrets: SecretBackend::Environment,
        org_id: None,
        hosts: None,
        budget,
    }
}

fn events(world: &World) -> Vec<(i64, Event)> {
    let plan = world.plan();
    let end = plan.budget.window.as_millis() as i64 * 2;
    let kinds = [
        (plan.kills, Event::KillTokens),
        (plan.clock_moves, Event::MoveClock),
        (plan.junk, Event::Junk),
        (plan.cuts, Event::Cut),
        (plan.reboots, Event::Reboot),
        (plan.losses, Event::Save),
        (plan.losses, Event::Restore),
        (plan.jumps, Event::Jump),
    ];
    let mut events: Vec<(i64, Event)> = kinds
        .iter()
        .flat_map(|(count, event)| {
            (0..*count).map(|_| (world.rng.within(0, end), *event)).collect::<Vec<_>>()
        })
        .collect();
    events.sort_by_key(|(at, _)| *at);
    events
}

/// Runs processes and events until none are left. Any process that can continue may be next.
pub fn play(
    world: &Rc<World>,
    profile: &Rc<Profile>,
    errands: Vec<(i64, Errand)>,
    events: Vec<(i64, Event)>,
    stacks: &mut Vec<DefaultStack>,
) {
    let mut errands = errands.into_iter().enumerate().peekable();
    let mut events = events.into_iter().peekable();
    let (mut running, mut ready): (Vec<Running>, Vec<usize>) = (Vec::new(), Vec::new());
    loop {
        let next_errand = errands.peek().map(|(_, (at, _))| *at);
        let next_event = events.peek().map(|(at, _)| *at);
        let next_wake = running.iter().map(|process| process.wake_ms).min();
        let Some(next) = [next_errand, next_event, next_wake].into_iter().flatten().min() else { break };
        world.advance_to(next);
        while let Some((_, event)) = events.next_if(|(at, _)| *at <= world.now()) {
            let machine = world.any_machine();
            happen(world, event, machine);
            // Its processes end at once.
            let on_it =
                running.iter_mut().filter(|it| matches!(event, Event::Reboot) && it.machine == machine);
            on_it.for_each(|it| it.wake_ms = world.now());
        }
        while let Some((pid, (_, errand))) = errands.next_if(|(_, (at, _))| *at <= world.now()) {
            let machine = world.any_machine();
            let body = start(world, profile, (pid + 1, machine), errand, stacks);
            running.push(Running { body, machine, wake_ms: world.now() });
        }
        ready.clear();
        ready.extend((0..running.len()).filter(|index| running[*index].wake_ms <= world.now()));
        if ready.is_empty() {
            continue;
        }
        let turn = world.rng.one(&ready);
        match running[turn].body.resume(()) {
            CoroutineResult::Yield(Wake(at)) => running[turn].wake_ms = at,
            CoroutineResult::Return(()) => stacks.push(running.swap_remove(turn).body.into_stack()),
        }
    }
    world.advance_to(world.now() + 20_000);
}

/// After the faults, whoever was logged in and not refused must get a token by waiting alone.
fn calm(world: &Rc<World>, profile: &Rc<Profile>, stacks: &mut Vec<DefaultStack>) {
    world.calm.set(true);
    world.only.set(Some(0));
    if let Some(fleet) = &world.fleet {
        for machine in &world.time.machines {
            machine.cut_until_ms.set(0);
            machine.wall_shift_ms.set(fleet.shift_ms.get());
        }
    }
    world.advance_to(world.now() + 2_000_000);
    let Some(grant) = world.login.borrow().refresh_token.clone() else { return };
    if !world.server.borrow().grants.get(&grant).copied().unwrap_or(false) {
        return;
    }
    let before = world.tally.borrow().tokens;
    // The first one may find that the shared store's clock was set, which forbids requests for a while.
    let calls = [0, 700_000].map(|after| (world.now() + after, Errand::Get(plain(60))));
    play(world, profile, calls.into(), Vec::new(), stacks);
    if world.tally.borrow().tokens == before {
        let words = "a living credential gives no token although nothing is wrong any more".to_owned();
        world.violated(Violation::CredentialLost, words);
    }
}

fn happen(world: &World, event: Event, machine: usize) {
    world.trace(|| format!("{event:?} {machine}"));
    let rng = &world.rng;
    match (event, &world.fleet) {
        (Event::KillTokens, _) => world.server.borrow_mut().kill(|_| true),
        (Event::MoveClock, _) => world.move_clock(machine),
        (Event::Cut, _) => world.time.machines[machine].cut_until_ms.set(world.now() + rng.within(0, 60_000)),
        (Event::Reboot, Some(_)) => {
            world.time.reboot(machine);
            if rng.chance(300) {
                world.wipe(machine);
            }
        }
        (Event::Save, Some(fleet)) => fleet.save(),
        (Event::Restore, Some(fleet)) => fleet.restore(world.now()),
        (Event::Jump, Some(fleet)) => {
            // Contract section 7: less than a minute is tolerated, and the margin of the ledger covers 15 s.
            let by = rng.one(&[-86_400, -3600, -5, 5, 3600, 86_400]) * 1000;
            fleet.shift_ms.set(fleet.shift_ms.get() + by);
            fleet.jumps.set(fleet.jumps.get() + 1);
            world.trace(|| format!("the store's clock jumps by {by} ms"));
        }
        (Event::Reboot | Event::Save | Event::Restore | Event::Jump, None) => {}
        (Event::Junk, _) => {
            let ids: Vec<String> = world.files.borrow().keys().cloned().collect();
            for id in ids {
                world.files(&id, |files| {
                    if world.rng.chance(500) {
                        files.cache = Slot::Junk;
                    }
                    if world.rng.chance(500) && !matches!(files.ledger, Slot::Nothing) {
                        files.ledger = Slot::Junk;
                        files.junk += 1;
                    }
                });
            }
        }
    }
}

fn start(
    world: &Rc<World>,
    profile: &Rc<Profile>,
    (pid, machine): (usize, usize),
    errand: Errand,
    stacks: &mut Vec<DefaultStack>,
) -> Body {
    world.trace(|| format!("#{pid} begins on machine {machine}: {errand:?}"));
    world.tally.borrow_mut().calls += 1;
    let stack = stacks.pop().unwrap_or_else(|| DefaultStack::new(STACK).unwrap());
    let (world, profile) = (Rc::clone(world), Rc::clone(profile));
    Coroutine::with_stack(stack, move |yielder, ()| {
        let process = Process::new(pid, machine, &world, yielder);
        match catch_unwind(AssertUnwindSafe(|| go(process, &profile, &errand))) {
            Ok(()) => {}
            Err(payload) if payload.is::<Killed>() => {}
            Err(_) => world.violated(Violation::Panic, format!("#{pid} panicked")),
        }
    })
}
