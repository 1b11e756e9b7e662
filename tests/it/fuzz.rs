//! Arbitrary file contents and network input cause no panic and are never accepted as valid data.

#[path = "../fuzz/readers.rs"]
mod readers;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use zoho_cred::config::ConfigFile;
use zoho_cred::model::{Budget, CacheRecord, ClockReading, FailureKind, Ledger, MinTtl, Timestamp};
use zoho_cred::oauth::device;
use zoho_cred::output::rfc3339;
use zoho_cred::store::local::records::decode;

/// Boundary values and typical values for numbers in files.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0),
        Just(-1),
        any::<i64>(),
        1_800_000_000_000i64..1_800_004_000_000,
    ]
}

fn moment() -> impl Strategy<Value = Value> {
    (number(), number(), "[ab]?")
        .prop_map(|(wall, boot, id)| json!({"wall_ms": wall, "boot_ms": boot, "boot_id": id}))
}

fn maybe(strategy: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::option::of(strategy).prop_map(|value| value.unwrap_or(Value::Null))
}

fn ledger() -> impl Strategy<Value = Value> {
    let entry = (moment(), maybe(moment()), any::<bool>()).prop_map(
        |(sent, answered, granted)| json!({"sent": sent, "answered": answered, "granted": granted}),
    );
    let cool_down = (moment(), number()).prop_map(|(since, ms)| json!({"since": since, "length_ms": ms}));
    let kind = prop_oneof![Just("transient"), Just("throttled"), Just("refused"), Just("misconfigured")];
    let rounds = prop_oneof![Just(0), Just(1), Just(u32::MAX), any::<u32>()];
    let failure = (kind, moment(), rounds).prop_map(
        |(kind, at, rounds)| json!({"kind": kind, "error": "x", "message": "m", "at": at, "rounds": rounds}),
    );
    let failures = prop_oneof![Just(u64::MAX), any::<u64>()];
    (vec(entry, 0..5), vec(moment(), 0..5), maybe(cool_down), maybe(failure), failures, maybe(moment()))
        .prop_map(|(requests, rejects, cool_down, failure, failures, early)| {
            json!({"version": 1, "requests": requests, "rejects": rejects, "cool_down": cool_down,
                   "failure": failure, "failures": failures, "early_failed": early})
        })
}

const NOW: ClockReading = ClockReading { wall_ms: 1_800_000_000_000, boot_ms: 50_000_000 };
const WINDOW: Duration = Duration::from_secs(600);

/// The seed corpus of `tests/fuzz/run`: each seed is accepted by a reader, so the fuzz targets stay reachable.
#[test]
fn the_corpus_of_the_fuzzer_is_read() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let inputs = crate::harness::files_below(&corpus);
    assert!(!inputs.is_empty());
    for input in inputs {
        assert!(readers::read(&std::fs::read(&input).unwrap()), "{}", input.display());
    }
}

proptest! {
    #[test]
    fn a_ledger_may_hold_any_numbers(json in ledger()) {
        let mut ledger: Ledger = decode(json.to_string().as_bytes()).unwrap();
        let (now, budget) = (Timestamp::at(NOW, "a".into()), Budget::default());
        prop_assert!(ledger.next_slot(&now, &budget, 1) <= Duration::from_secs(625));
        prop_assert!(ledger.cool_down_left(&now).is_none_or(|left| left <= Duration::from_secs(1800)));
        prop_assert!(ledger.remembered(&now, "").is_none_or(|(_, left)| left <= Duration::from_secs(600)));
        prop_assert!(ledger.reject_wait(&now, WINDOW).is_none_or(|left| left <= WINDOW));
        ledger.used(&now, &budget);
        ledger.minted_last_hour(&now);
        ledger.early_allowed(&now);
        ledger.rejects_in(&now, WINDOW);
        ledger.cool_down(&now, WINDOW, &now);
        ledger.rejected(&now, WINDOW);
        ledger.failed(FailureKind::Transient, "x", "", &now);
        ledger.reserve(&now, &budget);
        ledger.answered(&now, true);
        ledger.withdraw();
    }

    #[test]
    fn a_cache_may_hold_any_numbers(obtained in number(), expires in number(), offset in number(), token in "\\PC{0,9}") {
        let json = json!({"version": 1, "token": {"access_token": token, "obtained_at_ms": obtained,
            "expires_at_ms": expires, "clock_offset_ms": offset}});
        let record: CacheRecord = decode(json.to_string().as_bytes()).unwrap();
        if record.is_sound() {
            record.freshness(NOW, MinTtl::Default);
            let left = record.valid_token(NOW).map_or(1, |token| token.left_ms(NOW));
            prop_assert!((1..=3_660_000).contains(&left));
        }
    }

    #[test]
    fn every_reader_may_get_any_bytes(reader in "[acfgikorstuw]", bytes in vec(any::<u8>(), 0..300), text in "[ -~\n]{0,80}") {
        for input in [bytes, text.into_bytes()] {
            readers::read(&[reader.as_bytes(), &input].concat());
        }
    }

    #[test]
    fn a_shared_store_may_hold_any_bytes(kind in "[hs*]?", bytes in vec(any::<u8>(), 0..200)) {
        readers::read(&[b"r", kind.as_bytes(), &bytes].concat());
    }

    #[test]
    fn a_shared_store_may_hold_any_values(redis_ms in number(), generation in number(), word in "\\PC{0,20}", json in ledger()) {
        readers::read(format!("r{redis_ms}\n{generation}\n{word}\n{word}\n{json}").as_bytes());
    }

    #[test]
    fn a_sealed_token_may_have_any_numbers(obtained in number(), expires in number(), token in "[a-z0-9.]{1,9}") {
        let json = json!({"version": 1, "token": {"access_token": token, "obtained_at_ms": obtained,
            "expires_at_ms": expires, "clock_offset_ms": 0}, "api_domain": null, "scopes": [], "rejected": false});
        readers::read(format!("rs{json}").as_bytes());
    }

    #[test]
    fn a_config_may_be_any_text(text in "\\PC{0,200}") {
        let _ = ConfigFile::parse(Path::new("config.toml"), &text);
    }

    #[test]
    fn a_config_may_have_any_values(
        key in "(data_center|accounts_url|client_id|grant|soid|scopes|redirect_uri|scheme|secrets|hosts|budget)",
        value in "(\"\\PC{0,20}\"|-?[0-9]{1,20}|\\[\\]|\\{ tokens = -?[0-9]{1,12}, window = \"[0-9]{0,22}[smh]?\" \\}|true)",
    ) {
        let _ = ConfigFile::parse(Path::new("config.toml"), &format!("[profile.crm]\n{key} = {value}\n"));
    }

    #[test]
    fn answers_may_be_any_bytes(status in 100u16..600, body in vec(any::<u8>(), 0..200), number in number()) {
        readers::answer(status, &body);
        let lives = json!({"device_code": "d", "user_code": "u", "verification_url": "https://x.example",
            "verification_uri_complete": "https://x.example", "interval": number, "expires_in": number});
        let _ = device::read_code(lives.to_string().as_bytes());
    }

    #[test]
    fn any_time_can_be_written(seconds in number()) {
        rfc3339(seconds);
    }
}
