//! Compares the scripts in a real redis-server with the record in memory: same steps, same replies, same keys after each
//! step. Expiry of the lease is a step too, so that no test waits for it.

use crate::rng::Rng;
use redis::{Connection, FromRedisValue, cmd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use zoho_cred::store::redis::read_reply;
use zoho_cred::store::redis::scripts;
use zoho_cred::store::shared::Reply;
use zoho_cred::store::shared::record::{Lease, Record as Model};
use zoho_cred::store::shared::remote::{LedgerChange, NewToken, Reserved};

const KEYS: [&str; 3] = ["t:{c}:lease", "t:{c}:ledger", "t:{c}:token:x"];
/// Two of one process, and one of another.
const OWNERS: [&str; 3] = [
    "00000000000000000000000000000000:1",
    "00000000000000000000000000000000:2",
    "11111111111111111111111111111111:1",
];
const LIFE_MS: i64 = 7_200_000;
const LEASE_MS: i64 = 600_000;

/// A redis-server on its own Unix socket, so that no port can conflict.
struct Server {
    child: Child,
    connection: Connection,
    _dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `None`, with a message, if redis-server is not installed.
fn server() -> Option<Server> {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("redis.sock");
    let child = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(dir.path())
        .stdout(Stdio::null())
        .spawn();
    let Ok(child) = child else {
        assert!(std::env::var_os("CI").is_none(), "redis-server is not installed");
        eprintln!("SKIPPED: redis-server is not installed");
        return None;
    };
    let client = redis::Client::open(format!("unix:{}", socket.display())).unwrap();
    let begun = Instant::now();
    loop {
        if let Ok(connection) = client.get_connection() {
            return Some(Server { child, connection, _dir: dir });
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "redis-server does not answer");
        std::thread::yield_now();
    }
}

impl Server {
    fn call<T: FromRedisValue>(&mut self, script: &str, args: &[&[u8]]) -> T {
        let mut call = cmd("EVAL");
        call.arg(script).arg(KEYS.len()).arg(&KEYS).arg(args);
        call.query(&mut self.connection).unwrap()
    }

    fn field(&mut self, key: &str, name: &str) -> Vec<u8> {
        let value: Option<Vec<u8>> = cmd("HGET").arg(key).arg(name).query(&mut self.connection).unwrap();
        value.unwrap_or_default()
    }

    /// The state in Redis as the model represents it. `until` is the model's, because no clock is shared.
    fn state(&mut self, model: &Model) -> Model {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let number = |bytes: Vec<u8>| text(bytes).parse().unwrap_or(0);
        let owner: Option<String> = cmd("GET").arg(KEYS[0]).query(&mut self.connection).unwrap();
        Model {
            lease: owner
                .map(|owner| Lease { owner, until_ms: model.lease.as_ref().map_or(0, |it| it.until_ms) }),
            rev: text(self.field(KEYS[1], "rev")),
            json: text(self.field(KEYS[1], "json")),
            generation: number(self.field(KEYS[2], "gen")) as u64,
            sealed: self.field(KEYS[2], "sealed"),
            mark: text(self.field(KEYS[2], "mark")),
            asked: number(self.field(KEYS[2], "asked")),
            tomb: text(self.field(KEYS[2], "tomb")),
        }
    }

    fn assert_every_key_expires(&mut self, context: &str) {
        for (key, longest) in KEYS.iter().zip([86_400_000, LIFE_MS, LIFE_MS]) {
            let life: i64 = cmd("PTTL").arg(*key).query(&mut self.connection).unwrap();
            assert!(life == -2 || (1..=longest).contains(&life), "{key} lives {life} ms after {context}");
        }
    }
}

/// Runs one step in both and compares the replies.
fn step(server: &mut Server, model: &mut Model, rng: &Rng, nth: u64) -> String {
    let owner = rng.one(&OWNERS);
    let marks: Vec<String> = [rng.one(&["m1", "m2", "m3"]), "other"].map(str::to_owned).to_vec();
    let values: [&[u8]; 5] =
        [b"\x01ourslong", b"\x01olderlong", b"\x01evillong", b"\x00oursolder", b"\x01ou"];
    let sealed = rng.one(&values);
    let ids = [b"ours".to_vec(), b"olde".to_vec()];
    let (next, json) = (format!("r{nth}"), format!("j{nth}"));
    let rev = if rng.chance(700) { model.rev.clone() } else { "r0".to_owned() };
    let change = LedgerChange { rev: &rev, next: &next, json: &json };
    let generation = model.generation.saturating_sub(rng.below(3) as u64);
    let asked = 1_000 + rng.below(5);
    let bytes = |number: i64| number.to_string().into_bytes();
    let (life, lease) = (bytes(LIFE_MS), bytes(LEASE_MS));
    match rng.below(9) {
        0 | 1 => {
            let owner = Some(owner).filter(|_| rng.chance(800));
            let args = [owner.unwrap_or_default().as_bytes(), &lease, &ids[0], &ids[1]];
            let theirs = server.call(scripts::TAKE, &args);
            let theirs = read_reply(theirs).unwrap().map(|reply| Reply { engine_ms: 0, ..reply });
            assert_eq!(theirs, model.look(0, owner, &ids));
            format!("take {owner:?}")
        }
        2 => {
            let args = [owner.as_bytes(), &lease, rev.as_bytes(), next.as_bytes(), json.as_bytes(), &life];
            let (code, replicas) = server.call::<(i64, i64)>(scripts::RESERVE, &args);
            let reserved = if code == 1 { Reserved::Yes } else { Reserved::Lost };
            assert_eq!((reserved, replicas), (model.reserve(0, owner, change), 0));
            format!("reserve {owner} {rev}")
        }
        3 => {
            let args = [rev.as_bytes(), next.as_bytes(), json.as_bytes(), &life];
            let theirs: (String, String) = server.call(scripts::RECORD, &args);
            assert_eq!(theirs, model.record(change));
            format!("record {rev}")
        }
        4 | 5 => {
            let (generation_text, asked_text) = (bytes(generation as i64), bytes(asked));
            let mut args = vec![&generation_text[..], sealed, marks[0].as_bytes(), &asked_text, &life];
            args.extend(marks.iter().map(|mark| mark.as_bytes()));
            let theirs: i64 = server.call(scripts::COMMIT, &args);
            let new = NewToken { generation, sealed, macs: &marks, asked_ms: asked };
            assert_eq!(theirs == 1, model.commit(new));
            format!("commit {generation} {asked} {marks:?}")
        }
        6 => {
            let mut args = vec![&life[..]];
            args.extend(marks.iter().map(|mark| mark.as_bytes()));
            let _: i64 = server.call(scripts::DROP, &args);
            model.drop_token(&marks);
            format!("drop {marks:?}")
        }
        7 => {
            let _: i64 = server.call(scripts::SET_ASIDE, &[sealed]);
            model.set_aside(sealed);
            "set aside".into()
        }
        _ if rng.chance(500) => {
            let _: i64 = server.call(scripts::RELEASE, &[owner.as_bytes()]);
            model.release(0, owner);
            format!("release {owner}")
        }
        _ if rng.chance(500) => {
            let _: i64 = cmd("DEL").arg(KEYS[0]).query(&mut server.connection).unwrap();
            model.lease = None;
            "the lease runs out".into()
        }
        _ => {
            let far_ms = 86_400_000;
            let _: i64 = cmd("PEXPIRE").arg(KEYS[0]).arg(far_ms).query(&mut server.connection).unwrap();
            if let Some(lease) = &mut model.lease {
                lease.until_ms = far_ms;
            }
            "the clock is set back".into()
        }
    }
}

#[test]
fn the_scripts_do_what_the_model_does() {
    let Some(mut server) = server() else { return };
    for seed in 0..30 {
        let (rng, mut model, mut told) = (Rng::new(seed), Model::default(), Vec::new());
        let _: () = cmd("FLUSHALL").query(&mut server.connection).unwrap();
        for nth in 1..=150 {
            told.push(step(&mut server, &mut model, &rng, nth));
            assert_eq!(server.state(&model), model, "seed {seed}: {told:#?}");
            server.assert_every_key_expires(told.last().unwrap());
        }
    }
}

#[test]
fn a_lease_runs_out_by_redis_own_clock_and_a_reservation_renews_it() {
    let Some(mut server) = server() else { return };
    type Answer = (i64, i64, u64, Vec<u8>, String, String, String);
    let first: Answer = server.call(scripts::TAKE, &[b"a", b"15000"]);
    assert_eq!((first.0, server.call::<Answer>(scripts::TAKE, &[b"b", b"15000"]).0), (1, 0));
    let _: i64 = cmd("PEXPIRE").arg(KEYS[0]).arg(500).query(&mut server.connection).unwrap();
    assert_eq!(
        server.call::<(i64, i64)>(scripts::RESERVE, &[b"a", b"15000", b"", b"r", b"{}", b"7200000"]),
        (1, 0)
    );
    let life: i64 = cmd("PTTL").arg(KEYS[0]).query(&mut server.connection).unwrap();
    assert!((12_000..=15_000).contains(&life), "{life}");
    let _: i64 = cmd("PEXPIRE").arg(KEYS[0]).arg(1).query(&mut server.connection).unwrap();
    let begun = Instant::now();
    while server.call::<Answer>(scripts::TAKE, &[b"b", b"15000"]).0 == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "the lease never ran out");
    }
    assert_eq!(
        server.call::<(i64, i64)>(scripts::RESERVE, &[b"a", b"15000", b"r", b"s", b"{}", b"7200000"]),
        (-1, 0)
    );
}
