//! The readers under libFuzzer.
#![no_main]

mod readers;

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    if readers::read(input) { Corpus::Keep } else { Corpus::Reject }
});
