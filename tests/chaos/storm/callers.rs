//! What callers ask for, and what is done to them.

use super::figures::Figures;
use super::history::{Change, Owner};
use super::{Storm, any, client, fingerprint, one, random};
use crate::harness::{Outcome, move_clock};
use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;
use zoho_cred::sandbox::ClientKind;

/// One call.
pub struct Errand {
    pub args: Vec<String>,
    pub stdin: String,
    /// How long it may take.
    pub timeout: Duration,
    pub kind: Kind,
    /// Files that it reads, gone afterwards.
    files: Vec<PathBuf>,
}

pub enum Kind {
    /// Its answer is a token of this profile.
    Token(String),
    Change(String, Change),
    Other,
}

impl Errand {
    fn new(line: &str, seconds: u64, kind: Kind) -> Self {
        Errand {
            args: line.split(' ').map(str::to_owned).collect(),
            stdin: String::new(),
            timeout: Duration::from_secs(seconds),
            kind,
            files: Vec::new(),
        }
    }
}

impl Storm<'_> {
    /// One caller after the other until it is over.
    pub fn call(&self) {
        while !self.over.load(Ordering::SeqCst) {
            let is_rough = self.rough.load(Ordering::SeqCst);
            let rush = self.rush.lock().unwrap().clone();
            let errand = match random(if is_rough { 24 } else { 60 }) {
                0 => self.a_login(),
                1 => self.a_logout(),
                2 if is_rough => self.a_login(),
                _ if rush.is_empty() => self.errand("crm"),
                _ if is_rough => self.errand(one(&["crm", "crm", "desk", "desk", "robot", &one_of(&rush)])),
                _ => self.pressing(&one_of(&rush)),
            };
            self.run(&errand, is_rough);
        }
    }

    fn errand(&self, profile: &str) -> Errand {
        let token = |line: &str, seconds| {
            Errand::new(&line.replace("PROFILE", profile), seconds, Kind::Token(profile.to_owned()))
        };
        let other =
            |line: &str, seconds| Errand::new(&line.replace("PROFILE", profile), seconds, Kind::Other);
        match random(20) {
            0..=8 => token("get PROFILE --timeout 5s", 5),
            9 => token("get PROFILE --timeout 2s --wait 2s", 2),
            10 => token("get PROFILE -o header --min-ttl 8s --timeout 5s", 5),
            11 => token("get PROFILE --refresh --timeout 5s", 5),
            12 => token("get PROFILE --offline", 30),
            13 => token("exec PROFILE -- printenv ZOHO_ACCESS_TOKEN", 30),
            14 => other("status PROFILE -o json", 30),
            15 => Errand { stdin: "1000.nobodys.token".into(), ..other("reject PROFILE --timeout 2s", 2) },
            16 => self.a_reject(profile),
            17 => Errand {
                stdin: "protocol=https\nhost=www.zohoapis.com\n\n".into(),
                ..other("helper git get --profile PROFILE", 30)
            },
            _ => token("get PROFILE --timeout 8s", 8),
        }
    }

    /// All that spends budget.
    fn pressing(&self, profile: &str) -> Errand {
        let token = |line: &str, seconds| {
            Errand::new(&line.replace("PROFILE", profile), seconds, Kind::Token(profile.to_owned()))
        };
        match random(10) {
            0..=4 => token("get PROFILE --refresh", 30),
            5 | 6 => token("get PROFILE --min-ttl 2s", 30),
            7 => token("get PROFILE --wait 2s", 32),
            8 => self.a_reject(profile),
            _ => self.errand(profile),
        }
    }

    /// The cached token is said to be bad.
    fn a_reject(&self, profile: &str) -> Errand {
        let cached = self.test.run(["get", profile, "--offline"]).stdout;
        let stdin = if cached.is_empty() { "none".to_owned() } else { cached };
        Errand { stdin, ..Errand::new(&format!("reject {profile} --timeout 2s"), 2, Kind::Other) }
    }

    fn a_login(&self) -> Errand {
        match random(10) {
            0 => self.refresh_token_login("crm", self.test.sandbox.refresh_token(), true),
            1 => self.refresh_token_login("crm", self.test.sandbox.refresh_token(), false),
            2 => self.robot_login(random(2) == 0),
            3 | 4 => self.refresh_token_login("desk", &self.new_refresh_token(), random(2) == 0),
            _ => self.code_login(one(&[ClientKind::SelfClient, ClientKind::Any])),
        }
    }

    fn a_logout(&self) -> Errand {
        let (profile, more) = one(&[("desk", ""), ("desk", " --local"), ("robot", ""), ("desk", "")]);
        let line = format!("logout {profile}{more}");
        Errand::new(&line, 45, Kind::Change(profile.to_owned(), Change::Logout))
    }

    pub fn new_refresh_token(&self) -> String {
        let token = self.test.sandbox.new_refresh_token();
        self.secrets.lock().unwrap().push(token.clone());
        token
    }

    /// The first login of one of the profiles that last.
    pub fn log_in(&self, profile: &str) -> Outcome {
        self.run_login(match profile {
            "robot" => self.robot_login(true),
            "crm" => self.refresh_token_login("crm", self.test.sandbox.refresh_token(), false),
            _ => self.refresh_token_login(profile, &self.new_refresh_token(), false),
        })
    }

    pub fn run_login(&self, errand: Errand) -> Outcome {
        self.run(&errand, false)
    }

    pub fn refresh_token_login(&self, profile: &str, token: &str, is_verified: bool) -> Errand {
        let owner = Owner::RefreshToken(fingerprint(token));
        let more = if is_verified { "" } else { " --no-verify" };
        let flow = format!("refresh-token{more} --refresh-token-file");
        self.login(profile, owner, any(self), &flow, Some(token))
    }

    pub fn robot_login(&self, is_verified: bool) -> Errand {
        let more = if is_verified { "" } else { " --no-verify" };
        let flow = format!(
            "client-credentials{more} --scope ZohoCRM.modules.ALL --soid {}",
            self.test.sandbox.soid()
        );
        self.login("robot", Owner::Client, client(self, ClientKind::SelfClient), &flow, None)
    }

    /// With a code of the API console, which makes a refresh token.
    fn code_login(&self, kind: ClientKind) -> Errand {
        let code = self.test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(600));
        self.secrets.lock().unwrap().push(code.clone());
        let more = one(&["", " --revoke-old"]);
        let flow = format!("self-client{more} --code-file");
        self.login("desk", Owner::Code(fingerprint(&code)), client(self, kind), &flow, Some(&code))
    }

    /// A login whose secrets are in files; `flow` ends with the flag that names the file of the last of them.
    fn login(
        &self,
        profile: &str,
        owner: Owner,
        (id, secret): (String, String),
        flow: &str,
        last: Option<&str>,
    ) -> Errand {
        let name = |kind: &str| format!("{kind}-{:x}", random(u64::MAX));
        let secret = self.test.file(&name("secret"), &secret);
        let last = last.map(|text| self.test.file(&name("last"), text));
        let url = self.test.sandbox.url();
        let line =
            format!("login {profile} --secrets file --accounts-url {url} --client-id {id} --flow {flow}");
        let change = Change::Login(owner);
        let mut errand = Errand::new(&line, 75, Kind::Change(profile.to_owned(), change));
        errand.args.extend(last.iter().map(|path| path.display().to_string()));
        errand.args.extend(["--client-secret-file".to_owned(), secret.display().to_string()]);
        errand.files.extend(last.into_iter().chain([secret]));
        errand
    }

    /// Runs an errand, harms it perhaps, and judges what came of it.
    pub fn run(&self, errand: &Errand, is_rough: bool) -> Outcome {
        let input = self.test.file(&format!("stdin-{:x}", random(u64::MAX)), &errand.stdin);
        let mut command = self.test.command(&errand.args);
        if is_rough && random(30) == 0 {
            move_clock(&mut command, one(&["+1h", "-1h", "+1d"]));
        }
        command.stdin(Stdio::from(File::open(&input).unwrap()));
        let begun_ms = self.test.sandbox.now_ms();
        let change = match &errand.kind {
            Kind::Change(profile, change) => {
                Some((profile, change, self.history.begins(profile, change.clone(), begun_ms)))
            }
            _ => None,
        };
        let running = self.test.start(command);
        Figures::one(&self.figures.processes);
        let harm = if is_rough { random(10) } else { 9 };
        self.harm(running.pid(), harm);
        let outcome = running.wait();
        for file in errand.files.iter().chain([&input]) {
            std::fs::remove_file(file).unwrap();
        }
        if let Some((profile, change, index)) = change {
            let well = outcome.code == 0;
            self.history.ends(profile, index, well, self.test.sandbox.now_ms());
            match change {
                Change::Login(_) => self.figures.logins.ended(well),
                Change::Logout => self.figures.logouts.ended(well),
            }
        }
        self.figures.code(&outcome);
        self.judge(errand, begun_ms, harm < 3, &outcome);
        outcome
    }

    fn harm(&self, pid: i32, harm: u64) {
        let pause = Duration::from_millis(random(400));
        let send = |signal: &str| {
            let args = [format!("-{signal}"), pid.to_string()];
            let _ = Command::new("kill").args(args).stderr(Stdio::null()).status();
        };
        match harm {
            0 => {
                std::thread::sleep(pause);
                send("KILL");
                Figures::one(&self.figures.kills);
            }
            1 => {
                std::thread::sleep(pause);
                send("TERM");
                Figures::one(&self.figures.terms);
            }
            2 => {
                std::thread::sleep(pause);
                send("STOP");
                std::thread::sleep(pause * 10);
                send("CONT");
                Figures::one(&self.figures.stops);
            }
            _ => {}
        }
    }
}

fn one_of(names: &[String]) -> String {
    names[random(names.len() as u64) as usize].clone()
}
