//! Redis is emptied, or restored from a backup, again and again: how far the machines' own ledgers bound the requests.

use super::world::{Redis, RedisStore};
use crate::harness::random;
use std::collections::BTreeSet;

const BUDGET: usize = 10;
const MACHINES: usize = 4;

/// The requests that a ledger knows, by their number.
type Ledger = BTreeSet<usize>;

/// What docs/fleet.md says of ledgers, without a program. No entry grows old during the test.
#[derive(Default)]
struct Model {
    shared: Ledger,
    backup: Ledger,
    machines: [Ledger; MACHINES],
    requests: usize,
}

impl Model {
    /// Whether a machine may refresh. It then knows what it knew, what Redis knew, and its own request, and so does Redis.
    /// If it may not, it tells Redis what Redis did not know.
    fn refreshes(&mut self, machine: usize) -> bool {
        let mut known: Ledger = self.machines[machine].union(&self.shared).copied().collect();
        let allowed = known.len() < BUDGET;
        if allowed {
            known.insert(self.requests);
            self.requests += 1;
        }
        if known.len() > self.shared.len() {
            (self.shared, self.machines[machine]) = (known.clone(), known);
        }
        allowed
    }
}

fn back_up(redis: &Redis) {
    let _: String = redis.ask(&[b"SAVE"]);
    std::fs::copy(redis.dir.path().join("dump.rdb"), redis.dir.path().join("backup")).unwrap();
}

fn restore(redis: &mut Redis) {
    redis.kill();
    std::fs::copy(redis.dir.path().join("backup"), redis.dir.path().join("dump.rdb")).unwrap();
    redis.start_again();
}

#[test]
fn an_emptied_or_restored_redis_forgets_only_what_no_refreshing_machine_knows() {
    let Some(mut fleet) = RedisStore::new() else { return };
    // More than Zoho allows, so that the program's own count is what ends the refreshes.
    fleet.test.sandbox.set_limits(|limits| (limits.budget, limits.live_tokens) = (1_000, 1_000)).unwrap();
    let (mut model, mut history) = (Model::default(), Vec::new());
    back_up(&fleet.redis);
    for _ in 0..60 {
        let machine = random(MACHINES as u64) as usize;
        match random(8) {
            0 => {
                let _: String = fleet.redis.ask(&[b"FLUSHALL"]);
                model.shared.clear();
                history.push("flush".to_owned());
            }
            1 => {
                restore(&mut fleet.redis);
                model.shared.clone_from(&model.backup);
                history.push("restore".to_owned());
            }
            2 => {
                back_up(&fleet.redis);
                model.backup.clone_from(&model.shared);
                history.push("backup".to_owned());
            }
            _ => {
                let outcome = fleet.run(machine, &["get", "--refresh"]);
                history.push(format!("{machine}: {}", outcome.code));
                let expected = if model.refreshes(machine) { 0 } else { 75 };
                assert_eq!(outcome.code, expected, "{history:?}: {outcome:?}");
            }
        }
        assert_eq!(fleet.requests(), model.requests, "{history:?}");
    }
    // One machine alone never passes the budget, whatever becomes of Redis.
    for _ in 0..BUDGET {
        fleet.run(0, &["get", "--refresh"]);
        let _: String = fleet.redis.ask(&[b"FLUSHALL"]);
    }
    fleet.run(0, &["get", "--refresh"]).failed(75, "rate_limited");
}
