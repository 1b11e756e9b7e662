//! Everything that reads what others wrote, under libFuzzer: the first byte of an input says who reads the rest.
//! Nothing may panic; what was read and can be written again must be read as the same.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
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

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((reader, bytes)) = input.split_first() else { return Corpus::Reject };
    let text = || String::from_utf8_lossy(bytes);
    match reader {
        b'a' => answer(bytes),
        b'c' => {
            let accounts = AccountsUrl::new("https://accounts.zoho.com").expect("it is one");
            callback::read(&text(), &Secret::new("state"), &accounts);
            callback::pasted(&text());
        }
        b'f' => drop(ConfigFile::parse(Path::new("config.toml"), &text())),
        b'g' => git_request(bytes),
        b'k' => drop(sdk_csv::parse(&text())),
        b's' => state_files(bytes),
        b'u' => drop(uri::Request::parse(bytes).map(|request| request.place())),
        b'w' => {
            let _ = duration::parse(&text());
            let _ = ProfileName::new(&text());
            let _ = AccountsUrl::new(&text());
        }
        _ => return Corpus::Reject,
    }
    Corpus::Keep
});

/// The first byte is the status, in hundreds of which there are five.
fn answer(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first() else { return };
    let status = 200 + u16::from(*status % 4) * 100 + u16::from(*status / 4);
    if let Answer::Granted(granted) = classify(status, body, false) {
        assert!(token::is_well_formed(granted.access_token.expose()));
    }
    let _ = device::read_code(body);
    device::read_poll(status, body, false);
    revoke::outcome(status, body);
    userinfo::liveness(status, body);
}

fn git_request(bytes: &[u8]) {
    if let Ok(request) = git::Request::parse(bytes) {
        request.place();
        let written = request.render();
        let again = git::Request::parse(&written).expect("what was written is a request");
        assert_eq!(again.render(), written);
    }
}

fn state_files(bytes: &[u8]) {
    decode::<Ledger>(bytes);
    decode::<LoginRecord>(bytes);
    decode::<ProfileState>(bytes);
    decode::<CacheRecord>(bytes);
}
