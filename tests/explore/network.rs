//! The network between a virtual process and the server. A request that was sent arrives even if its process is
//! killed.

use crate::fleet::Fleet;
use crate::process::Process;
use crate::world::{OnItsWay, Violation};
use zoho_cred::model::Freshness;
use zoho_cred::problem::Problem;
use zoho_cred::system::{Http, HttpAnswer, HttpFailure, HttpRequest, Method};

/// A request arrives within this time or never, in ms.
const LONGEST_WAY_MS: i64 = 10_000;

impl Http for Process<'_> {
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpAnswer, HttpFailure> {
        let asked_ms = self.looked_ms.get();
        // No lease can protect from a pause between the last look at the clock and the first byte.
        if self.world.fleet.is_none() {
            self.step("send");
        }
        let (world, plan) = (self.world, self.world.plan());
        let timeout_ms = request.timeout.as_millis() as i64;
        if request.method == Method::Get {
            self.wait(world.rng.within(0, timeout_ms.min(2000)), "user/info");
            let token =
                request.authorization.as_ref().map(|value| value.expose().to_owned()).unwrap_or_default();
            let token = token.trim_start_matches("Zoho-oauthtoken ");
            return Ok(world.server.borrow().user_info(token, world.now(), plan, &world.rng));
        }
        let refresh_token = request.form.iter().find(|(name, _)| *name == "refresh_token");
        let grant = refresh_token.map(|(_, value)| value.expose().to_owned()).unwrap_or_default();
        if world.rng.chance(plan.not_connected) {
            world.tally.borrow_mut().bad_answers += 1;
            self.wait(world.rng.within(0, timeout_ms.min(5000)), "connect");
            return Err(failure(false, false));
        }
        let id = world.rng.next();
        self.check(id, &grant);
        let longest_ms = if world.rng.chance(plan.late) { LONGEST_WAY_MS } else { 300 };
        let way_ms = world.rng.within(0, longest_ms);
        world.trace(|| format!("#{} sends {id} with {grant}, {timeout_ms} ms", self.pid));
        world.on_their_way.borrow_mut().push(OnItsWay {
            id,
            at_ms: world.now() + way_ms,
            grant: grant.clone(),
        });
        let flight = Flight::begin(self, &grant);
        let back_ms = world.rng.within(0, 300);
        let lost = world.rng.chance(plan.lost);
        self.wait((way_ms + back_ms).min(timeout_ms), "answer");
        // A file lock is held while its process stands still, but a lease runs out.
        let _flight = world.fleet.is_none().then_some(flight);
        self.step("read the answer");
        if world.rng.chance(plan.signal) {
            world.trace(|| format!("#{} gets SIGTERM", self.pid));
            self.signals.raise(15);
        }
        match world.answers.borrow_mut().remove(&id).filter(|_| !lost && way_ms + back_ms <= timeout_ms) {
            Some(answer) => {
                let text = String::from_utf8_lossy(&answer.body);
                if answer.status < 500 && text.contains("Access Denied") {
                    let length_s =
                        answer.retry_after.as_deref().and_then(|s| s.parse().ok()).unwrap_or(600i64);
                    self.throttled.replace(Some((grant, asked_ms + length_s * 1000)));
                }
                Ok(answer)
            }
            None => {
                world.tally.borrow_mut().bad_answers += 1;
                Err(failure(true, !lost))
            }
        }
    }
}

impl Process<'_> {
    /// Checks the invariants of a request against the files as they are.
    fn check(&self, id: u64, grant: &str) {
        let world = self.world;
        let now = world.time.timestamp(self.machine);
        let (ledger, cache) = world.on_disk(self.machine, grant);
        let (junk, in_flight) = world.files(grant, |files| (files.junk, files.in_flight));
        if let Some(fleet) = &world.fleet {
            fleet.sends(id, grant, world.now(), &ledger);
        }
        if in_flight > 0 && world.fleet.as_ref().is_none_or(Fleet::is_steady) {
            world.violated(Violation::TwoInFlight, format!("#{} is the second one", self.pid));
        }
        if junk == 0 && ledger.requests.last().is_none_or(|entry| entry.answered.is_some()) {
            world.violated(Violation::NotWrittenAhead, format!("#{} asks with {grant}", self.pid));
        }
        let told = (self.machine, grant.to_owned());
        let told_ms = world.cool_downs.borrow().get(&told).map_or(0, |until_ms| until_ms - world.now());
        if ledger.cool_down_left(&now).is_some() || told_ms > 0 {
            world.violated(Violation::Throttled, format!("#{} asks {told_ms} ms before its end", self.pid));
        }
        let ask = self.ask.borrow();
        if let (Some(ask), Some(cache)) = (ask.as_ref(), cache)
            && !ask.refresh
            && self.given.is_none()
            && world.clock_moves.get() == 0
            && cache.freshness(now.reading(), ask.min_ttl) == Freshness::Fresh
        {
            world.violated(Violation::Needless, format!("#{} asks although {cache:?} is fresh", self.pid));
        }
    }
}

/// A request that its process waits for. A killed process no longer waits.
struct Flight<'a>(&'a Process<'a>, String);

impl<'a> Flight<'a> {
    fn begin(process: &'a Process<'a>, grant: &str) -> Self {
        process.world.files(grant, |files| files.in_flight += 1);
        Flight(process, grant.to_owned())
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.0.world.files(&self.1, |files| files.in_flight -= 1);
    }
}

fn failure(sent: bool, timed_out: bool) -> HttpFailure {
    HttpFailure { sent, timed_out, own: false, problem: Problem::ResponseTimeout }
}
