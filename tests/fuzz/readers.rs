//! Everything that reads what others wrote. Nothing may panic; what can be written again must be read as the same.
//! libFuzzer calls it (`target.rs`), and so does `tests/it/fuzz.rs`.

use std::path::Path;
use zoho_cred::config::{AccountsUrl, ConfigFile, ProfileName, duration};
use zoho_cred::credential::LoginRecord;
use zoho_cred::helper::{git, uri};
use zoho_cred::login::sdk_csv;
use zoho_cred::oauth::{Answer, callback, classify, device, revoke, token, userinfo};
use zoho_cred::secret::Secret;
use zoho_cred::store::profile_state::ProfileState;
use zoho_cred::store::records::decode;
use zoho_cred::token::{CacheRecord, Ledger};

/// The first byte of `input` says who reads the rest; false if that is nobody.
pub fn read(input: &[u8]) -> bool {
    let Some((reader, bytes)) = input.split_first() else { return false };
    let text = String::from_utf8_lossy(bytes);
    match (reader, bytes) {
        (b'a', [status, body @ ..]) => answer(200 + u16::from(*status) * 2, body),
        (b'c', _) => redirect(&text),
        (b'f', _) => drop(ConfigFile::parse(Path::new("config.toml"), &text)),
        (b'g', _) => git_request(bytes),
        (b'k', _) => drop(sdk_csv::parse(&text)),
        (b's', _) => state_file(bytes),
        (b'u', _) => drop(uri::Request::parse(bytes).map(|request| request.place())),
        (b'w', _) => words(&text),
        _ => return false,
    }
    true
}

/// An answer of the accounts server to any request.
pub fn answer(status: u16, body: &[u8]) {
    if let Answer::Granted(granted) = classify(status, body, false) {
        assert!(token::is_well_formed(granted.access_token.expose()));
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
}

fn redirect(query: &str) {
    let accounts = AccountsUrl::new("https://accounts.zoho.com").expect("it is one");
    callback::read(query, &Secret::new("state"), &accounts);
    callback::pasted(query);
}

fn git_request(bytes: &[u8]) {
    if let Ok(request) = git::Request::parse(bytes) {
        request.place();
        let written = request.render();
        let again = git::Request::parse(&written).expect("what was written is a request");
        assert_eq!(again.render(), written);
    }
}

fn words(text: &str) {
    let _ = duration::parse(text);
    let _ = ProfileName::new(text);
    let _ = AccountsUrl::new(text);
}
