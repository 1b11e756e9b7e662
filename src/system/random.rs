//! Random values from the operating system.

use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use std::io;

/// Errors: `Code::Store` if the system has no random numbers.
pub(crate) fn bytes() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        let cause = error.raw_os_error().map(|number| causes::cause(&io::Error::from_raw_os_error(number)));
        let what = tr!("the system's random numbers");
        let hint = tr!("check that it is there and that you may read it");
        Error::new(Code::Store, tr!("could not read {what}", what), hint)
            .with_cause(cause.unwrap_or_else(|| error.to_string()))
    })?;
    Ok(bytes)
}

/// A unique word of 32 hex digits.
pub(crate) fn word() -> Result<String, Error> {
    Ok(hex::encode(&bytes()?[..16]))
}

/// A number from 0 to `most`, to keep callers from doing the same at once. 0 if the system has no random numbers.
pub(crate) fn up_to(most: u64) -> u64 {
    getrandom::u64().map_or(0, |number| number % most.saturating_add(1))
}
