//! Everything that reads what others wrote. Nothing may panic; what can be written again must be read as the same.
//! libFuzzer calls it (`target.rs`), and so does `tests/it/fuzz.rs`.

use std::path::Path;
use std::time::Duration;
use zoho_cred::commands::reject::parse_token;
use zoho_cred::config::{ConfigFile, duration};
use zoho_cred::helper::{git, uri};
use zoho_cred::login::{exported, sdk_csv};
use zoho_cred::model::ClockReading;
use zoho_cred::model::CredentialId;
use zoho_cred::model::{AccountsUrl, Budget, ProfileName, is_well_formed};
use zoho_cred::model::{CacheRecord, Ledger};
use zoho_cred::oauth::{Answer, callback, classify, device, revoke, userinfo};
use zoho_cred::secret::Secret;
use zoho_cred::secrets::LoginJournal;
use zoho_cred::secrets::LoginRecord;
use zoho_cred::secrets::ProfileState;
use zoho_cred::store::local::records::decode;
use zoho_cred::store::redis::read_reply;
use zoho_cred::store::shared::Reply;
use zoho_cred::store::shared::record::Record;
use zoho_cred::store::shared::remote::NewToken;
use zoho_cred::store::shared::seal::Keys;
use zoho_cred::store::shared::snapshot::Snapshot;
use zoho_cred::system::Clock;

/// The first byte of `input` says who reads the rest; false if that is nobody.
pub fn read(input: &[u8]) -> bool {
    let Some((reader, bytes)) = input.split_first() else { return false };
    let text = String::from_utf8_lossy(bytes);
    match (reader, bytes) {
        (b'a', [status, body @ ..]) => answer(200 + u16::from(*status) * 2, body),
        (b'c', _) => redirect(&text),
        (b'f', _) => drop(ConfigFile::parse(Path::new("config.toml"), &text)),
        (b'g', _) => git_request(bytes),
        (b'i', _) => drop(exported::parse(&text)),
        (b'k', _) => drop(sdk_csv::parse(&text)),
        (b'o', _) => object(bytes),
        (b'r', _) => redis_answer(bytes),
        (b's', _) => state_file(bytes),
        (b't', _) => rejected(bytes),
        (b'u', _) => drop(uri::read(bytes)),
        (b'w', _) => words(&text),
        _ => return false,
    }
    true
}

/// An answer of the accounts server to any request.
pub fn answer(status: u16, body: &[u8]) {
    if let Answer::Granted(granted) = classify(status, body, false) {
        assert!(is_well_formed(granted.access_token.expose()));
    }
    let _ = device::read_code(body);
    device::read_poll(status, body, false);
    revoke::outcome(status, body);
    userinfo::liveness(status, body);
}

/// Any file of the state folder.
pub fn state_file(bytes: &[u8]) {
    decode::<Ledger>(bytes);
    decode::<CacheRecord>(bytes);
    decode::<LoginRecord>(bytes);
    decode::<ProfileState>(bytes);
    decode::<LoginJournal>(bytes);
}

