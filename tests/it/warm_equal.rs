//! The warm path is only ever quicker, never different: whatever the arguments, variables, config and state files are,
//! it answers what the long way answers, or nothing.

use crate::in_process::{ManualClock, run_with};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use zoho_cred::config::{ConfigFile, ProfileName};
use zoho_cred::credential::{CredentialId, Secrets, login_path_of};
use zoho_cred::secret::Secret;
use zoho_cred::store::profile_state::{ProfileState, login_stamp};
use zoho_cred::store::records::encode;
use zoho_cred::store::{Links, Stamp, StateDir};
use zoho_cred::system::{Clock, Env};
use zoho_cred::token::{CacheRecord, TokenSet};
use zoho_cred::warm::{Started, VARIABLES, answer};

const CONFIGS: [&str; 13] = [
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\nscopes=['ZohoCRM.modules.ALL']\n",
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\nscopes=['ZohoCRM.modules.ALL']\nscheme='bearer'\n",
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.B'\nscopes=['ZohoCRM.modules.ALL']\n",
    "[profile.crm]\ndata_center='eu'\nclient_id='1000.A'\nscopes=['ZohoCRM.modules.ALL']\n",
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\n[profile.books]\ndata_center='jp'\nclient_id='1000.A'\n",
    "default_profile='books'\n[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\n\
     [profile.books]\ndata_center='in'\nclient_id='1000.C'\n",
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\nscopes=['ZohoBooks.fullaccess.all']\n",
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\n[store]\nurl='redis://127.0.0.1:1'\n",
    "default_profile='env'\n[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\n",
    "[profile.crm]\naccounts_url='http://127.0.0.1:1'\nclient_id='1000.A'\n",
    "[profile.crm]\ndata_center='jp'\nclient_id='1000.A'\ngrant='client_credentials'\nscopes=['a']\n",
    "",
    "[profile.crm\ndata_centre='jp'\n",
];

const ARGS: [&[&str]; 18] = [
    &["get"],
    &["get", "crm"],
    &["get", "crm", "-o", "json"],
    &["get", "-o", "json"],
    &["get", "--output=header"],
    &["get", "-o", "header", "crm"],
    &["get", "books"],
    &["get", "books", "--output", "json"],
    &["get", "env", "-o", "json"],
    &["get", "env"],
    &["get", "a/b"],
    &["get", "none"],
    &["get", "crm", "-ojson"],
    &["get", "crm", "-o", "env"],
    &["-q", "get", "crm"],
    &["get", "crm", "--min-ttl", "59m"],
    &["get", "crm", "--offline"],
    &["get", "-o"],
];

/// Variables and values; `{}` stands for the test's folder.
const VALUES: [(&str, &[&str]); 16] = [
    ("ZOHO_CRED_PROFILE", &["crm", "books", "env", "", "a/b"]),
    (
        "ZOHO_CRED_CONFIG",
        &["{}/.config/zoho-cred/config.toml", "{}/other.toml", "{}/none.toml", "x.toml", ""],
    ),
    ("XDG_CONFIG_HOME", &["{}/.config", "{}/elsewhere", "relative"]),
    ("XDG_STATE_HOME", &["{}/.local/state", "{}/states", "relative"]),
    ("ZOHO_CRED_STATE_DIR", &["{}/.local/state/zoho-cred", "{}/linked", ""]),
    ("ZOHO_CRED_STORE", &["redis://127.0.0.1:1"]),
    ("ZOHO_CLIENT_ID", &["1000.E", " 1000.E", "1000.F"]),
    ("ZOHO_CLIENT_SECRET", &["secret", "other", "\n"]),
    ("ZOHO_CLIENT_SECRET_FILE", &["{}/secret", "{}/none"]),
    ("ZOHO_REFRESH_TOKEN", &["1000.env", "1000.env\n", "1000.else"]),
    ("ZOHO_REFRESH_TOKEN_FILE", &["{}/token", "{}/none"]),
    ("ZOHO_DATA_CENTER", &["jp", "JP", "xx"]),
    ("ZOHO_ACCOUNTS_URL", &["https://accounts.zoho.jp/", "http://127.0.0.1:1", "ftp://x"]),
    ("ZOHO_SCOPES", &["a,b", "ZohoCRM.modules.ALL"]),
    ("ZOHO_SOID", &["ZohoCRM.1"]),
    ("CREDENTIALS_DIRECTORY", &["{}/credentials", "{}"]),
];

