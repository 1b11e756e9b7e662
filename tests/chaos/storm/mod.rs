//! Fifty callers of all kinds for as long as is asked for, and everything that can happen to them.
//!
//! Rough phases, in which anything goes wrong, take turns with calm ones, in which nobody is hurt and everybody presses
//! on the budget: what a crash excuses is no excuse there.

mod callers;
mod figures;
mod history;
mod judge;
mod weather;

use crate::fingerprint;
use crate::harness::{Test, Tmpfs, files_below, random, until};
use figures::Figures;
use history::History;
use judge::Mints;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use zoho_cred::sandbox::{ClientKind, Endpoint, LogEntry, Options};

const CALLERS: usize = 50;
const WINDOW: Duration = Duration::from_secs(20);
/// Life of a token while it is rough, and while it is calm.
const LIVES: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(3)];
/// Tokens in a window that Zoho allows, and that every profile but one may use.
const BUDGET: usize = 10;
/// What `crm` may use: its ledger is overwritten now and then, and then counts as all but two used.
const CAREFUL_BUDGET: usize = BUDGET - 2;
/// Profiles that are new in every phase, so that there is a budget to press on.
const RUSH: usize = 3;

/// What all callers share.
struct Storm<'a> {
    test: &'a Test,
    figures: Figures,
    history: History,
    mints: Mints,
    over: AtomicBool,
    /// Whether anything may go wrong now; and whether the weather has heard of it.
    rough: AtomicBool,
    is_rough: AtomicBool,
    /// The profiles that are new in this phase.
    rush: Mutex<Vec<String>>,
    /// Everything that no caller may show.
    secrets: Mutex<Vec<String>>,
    /// When the sandbox killed all tokens, in its time.
    killed_ms: Mutex<Vec<u64>>,
}

/// A calm phase: whose budget was pressed on, from when to when in the sandbox's time.
struct Calm {
    grants: Vec<String>,
    from_ms: u64,
    to_ms: u64,
}

fn one<T: Copy>(of: &[T]) -> T {
    of[random(of.len() as u64) as usize]
}

#[test]
fn a_storm_breaks_no_promise() {
    let seconds = std::env::var("CHAOS_SECONDS").ok().and_then(|s| s.parse().ok()).unwrap_or(12);
    let test = Test::with(Options::default()).without_environment();
    let state = test.state();
    let disk = Tmpfs::mount(&state, "size=12m,mode=700");
    let set = |limits: &mut zoho_cred::sandbox::Limits| {
        let many = 1_000_000;
        (limits.window, limits.live_tokens, limits.refresh_tokens, limits.codes) = (WINDOW, many, many, many);
    };
    test.sandbox.set_limits(set).unwrap();
    let storm = Storm::over(&test);
    storm.begin();
    let mut calm = Vec::new();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(|| storm.call())).collect();
        let weather = scope.spawn(|| storm.weather());
        let lost = || callers.iter().any(|caller| caller.is_finished()) || weather.is_finished();
        let phase = Duration::from_secs((seconds / 6).clamp(4, 60));
        let end = Instant::now() + Duration::from_secs(seconds);
        for number in 0.. {
            let is_over = || Instant::now() >= end || lost();
            if is_over() {
                break;
            }
            let grants = storm.phase(number);
            let from_ms = test.sandbox.now_ms();
            let until = Instant::now() + phase;
            while Instant::now() < until && !is_over() {
                std::thread::sleep(Duration::from_millis(50));
            }
            if number % 2 == 1 {
                calm.push(Calm { grants, from_ms, to_ms: test.sandbox.now_ms() });
            }
        }
        storm.over.store(true, Ordering::SeqCst);
        for thread in callers.into_iter().chain([weather]) {
            thread.join().unwrap();
        }
    });
    storm.budgets_were_kept(seconds, &calm);
    storm.everybody_is_served();
    storm.nothing_is_left_behind();
    drop(disk);
}

impl<'a> Storm<'a> {
    fn over(test: &'a Test) -> Self {
        let clients = test.sandbox.clients().iter().map(|client| client.client_secrets["us"].clone());
        Storm {
            test,
            figures: Figures::default(),
            history: History::default(),
            mints: Mints::default(),
            over: AtomicBool::new(false),
            rough: AtomicBool::new(false),
            is_rough: AtomicBool::new(false),
            rush: Mutex::default(),
            secrets: Mutex::new(clients.chain([test.sandbox.refresh_token().to_owned()]).collect()),
            killed_ms: Mutex::default(),
        }
    }

