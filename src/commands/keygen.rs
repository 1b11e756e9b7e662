//! `keygen`: a new key for a shared store.

use crate::error::Error;
use crate::store::shared::new_key;
use crate::system::System;

/// Prints 32 random bytes in base64, the value of `ZOHO_CRED_STORE_KEY` on every machine.
pub(crate) fn run(system: &mut System) -> Result<u8, Error> {
    let key = new_key()?;
    system.print(format!("{}\n", key.expose()).as_bytes())?;
    Ok(0)
}