/// What Redis may answer to the one question that is asked of it before anything else: a whole answer of its protocol, or
/// `sealed` and then a value that stands where a token does, or else the plain values, one a line.
fn redis_answer(bytes: &[u8]) {
    let keys = Keys::read(&Secret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), None).expect("a key");
    let whole = |sealed| Reply {
        got: true,
        engine_ms: 1_800_000_000_000,
        generation: 1,
        sealed,
        revoked_mac: String::new(),
        rev: String::new(),
        json: String::new(),
    };
    match bytes.split_first() {
        Some((b'*', _)) => {
            if let Ok(Some(raw)) = redis::parse_redis_value(bytes).map_or(Ok(None), read_reply) {
                assert!(fleet(raw, &keys).is_none_or(|view| view.cache.is_none()), "nobody sealed it");
            }
        }
        // With our own header, with any, and any text that one of ours did seal.
        Some((b'h', rest)) => {
            let ours = keys.seal("id", b"").expect("randomness")[..5].to_vec();
            for sealed in [[&ours[..], rest].concat(), rest.to_vec()] {
                assert!(
                    fleet(whole(sealed), &keys).is_none_or(|view| view.cache.is_none()),
                    "nobody sealed it"
                );
            }
        }
        Some((b's', text)) => {
            let view = fleet(whole(keys.seal("id", text).expect("randomness")), &keys).expect("our key");
            if let Some(cache) = &view.cache {
                let (again, _) = view.cache_text(cache);
                let again =
                    fleet(whole(keys.seal("id", &again).expect("randomness")), &keys).expect("our key");
                let token =
                    |view: &Snapshot| view.cache.clone().and_then(|it| it.token).map(|it| it.access_token);
                assert_eq!(token(&again), token(&view));
            }
        }
        _ => {
            let text = String::from_utf8_lossy(bytes);
            let mut lines = text.splitn(5, '\n');
            let mut number = || lines.next().and_then(|line| line.parse().ok()).unwrap_or(i64::MAX);
            let (engine_ms, generation) = (number(), number() as u64);
            let mut word = || lines.next().unwrap_or_default().to_owned();
            let (revoked_mac, rev, json) = (word(), word(), word());
            fleet(Reply { engine_ms, generation, revoked_mac, rev, json, ..whole(Vec::new()) }, &keys);
        }
    }
}

/// The record in an object of a bucket, at any time. It is text, so nobody can have sealed its token.
fn object(bytes: &[u8]) {
    let keys = Keys::read(&Secret::new("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), None).expect("a key");
    let Ok(record) = serde_json::from_slice::<Record>(bytes) else { return };
    for now in [0, 1_800_000_000_000] {
        let mut record = record.clone();
        if let Some(reply) = record.look(now, Some("0123456789abcdef0123456789abcdef:1"), &keys.ids()) {
            assert!(fleet(reply, &keys).is_none_or(|view| view.cache.is_none()), "nobody sealed it");
        }
        let (generation, macs) = (record.generation, ["m".to_owned()]);
        record.commit(NewToken { generation, sealed: b"s", macs: &macs, asked_ms: now });
        record.drop_token(&macs);
        let text = serde_json::to_vec(&record).expect("JSON");
        assert_eq!(serde_json::from_slice::<Record>(&text).ok(), Some(record));
    }
}

/// The fleet's state as this machine understands it; none where it is sealed with a foreign key.
fn fleet(raw: Reply, keys: &Keys) -> Option<Snapshot> {
    let view = Snapshot::of(raw, Stopped.now(), keys, &CredentialId::known("id", "id"), &Stopped).ok()?;
    let now = Stopped.timestamp();
    assert!(
        view.ledger.next_slot(&now, &Budget::default(), 1) <= Duration::from_secs(625),
        "a longer lock-out"
    );
    view.read_ledger(&view.ledger_json(&view.ledger, &now), &now);
    Some(view)
}

/// A clock that stands still, so that an input does the same every time.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> ClockReading {
        ClockReading { wall_ms: 1_800_000_000_000, boot_ms: 50_000_000 }
    }

    fn boot_id(&self) -> String {
        "boot".to_owned()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) {}
}

fn redirect(query: &str) {
    let accounts = AccountsUrl::new("https://accounts.zoho.com").expect("it is one");
    callback::read(query, &Secret::new("state"), &accounts);
    callback::pasted(query, &Secret::new("state"));
}

fn git_request(bytes: &[u8]) {
    if let Ok(request) = git::GitRequest::parse(bytes) {
        request.place();
    }
}

/// A token that an API refused, from stdin or a file.
fn rejected(bytes: &[u8]) {
    if let Some(token) = parse_token(bytes) {
        assert!(is_well_formed(token.expose()));
    }
}

fn words(text: &str) {
    let _ = duration::parse(text);
    let _ = ProfileName::new(text);
    let _ = AccountsUrl::new(text);
}