    /// The three profiles that last: one that keeps its refresh token, one with logins and logouts, one with none.
    fn begin(&self) {
        for profile in ["crm", "desk", "robot"] {
            self.log_in(profile).exits(0);
        }
        let config = std::fs::read_to_string(self.test.config()).unwrap();
        let budget = format!("[profile.crm]\nbudget = {{ tokens = {CAREFUL_BUDGET}, window = \"20s\" }}\n");
        let others = format!("budget = {{ tokens = {BUDGET}, window = \"20s\" }}\n");
        let config = config.replace("[profile.crm]\n", &budget);
        let config = config.replace("[profile.desk]\n", &format!("[profile.desk]\n{others}"));
        self.test.write_config(&config.replace("[profile.robot]\n", &format!("[profile.robot]\n{others}")));
    }

    /// Begins a phase with profiles that nobody has used yet, each logged in by three at once; answers their grants.
    fn phase(&self, number: usize) -> Vec<String> {
        self.rough.store(false, Ordering::SeqCst);
        until("the weather to calm down", || !self.is_rough.load(Ordering::SeqCst));
        self.forget_replaced_credentials();
        let names: Vec<String> = (0..RUSH).map(|n| format!("rush-{number}-{n}")).collect();
        let mut grants = Vec::new();
        for name in &names {
            let token = self.test.sandbox.new_refresh_token();
            self.secrets.lock().unwrap().push(token.clone());
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        self.run_login(self.refresh_token_login(name, &token, false)).exits(0);
                    });
                }
            });
            grants.push(fingerprint(&token));
        }
        *self.rush.lock().unwrap() = names;
        let is_rough = number.is_multiple_of(2);
        let latency = Duration::from_millis(if is_rough { 0 } else { 100 });
        let life = LIVES[number % 2];
        self.test.sandbox.set_limits(|l| (l.token_life, l.latency) = (life, latency)).unwrap();
        self.rough.store(is_rough, Ordering::SeqCst);
        grants
    }

    /// Removes the state of credentials that were replaced more than a minute ago: an hour's logins would fill the disk.
    fn forget_replaced_credentials(&self) {
        let used: Vec<String> = self
            .records()
            .into_iter()
            .flat_map(|mut record| [record["previous"].take(), record])
            .filter_map(|record| record["credential"].as_str().map(str::to_owned))
            .collect();
        let rooms = ["credentials", "ledgers", "locks"].map(|room| self.test.state().join(room));
        for file in rooms.iter().flat_map(|room| files_below(room)) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            let written = file.metadata().and_then(|found| found.modified());
            let is_old = written.is_ok_and(|at| at.elapsed().is_ok_and(|ago| ago > Duration::from_secs(60)));
            if is_old && name != "logins.lock" && !used.iter().any(|id| name.starts_with(id)) {
                let _ = std::fs::remove_file(file);
            }
        }
    }

    /// The records of logins.
    fn records(&self) -> Vec<serde_json::Value> {
        let files = files_below(&self.test.state().join("secrets")).into_iter();
        let records =
            files.filter(|file| file.file_name().unwrap().to_string_lossy().starts_with("profile-"));
        let read = |file| serde_json::from_slice(&std::fs::read(file).ok()?).ok();
        records.filter_map(read).collect()
    }

    /// What the name of `crm`'s ledger begins with.
    fn ledger_of_crm(&self) -> String {
        let crm = self.records().into_iter().find(|record| record["profile"] == "crm").unwrap_or_default();
        crm["credential"].as_str().unwrap_or("none").to_owned()
    }

    /// What the sandbox counted.
    fn budgets_were_kept(&self, seconds: u64, calm: &[Calm]) {
        let (counts, log) = (self.test.sandbox.counts(), self.test.sandbox.log());
        let of =
            |fp: &String| counts.grants.iter().find(|g| g.refresh_token_fp.as_ref() == Some(fp)).unwrap();
        let pressed: Vec<_> = calm.iter().flat_map(|calm| &calm.grants).map(of).collect();
        let full = pressed.iter().filter(|grant| grant.most_in_any_window == BUDGET).count();
        let at_once = |entries: &mut dyn Iterator<Item = &LogEntry>| {
            entries.map(|entry| entry.at_once).max().unwrap_or(0)
        };
        let calmly = |entry: &&LogEntry| {
            calm.iter().any(|calm| {
                let is_its = entry.refresh_token_fp.as_ref().is_some_and(|fp| calm.grants.contains(fp));
                is_its && (calm.from_ms..calm.to_ms).contains(&entry.time_ms)
            })
        };
        let most = (at_once(&mut log.iter()), at_once(&mut log.iter().filter(calmly)));
        println!(
            "{seconds} s: {}; {} token requests, {} minted for {} credentials, at most {} in a window of {BUDGET}; \
             {full} of {} that were pressed on spent their whole budget, {} throttled; at most {} at once in calm \
             phases, {} after kills",
            self.figures,
            counts.token_requests,
            counts.minted,
            counts.grants.iter().filter(|grant| grant.minted > 0).count(),
            counts.most_in_any_window,
            pressed.len(),
            counts.throttled,
            most.1,
            most.0,
        );
        assert!(counts.most_in_any_window <= BUDGET && counts.throttled == 0, "{counts:?}");
        assert!(most.1 <= 1, "two requests at once although nobody crashed");
        // On a busy machine, a short storm gets too little done to say how much it must get done.
        if seconds >= 300 {
            assert!(full > 0, "nobody used up a budget");
            self.figures.are_of_a_storm();
        }
        // Nobody was sent what is another client's: the only strangers are refresh tokens that were revoked.
        for entry in log.iter().filter(|entry| entry.endpoint == Endpoint::Token) {
            if entry.fault.as_deref().is_some_and(|fault| fault != "delay") {
                continue;
            }
            let is_dead = entry.refresh_token_fp.as_ref().is_some_and(|fp| !of(fp).alive);
            assert!(entry.outcome == "granted" || (entry.outcome == "invalid_code" && is_dead), "{entry:?}");
        }
    }

    /// With nothing wrong any more every profile that is logged in gives a token, as soon as its budget allows, and the
    /// others can log in.
    fn everybody_is_served(&self) {
        let calm = Instant::now() + Duration::from_secs(300);
        let rush = self.rush.lock().unwrap().clone();
        for profile in ["crm", "desk", "robot"].into_iter().chain(rush.iter().map(String::as_str)) {
            loop {
                let begun_ms = self.test.sandbox.now_ms();
                let outcome = self.test.run(["get", profile, "--wait", "10s"]);
                self.judge_token(profile, begun_ms, &outcome);
                let logged_out = self.history.may_be_logged_out(profile, begun_ms, begun_ms);
                if outcome.code == 0 || logged_out || self.is_out_of_budget(profile) {
                    break;
                }
                // A refusal that the weather made up is remembered for a while.
                assert!(Instant::now() < calm, "no token although nothing is wrong any more: {outcome:?}");
                std::thread::sleep(Duration::from_secs(1));
            }
        }
    }

    /// Whether the profile has to wait for Zoho's window, longer than this test would.
    fn is_out_of_budget(&self, profile: &str) -> bool {
        let status = self.test.run(["status", profile, "-o", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap_or_default();
        // Automatic refreshes leave one.
        let is_spent = status["budget"]["used"].as_u64().is_some_and(|used| used + 1 >= BUDGET as u64);
        status["state"] == "out_of_budget" && is_spent
    }

    /// After one more login of each profile only its own secrets are in the folder: a login that was killed half-way
    /// leaves no refresh token lying about.
    fn nothing_is_left_behind(&self) {
        let secrets = self.test.state().join("secrets");
        for profile in ["crm", "desk", "robot"] {
            let login = match profile {
                "robot" => self.robot_login(false),
                _ => self.refresh_token_login(profile, &self.new_refresh_token(), false),
            };
            self.run_login(login).exits(0);
        }
        let mut items = BTreeSet::new();
        let names = files_below(&secrets).into_iter().map(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap_or_default())
        });
        let mut files: BTreeMap<String, serde_json::Value> = names.collect();
        files.retain(|name, json| {
            let is_record = name.starts_with("profile-");
            for item in
                [&json["client_secret"], &json["refresh_token"]].iter().filter_map(|item| item.as_str())
            {
                items.insert(format!("{item}.json"));
            }
            !is_record
        });
        let there: BTreeSet<String> = files.into_keys().collect();
        assert_eq!(there, items, "what is there, and what is in use");
    }
}

/// The client that may do everything.
fn any(storm: &Storm<'_>) -> (String, String) {
    client(storm, ClientKind::Any)
}

fn client(storm: &Storm<'_>, kind: ClientKind) -> (String, String) {
    let client = storm.test.sandbox.client(kind);
    (client.client_id.clone(), client.client_secrets["us"].clone())
}
