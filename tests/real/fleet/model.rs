//! Lease, revision and ledger under a virtual clock: the program's own ledger, and a model of what the scripts do.
//! Machines are paused, killed, wiped and cut off at any step; budget and one-in-flight hold in every schedule.

use proptest::prelude::*;
use zoho_cred::model::Budget;
use zoho_cred::model::{Ledger, Timestamp};

const LEASE_MS: i64 = 15_000;
const MACHINES: usize = 4;

fn at(ms: i64) -> Timestamp {
    Timestamp { wall_ms: ms, boot_ms: ms, boot_id: "b".into() }
}

#[derive(Default)]
struct Shared {
    lease: Option<(usize, i64)>,
    rev: u64,
    ledger: Ledger,
}

#[derive(Default)]
enum Doing {
    #[default]
    Nothing,
    /// Has the lease, as it thinks, and read the ledger at this revision.
    Holding { rev: u64, ledger: Ledger },
    /// Sent a request that ends at this time.
    Asking { until: i64, ledger: Ledger },
}

#[derive(Default)]
struct Machine {
    local: Ledger,
    doing: Doing,
}

#[derive(Clone, Debug)]
enum Fate {
    Step,
    Killed,
    Wiped,
    CutOff,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![12 => Just(Fate::Step), 1 => Just(Fate::Killed), 1 => Just(Fate::Wiped), 1 => Just(Fate::CutOff)]
}

fn step(
    shared: &mut Shared,
    machines: &mut [Machine],
    who: usize,
    fate: &Fate,
    now: i64,
    takes: i64,
) -> bool {
    let budget = Budget::default();
    let machine = &mut machines[who];
    let mut sent = false;
    let doing = std::mem::take(&mut machine.doing);
    machine.doing = match (doing, fate) {
        (_, Fate::Killed) => Doing::Nothing,
        (_, Fate::Wiped) => {
            machine.local = Ledger::default();
            Doing::Nothing
        }
        (Doing::Nothing, Fate::Step) if shared.lease.is_none_or(|(_, until)| until <= now) => {
            shared.lease = Some((who, now + LEASE_MS));
            let ledger = machine.local.stricter(&shared.ledger, &at(now));
            Doing::Holding { rev: shared.rev, ledger }
        }
        (Doing::Holding { rev, mut ledger }, Fate::Step) => {
            let ours = shared.lease.is_some_and(|(owner, until)| owner == who && until > now);
            if ours && rev == shared.rev && ledger.used(&at(now), &budget) < budget.tokens {
                ledger.reserve(&at(now), &budget);
                machine.local = ledger.clone();
                (shared.ledger, shared.rev) = (ledger.clone(), shared.rev + 1);
                shared.lease = Some((who, now + LEASE_MS));
                sent = true;
                Doing::Asking { until: now + takes, ledger }
            } else {
                shared.lease = shared.lease.filter(|(owner, _)| *owner != who);
                Doing::Nothing
            }
        }
        (Doing::Asking { until, mut ledger }, fate) if until <= now => {
            ledger.answered(&at(now), true);
            machine.local = ledger.clone();
            if matches!(fate, Fate::Step) {
                (shared.ledger, shared.rev) = (ledger.stricter(&shared.ledger, &at(now)), shared.rev + 1);
                shared.lease = shared.lease.filter(|(owner, _)| *owner != who);
            }
            Doing::Nothing
        }
        (doing, _) => doing,
    };
    sent
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn budget_and_one_in_flight_hold(
        steps in proptest::collection::vec((0..MACHINES, fate(), 0i64..20_000, 1i64..10_000), 1..400)
    ) {
        let mut shared = Shared::default();
        let mut machines: Vec<Machine> = (0..MACHINES).map(|_| Machine::default()).collect();
        let (mut now, mut server) = (1_000_000, Vec::new());
        for (who, fate, pause, takes) in steps {
            now += if pause < 15_000 { pause / 30 } else { pause };
            if step(&mut shared, &mut machines, who, &fate, now, takes) {
                let in_flight = server.iter().filter(|(_, until)| *until > now).count();
                prop_assert_eq!(in_flight, 0);
                server.push((now, now + takes));
            }
        }
        // Zoho counts a request somewhere between its sending and its answer: as late and as early as it may.
        for (_, last) in &server {
            let window = server.iter().filter(|(sent, until)| until > &(last - 600_000) && sent <= last);
            prop_assert!(window.count() <= 11, "one of them may be under way");
            let as_answered = server.iter().filter(|(_, until)| (last - 600_000 + 1..=*last).contains(until));
            prop_assert!(as_answered.count() <= 10);
        }
    }
}