/// Credentials: three that profiles may use, and the environment's.
const CREDENTIALS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Config(usize),
    NoConfig,
    OtherConfig(usize),
    Cache(usize, Cached),
    /// A login: the profile's state names this credential, whose login asked for these scopes.
    Login(&'static str, usize, bool),
    /// A login whose own state of the profile was overwritten by a refresh that began before it.
    Record(&'static str),
    Logout(&'static str),
    Advance(u64),
    SetBack(u64),
    Set(usize, usize),
    Unset(usize),
    CompleteEnvironment,
    JunkMemory,
    LinkState,
}

#[derive(Clone, Copy, Debug)]
enum Cached {
    Token { number: u8, life_s: i64, left_s: i64, answered: bool },
    None,
    Hostile,
    Junk,
    Missing,
    Link,
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop_oneof![3 => Just("crm"), 1 => Just("books")];
    let life = prop_oneof![Just(3600i64), Just(120), 1i64..4000];
    let token = (0u8..3, life, -20i64..3700, any::<bool>()).prop_map(|(number, life_s, left_s, answered)| {
        Cached::Token { number, life_s, left_s: left_s.min(life_s), answered }
    });
    let fresh = (0u8..3, any::<bool>()).prop_map(|(number, answered)| Cached::Token {
        number,
        life_s: 3600,
        left_s: 3500,
        answered,
    });
    let cached = prop_oneof![
        6 => fresh,
        3 => token,
        1 => prop_oneof![Just(Cached::None), Just(Cached::Hostile), Just(Cached::Junk), Just(Cached::Missing), Just(Cached::Link)],
    ];
    let set = (0..VALUES.len()).prop_flat_map(|n| (Just(n), 0..VALUES[n].1.len()));
    prop_oneof![
        4 => (0..CONFIGS.len()).prop_map(Step::Config),
        1 => Just(Step::NoConfig),
        1 => (0..CONFIGS.len()).prop_map(Step::OtherConfig),
        6 => (0..CREDENTIALS, cached).prop_map(|(n, cached)| Step::Cache(n, cached)),
        5 => (name, 0..3usize, prop::bool::weighted(0.8)).prop_map(|(name, n, same)| Step::Login(name, n, same)),
        1 => Just(Step::Record("crm")),
        1 => Just(Step::Logout("crm")),
        1 => (0u64..3000).prop_map(Step::Advance),
        1 => (0u64..200).prop_map(Step::SetBack),
        4 => set.prop_map(|(n, value)| Step::Set(n, value)),
        3 => (0..VALUES.len()).prop_map(Step::Unset),
        2 => Just(Step::CompleteEnvironment),
        1 => Just(Step::JunkMemory),
        1 => Just(Step::LinkState),
    ]
}

struct World {
    dir: TempDir,
    clock: Rc<ManualClock>,
    vars: Vec<(&'static str, String)>,
}

impl World {
    /// A profile that was logged in, and fresh tokens all over.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::new();
        // Later than any change that the test makes, so that every file has settled.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let standing = Duration::from_millis(clock.now().wall_ms as u64);
        clock.advance((now + Duration::from_secs(3600)).saturating_sub(standing));
        let mut world = World { dir, clock, vars: Vec::new() };
        world.vars.push(("HOME", world.dir.path().display().to_string()));
        std::fs::write(world.dir.path().join("secret"), "secret\n").unwrap();
        std::fs::write(world.dir.path().join("token"), "1000.env\n").unwrap();
        world.step(&Step::Config(0));
        world.step(&Step::Login("crm", 0, true));
        for n in 0..CREDENTIALS {
            let token = Cached::Token { number: n as u8, life_s: 3600, left_s: 3500, answered: false };
            world.step(&Step::Cache(n, token));
        }
        world
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join(".local/state/zoho-cred")
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join(".config/zoho-cred/config.toml")
    }

    fn env(&self) -> Env {
        Env::of(self.vars.iter().map(|(name, value)| (*name, value.as_str())))
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.vars.retain(|(old, _)| *old != name);
        self.vars.push((name, value.replace("{}", &self.dir.path().display().to_string())));
    }

    /// The credential's id: the environment's follows from its variables.
    fn credential(&self, n: usize) -> CredentialId {
        if n < 3 {
            let id = format!("{n}").repeat(64);
            return CredentialId::known(&id, &id);
        }
        let vars = [
            ("ZOHO_CLIENT_ID", "1000.E"),
            ("ZOHO_CLIENT_SECRET", "secret"),
            ("ZOHO_REFRESH_TOKEN", "1000.env"),
            ("ZOHO_DATA_CENTER", "jp"),
        ];
        let profile = zoho_cred::config::environment::profile(&Env::of(vars)).unwrap();
        let secrets =
            Secrets { client_secret: Secret::new("secret"), refresh_token: Some(Secret::new("1000.env")) };
        CredentialId::of(&profile, &secrets)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Config(n) => change(&self.config(), CONFIGS[*n].as_bytes()),
            Step::NoConfig => drop(std::fs::remove_file(self.config())),
            Step::OtherConfig(n) => change(&self.dir.path().join("other.toml"), CONFIGS[*n].as_bytes()),
            Step::Cache(n, cached) => self.cache(*n, *cached),
            Step::Login(name, n, same) => self.login(name, *n, *same),
            Step::Record(name) => {
                change(&login_path_of(&StateDir::new(self.state()), &self.key(name)), b"{}")
            }
            Step::Logout(name) => self.logout(name),
            Step::Advance(seconds) => self.clock.advance(Duration::from_secs(*seconds)),
            Step::SetBack(seconds) => self.clock.set_back(Duration::from_secs(*seconds)),
            Step::Set(n, value) => self.set(VALUES[*n].0, VALUES[*n].1[*value]),
            Step::Unset(n) => self.vars.retain(|(name, _)| *name != VALUES[*n].0),
            Step::CompleteEnvironment => {
                self.set("ZOHO_CLIENT_ID", "1000.E");
                self.set("ZOHO_CLIENT_SECRET", "secret");
                self.set("ZOHO_REFRESH_TOKEN", "1000.env");
                self.set("ZOHO_DATA_CENTER", "jp");
                for n in
                    ["ZOHO_SOID", "ZOHO_CLIENT_SECRET_FILE", "ZOHO_REFRESH_TOKEN_FILE", "ZOHO_ACCOUNTS_URL"]
                {
                    self.vars.retain(|(name, _)| *name != n);
                }
            }
            Step::JunkMemory => {
                for file in crate::harness::files_below(&self.state().join("warm")) {
                    std::fs::write(file, "{\"version\":1}").unwrap();
                }
            }
            Step::LinkState => drop(symlink(self.state(), self.dir.path().join("linked"))),
        }
    }

    fn cache(&self, n: usize, cached: Cached) {
        let path = self.state().join(format!("credentials/{}.v1.json", self.credential(n).cache()));
        let now = self.clock.now();
        let record = |token: &str, life_s: i64, left_s: i64, answered: bool| CacheRecord {
            token: Some(TokenSet {
                access_token: Secret::new(token),
                obtained_at_ms: now.wall_ms - (life_s - left_s) * 1000,
                expires_at_ms: now.wall_ms + left_s * 1000,
                clock_offset_ms: now.offset_ms(),
            }),
            api_domain: answered.then(|| "https://www.zohoapis.jp".to_owned()),
            scopes: if answered { vec!["ZohoCRM.answered".to_owned()] } else { Vec::new() },
            ..CacheRecord::default()
        };
        let bytes = match cached {
            Cached::Token { number, life_s, left_s, answered } => {
                encode(&record(&format!("1000.{n}.{number}"), life_s, left_s, answered))
            }
            Cached::None => encode(&CacheRecord { rejected: true, ..CacheRecord::default() }),
            Cached::Hostile => encode(&record("1000.a\nb", 3600, 3500, false)),
            Cached::Junk => b"junk".to_vec(),
            Cached::Missing => return drop(std::fs::remove_file(&path)),
            Cached::Link => {
                let target = self.dir.path().join("target");
                change(&target, &encode(&record("1000.link", 3600, 3500, false)));
                let _ = std::fs::remove_file(&path);
                return drop(symlink(target, path));
            }
        };
        let _ = std::fs::remove_file(&path);
        change(&path, &bytes);
    }

    fn login(&self, name: &str, n: usize, same_scopes: bool) {
        let Ok(text) = std::fs::read_to_string(self.config()) else { return };
        let path = std::fs::canonicalize(self.config()).unwrap();
        let Ok(config) = ConfigFile::parse(&path, &text) else { return };
        let Some(Ok(profile)) = config.profile(&ProfileName::new(name).unwrap()) else { return };
        let scopes = if same_scopes { profile.scopes.clone() } else { vec!["ZohoMail.other".into()] };
        std::fs::create_dir_all(self.state()).unwrap();
        let state_folder = StateDir::new(self.state());
        let state =
            ProfileState::new(&profile, &self.credential(n), scopes, login_stamp(&state_folder, &profile));
        let key = zoho_cred::credential::profile_key(&path, &profile.name);
        let file = self.state().join(format!("profiles/{key}.v1.json"));
        let before = Stamp::of(&file, Links::Refuse).ok();
        while Stamp::of(&file, Links::Refuse).ok() == before {
            state.save(&state_folder, &profile).unwrap();
        }
    }

    fn key(&self, name: &str) -> String {
        let path = std::fs::canonicalize(self.config()).unwrap_or_default();
        zoho_cred::credential::profile_key(&path, &ProfileName::new(name).unwrap())
    }

    fn logout(&self, name: &str) {
        let _ = std::fs::remove_file(self.state().join(format!("profiles/{}.v1.json", self.key(name))));
    }

    /// Both ways, and what they say must be the same wherever the warm one says anything.
    fn compare(&self, args: &[&str], answered: &Cell<usize>) -> Result<(), TestCaseError> {
        for _ in 0..2 {
            let line: Vec<&str> = ["zoho-cred"].iter().chain(args).copied().collect();
            let warm = answer(&line, &Started { env: &self.env().only(VARIABLES), clock: &*self.clock });
            let (code, stdout, stderr) = run_with(self.env(), &self.clock, args);
            if let Some(bytes) = warm {
                answered.set(answered.get() + 1);
                let warm = (0, String::from_utf8(bytes.to_vec()).unwrap(), String::new());
                prop_assert_eq!(warm, (code, stdout, stderr), "{:?}", args);
            }
        }
        Ok(())
    }
}

/// Writes a file so that its stamp shows it: within one tick of the file system's clock it might not.
fn change(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let before = Stamp::of(path, Links::Follow).ok();
    loop {
        std::fs::write(path, bytes).unwrap();
        if Stamp::of(path, Links::Follow).ok() != before {
            return;
        }
    }
}

#[test]
fn the_warm_path_never_disagrees() {
    let cases = 400;
    let steps = prop::collection::vec((prop::collection::vec(step(), 0..3), 0..ARGS.len()), 1..8);
    let answered = Cell::new(0);
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let outcome = runner.run(&steps, |calls| {
        let mut world = World::new();
        for (steps, args) in calls {
            for step in &steps {
                world.step(step);
            }
            world.compare(ARGS[args], &answered)?;
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(answered.get() > cases as usize / 4, "the warm path answered only {} times", answered.get());
}

/// A refresh that began before a login may write the profile's state last, naming the credential of before.
#[test]
fn a_login_ends_what_was_remembered_although_the_state_is_the_old_one() {
    let mut world = World::new();
    let answered = Cell::new(0);
    world.compare(&["get", "crm"], &answered).unwrap();
    world.compare(&["get", "crm"], &answered).unwrap();
    let before = answered.get();
    assert!(before > 0);
    world.step(&Step::Record("crm"));
    world.compare(&["get", "crm"], &answered).unwrap();
    assert_eq!(answered.get(), before);
}
