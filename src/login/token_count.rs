//! Counts the refresh tokens that this tool created for a client. Zoho keeps 20 and silently deletes the oldest,
//! which may be in production use.

use crate::cli::FlowName;
use crate::error::Error;
use crate::i18n::tr;
use crate::model::{AccountsUrl, ClockReading};
use crate::store::StateDir;
use crate::store::local::records::{decode, encode};
use crate::store::local::{atomic, state_dir};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Whether a login with this flow creates a refresh token.
pub(crate) fn makes_one(flow: FlowName) -> bool {
    !matches!(flow, FlowName::RefreshToken | FlowName::ClientCredentials)
}

/// The number of refresh tokens that Zoho keeps for a user of a client
/// (<https://www.zoho.com/accounts/protocol/oauth/limits.html>).
const ZOHO_KEEPS: usize = 20;

/// A login warns from this number on.
const WARN_FROM: usize = ZOHO_KEEPS - 2;

/// Creation times of one client's tokens, in ms since 1970, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct TokenCount {
    at_ms: Vec<i64>,
}

impl TokenCount {
    /// Adds a token. Those that Zoho has deleted by now are no longer counted.
    fn one_more(&mut self, now_ms: i64) {
        self.at_ms.push(now_ms);
        let gone = self.at_ms.len().saturating_sub(ZOHO_KEEPS);
        self.at_ms.drain(..gone);
    }

    /// Removes the oldest entry, because it is not known which token was revoked and only the count matters.
    fn one_less(&mut self) {
        self.at_ms.drain(..self.at_ms.len().min(1));
    }

    /// The warning for this count, if any.
    fn warning(&self) -> Option<String> {
        let count = self.at_ms.len();
        (count >= WARN_FROM).then(|| {
            tr!(
                "zoho-cred has created {count} refresh tokens for this client; Zoho keeps {limit} and deletes the oldest when another is created: log out where they are not needed, or revoke them at Zoho",
                count,
                limit = ZOHO_KEEPS,
            )
        })
    }
}

/// Counts a new refresh token and returns the warning, if any.
pub(crate) fn note_made(
    state: &StateDir,
    accounts: &AccountsUrl,
    client_id: &str,
    now: ClockReading,
) -> Result<Option<String>, Error> {
    update(state, accounts, client_id, |count| count.one_more(now.wall_ms)).map(|count| count.warning())
}

/// Counts a revoked refresh token. Errors are only logged: a count that is too high just warns too early.
pub(crate) fn note_revoked(state: &StateDir, accounts: &AccountsUrl, client_id: &str) {
    if let Err(error) = update(state, accounts, client_id, TokenCount::one_less) {
        log::warn!("the count of refresh tokens was not updated: {}", error.message());
    }
}

/// The warning before a login creates another token, if any.
pub(crate) fn warning_before(state: &StateDir, accounts: &AccountsUrl, client_id: &str) -> Option<String> {
    load(&path(state, accounts, client_id)).ok()?.warning()
}

fn update(
    state: &StateDir,
    accounts: &AccountsUrl,
    client_id: &str,
    change: impl FnOnce(&mut TokenCount),
) -> Result<TokenCount, Error> {
    let path = path(state, accounts, client_id);
    let mut count = load(&path)?;
    change(&mut count);
    state.subdir("clients")?;
    atomic::replace_unlocked(&path, &encode(&count))?;
    Ok(count)
}

fn load(path: &Path) -> Result<TokenCount, Error> {
    let Some((bytes, _)) = state_dir::read_if_any(path)? else { return Ok(TokenCount::default()) };
    Ok(decode(&bytes).unwrap_or_else(|| {
        atomic::set_aside(path);
        TokenCount::default()
    }))
}

fn path(state: &StateDir, accounts: &AccountsUrl, client_id: &str) -> PathBuf {
    let client = format!("{accounts}\n{client_id}");
    let name = hex::encode(Sha256::digest(client));
    state.subdir_path("clients").join(format!("{name}.v1.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_comes_before_the_20th_and_goes_with_a_logout() {
        let mut token_count = TokenCount::default();
        for n in 1..18 {
            token_count.one_more(n);
            assert_eq!(token_count.warning(), None, "{n}");
        }
        token_count.one_more(18);
        assert!(token_count.warning().unwrap().contains("has created 18"));
        token_count.one_less();
        assert_eq!(token_count.warning(), None);
        token_count.one_less();
        for n in 0..30 {
            token_count.one_more(n);
        }
        assert!(token_count.warning().unwrap().contains("has created 20"), "no more than Zoho keeps");
    }
}
