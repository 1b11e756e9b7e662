//! Fingerprints: of a credential, which names its cache, lock and ledger, and of a profile, which names its state.

use crate::model::Secrets;
use crate::model::{Grant, Profile, ProfileName};
use crate::secret::Secret;
use sha2::{Digest, Sha256};
use std::path::Path;

/// The id of a credential, in lower-case hex: one for the cache, one for lock and ledger.
///
/// They are the same but for client credentials: all tokens of one client share Zoho's limit, so they share lock
/// and ledger, while each organisation and set of scopes has a token of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialId {
    cache: String,
    ledger: String,
}

impl CredentialId {
    /// The id of the credential that `profile` and `secrets` make up.
    pub fn of(profile: &Profile, secrets: &Secrets) -> Self {
        let client = [profile.accounts_url.as_str(), &profile.client_id];
        match &profile.grant {
            Grant::RefreshToken => {
                let token = secrets.refresh_token.as_ref().map_or("", Secret::expose);
                let id = fingerprint("refresh_token", &[client[0], client[1], token]);
                CredentialId { cache: id.clone(), ledger: id }
            }
            Grant::ClientCredentials { soid } => {
                let scopes = sorted_scopes(profile);
                let soid = soid.as_deref().unwrap_or("");
                CredentialId {
                    cache: fingerprint(
                        "client_credentials",
                        &[client[0], client[1], soid, &scopes.join(",")],
                    ),
                    ledger: fingerprint("client", &client),
                }
            }
        }
    }

    /// An id that was written down.
    pub fn known(cache: &str, ledger: &str) -> Self {
        CredentialId { cache: cache.to_owned(), ledger: ledger.to_owned() }
    }

    /// Names the cache.
    pub fn cache(&self) -> &str {
        &self.cache
    }

    /// Names lock and ledger.
    pub fn ledger(&self) -> &str {
        &self.ledger
    }
}

/// Names the state of the profile `name` of the config file at `config`.
pub(crate) fn profile_key(config: &Path, name: &ProfileName) -> String {
    fingerprint("profile", &[&config.to_string_lossy(), name.as_str()])
}

/// Tells one client secret from another in the ledger, without telling what it is. Client credentials of one client share
/// a ledger, so that the organisation and the scopes are told from others too.
pub(crate) fn secret_fingerprint(profile: &Profile, secret: &Secret) -> String {
    let of_all = [profile.accounts_url.as_str(), &profile.client_id, secret.expose()];
    let full = match &profile.grant {
        Grant::RefreshToken => fingerprint("client_secret", &of_all),
        Grant::ClientCredentials { soid } => {
            let scopes = sorted_scopes(profile).join(",");
            let of_one = [soid.as_deref().unwrap_or(""), &scopes];
            fingerprint("client_credentials_secret", &[&of_all[..], &of_one].concat())
        }
    };
    full[..16].to_owned()
}

fn sorted_scopes(profile: &Profile) -> Vec<String> {
    let mut scopes = profile.scopes.clone();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

/// SHA-256 of the parts, each preceded by its length, so that no two lists of parts run together.
fn fingerprint(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in [kind].iter().chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(hash.finalize().into()).into_iter().map(char::from).collect()
}

/// A SHA-256 in lower-case hex. The warm path needs it too, so it takes nothing from the heap.
pub(crate) fn hex(digest: [u8; 32]) -> [u8; 64] {
    let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = digit(byte >> 4);
        pair[1] = digit(byte & 15);
    }
    text
}
