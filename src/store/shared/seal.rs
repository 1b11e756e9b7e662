//! Encrypts tokens for the shared store.
//!
//! A sealed value is version (1 byte), key id (4), nonce (24), XChaCha20-Poly1305 ciphertext. Version, key id and
//! credential id are authenticated too, so that a value cannot be moved to another credential.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::secret::Secret;
use base64::{Engine, engine::general_purpose::STANDARD};
use chacha20poly1305::aead::{self, Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, KeyInit as _, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The format that this program writes.
const VERSION: u8 = 1;
/// Version, key id and nonce, in bytes.
const HEADER: usize = 1 + ID + 24;
/// A key id is the first 4 bytes of the key's SHA-256.
const ID: usize = 4;
/// In bytes.
const KEY: usize = 32;

/// Why a value could not be decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// Sealed with a key that this machine does not have.
    Foreign,
    /// Changed, truncated, sealed for another credential, or of another version.
    Broken,
}

#[derive(Clone)]
struct OneKey {
    id: [u8; ID],
    bytes: Zeroizing<Vec<u8>>,
    mac: Hmac<Sha256>,
}

impl OneKey {
    fn read(text: &Secret) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.expose().trim()).ok()?);
        let mut id = [0; ID];
        id.copy_from_slice(&Sha256::digest(&*bytes)[..ID]);
        let mac = Hmac::new_from_slice(&bytes).ok()?;
        (bytes.len() == KEY).then_some(OneKey { id, bytes, mac })
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, aead::Error> {
        XChaCha20Poly1305::new_from_slice(&self.bytes).map_err(|_| aead::Error)
    }
}

/// The shared key, and the previous one during a key rotation.
#[derive(Clone)]
pub struct Keys {
    current: OneKey,
    old: Option<OneKey>,
}

impl Keys {
    /// Decodes the keys from base64. `Code::Config` if one is not 32 bytes.
    pub fn read(current: &Secret, old: Option<&Secret>) -> Result<Self, Error> {
        let wrong = |name: &str| {
            Error::new(
                Code::Config,
                tr!("{name} is not 32 bytes in base64", name),
                tr!("make one with 'zoho-cred keygen' and give it to every machine"),
            )
        };
        Ok(Keys {
            current: OneKey::read(current).ok_or_else(|| wrong("ZOHO_CRED_STORE_KEY"))?,
            old: match old {
                Some(old) => Some(OneKey::read(old).ok_or_else(|| wrong("ZOHO_CRED_STORE_KEY_OLD"))?),
                None => None,
            },
        })
    }

    /// The ids of this machine's keys. The first one is used for sealing.
    pub fn ids(&self) -> Vec<Vec<u8>> {
        std::iter::once(&self.current).chain(&self.old).map(|key| key.id.to_vec()).collect()
    }

    /// Encrypts `text` for the credential `id`. `Code::Unavailable` if the system has no random numbers.
    pub fn seal(&self, id: &str, text: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |problem: String| Error::unavailable(&problem);
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&self.current.id);
        let aad = aad(id, &sealed);
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).map_err(|error| failed(error.to_string()))?;
        sealed.extend_from_slice(&nonce);
        let payload = Payload { msg: text, aad: &aad };
        let body = self.current.cipher().and_then(|cipher| cipher.encrypt(&nonce.into(), payload));
        sealed.extend(body.map_err(|_| failed(tr!("the token could not be sealed")))?);
        Ok(sealed)
    }

    pub fn open(&self, id: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        if sealed.len() < HEADER || sealed[0] != VERSION {
            return Err(Unopened::Broken);
        }
        let (head, nonce, body) = (&sealed[..=ID], &sealed[1 + ID..HEADER], &sealed[HEADER..]);
        let mut keys = std::iter::once(&self.current).chain(&self.old);
        let key = keys.find(|key| key.id == head[1..]).ok_or(Unopened::Foreign)?;
        let payload = Payload { msg: body, aad: &aad(id, head) };
        let nonce = XNonce::try_from(nonce).map_err(|_| Unopened::Broken)?;
        let text = key.cipher().and_then(|cipher| cipher.decrypt(&nonce, payload));
        text.map(Zeroizing::new).map_err(|_| Unopened::Broken)
    }

    /// HMAC-SHA-256 of `token` under each key, in hex, the current key first. It identifies rejected tokens without
    /// storing them.
    pub fn macs(&self, token: &Secret) -> Vec<String> {
        std::iter::once(&self.current).chain(&self.old).map(|key| mark(&key.mac, token)).collect()
    }
}

fn aad(id: &str, head: &[u8]) -> Vec<u8> {
    [b"zoho-cred token ", head, id.as_bytes()].concat()
}

fn mark(mac: &Hmac<Sha256>, token: &Secret) -> String {
    hex::encode(mac.clone().chain_update(token.expose()).finalize().into_bytes())
}

/// The shared token is sealed with a key that this machine does not have.
pub(crate) fn foreign() -> Error {
    Error::new(
        Code::Config,
        tr!("the token in the shared store is encrypted with another key"),
        tr!(
            "set ZOHO_CRED_STORE_KEY to the key of the other machines, or ZOHO_CRED_STORE_KEY_OLD to the previous key"
        ),
    )
}

/// A new key in base64.
pub(crate) fn new_key() -> Result<Secret, Error> {
    let mut bytes = Zeroizing::new([0; KEY]);
    getrandom::fill(&mut *bytes).map_err(|error| Error::unavailable(&error.to_string()))?;
    Ok(Secret::new(STANDARD.encode(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_that_was_changed_shortened_or_moved_does_not_open(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
            let keys = Keys::read(&new_key().unwrap(), None).unwrap();
            let whole = keys.seal("id", b"some text").unwrap();
            let (mut corrupt, at) = (whole.clone(), at.index(whole.len()));
            if cut { corrupt.truncate(at) } else { corrupt[at] ^= 1 << bit }
            prop_assert!(keys.open("id", &corrupt).is_err());
            prop_assert!(keys.open("other", &whole).is_err());
        }
    }

    #[test]
    fn a_value_opens_with_the_current_and_the_previous_key() {
        let (old, new) = (new_key().unwrap(), new_key().unwrap());
        let keys = |current, old| Keys::read(current, old).unwrap();
        let sealed = keys(&old, None).seal("a", b"1000.x.y").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"1000.x"));
        assert_eq!(&**keys(&new, Some(&old)).open("a", &sealed).unwrap(), b"1000.x.y");
        assert_eq!(keys(&new, None).open("a", &sealed).unwrap_err(), Unopened::Foreign);
        assert_eq!(keys(&old, None).open("b", &sealed).unwrap_err(), Unopened::Broken);
        assert!(Keys::read(&Secret::new("c2hvcnQ="), None).is_err(), "too short");
    }

    #[test]
    fn the_mark_is_hmac_sha256_of_rfc_4231() {
        let mac = Hmac::new_from_slice(b"Jefe").unwrap();
        let mark = mark(&mac, &Secret::new("what do ya want for nothing?"));
        assert_eq!(mark, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
