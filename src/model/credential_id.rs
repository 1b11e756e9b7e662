//! Fingerprints that name the state files of credentials and profiles.

use crate::model::{Grant, Profile, ProfileName, Secrets};
use crate::secret::Secret;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Names the files of a credential, in lowercase hex.
///
/// The two ids differ for client credentials only. Zoho's limit applies to all tokens of a client, so they share the
/// lock and the ledger. Each organization and each set of scopes has its own cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialId {
    cache: String,
    ledger: String,
}

impl CredentialId {
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

    pub fn known(cache: &str, ledger: &str) -> Self {
        CredentialId { cache: cache.to_owned(), ledger: ledger.to_owned() }
    }

    /// Names the cache file.
    pub fn cache(&self) -> &str {
        &self.cache
    }

    /// Names the lock and ledger files.
    pub fn ledger(&self) -> &str {
        &self.ledger
    }
}

/// Names the state of profile `name` in the config file `config`. For the default one, that is empty.
pub(crate) fn profile_key(config: &Path, name: &ProfileName) -> String {
    fingerprint("profile", &[&config.to_string_lossy(), name.as_str()])
}

/// Distinguishes client secrets in the ledger without revealing them. For client credentials it covers organization
/// and scopes too, because these share a ledger.
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

/// SHA-256 over `kind` and `parts`. Each is preceded by its length, so that different lists never give the same
/// input.
fn fingerprint(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in [kind].iter().chain(parts) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}
