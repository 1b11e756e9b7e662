//! How many refresh tokens this tool made for a client: Zoho keeps 20, and kills the oldest without a word when one
//! more is made, which may be the one that production lives on.

use crate::cli::FlowName;
use crate::error::Error;
use crate::i18n::tr;
use crate::model::AccountsUrl;
use crate::model::ClockReading;
use crate::store::StateDir;
use crate::store::local::atomic;
use crate::store::local::records::{decode, encode};
use crate::store::local::state_dir;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Whether a login by this flow makes a refresh token; the others take one over, or need none.
pub(crate) fn makes_one(flow: FlowName) -> bool {
    !matches!(flow, FlowName::RefreshToken | FlowName::ClientCredentials)
}

/// Refresh tokens that Zoho keeps for a user of a client
/// (<https://www.zoho.com/accounts/protocol/oauth/limits.html>).
const ZOHO_KEEPS: usize = 20;

/// From here on a login warns.
const WARN_FROM: usize = ZOHO_KEEPS - 2;

/// When the tokens of one client were made, in ms since 1970; the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenCount {
    at_ms: Vec<i64>,
}

impl TokenCount {
    /// One more was made. Those that Zoho has killed by now are no longer counted.
    pub(crate) fn one_more(&mut self, now_ms: i64) {
        self.at_ms.push(now_ms);
        let gone = self.at_ms.len().saturating_sub(ZOHO_KEEPS);
        self.at_ms.drain(..gone);
    }

    /// One was revoked. Which one is not known, so the oldest is taken: the count is what matters.
    pub(crate) fn one_less(&mut self) {
        if !self.at_ms.is_empty() {
            self.at_ms.remove(0);
        }
    }

    /// What to tell after a login, if anything: from the 18th on, that is before the 20th.
    pub(crate) fn warning(&self) -> Option<String> {
        let count = self.at_ms.len();
        (count >= WARN_FROM).then(|| {
            tr!(
                "this tool has made {count} refresh tokens for this client; Zoho keeps {limit} and kills the oldest \
                 when one more is made: log out where they are not needed, or revoke them at Zoho",
                count,
                limit = ZOHO_KEEPS,
            )
        })
    }
}

/// Notes that a login made a refresh token for a client, and returns what to warn of.
pub(crate) fn note_made(
    state: &StateDir,
    accounts: &AccountsUrl,
    client_id: &str,
    now: ClockReading,
) -> Result<Option<String>, Error> {
    let path = path(state, accounts, client_id);
    let mut token_count = load(&path)?;
    token_count.one_more(now.wall_ms);
    save(state, &path, &token_count)?;
    Ok(token_count.warning())
}

/// Notes that a refresh token that a login made was revoked. A count that is too high only warns too early.
pub(crate) fn note_revoked(state: &StateDir, accounts: &AccountsUrl, client_id: &str) {
    let path = path(state, accounts, client_id);
    let noted = load(&path).and_then(|mut token_count| {
        token_count.one_less();
        save(state, &path, &token_count)
    });
    if let Err(error) = noted {
        log::warn!("the count of refresh tokens was not updated: {}", error.message());
    }
}

/// What to warn of before a login makes one more.
pub(crate) fn warning_before(state: &StateDir, accounts: &AccountsUrl, client_id: &str) -> Option<String> {
    load(&path(state, accounts, client_id)).ok()?.warning()
}

fn load(path: &Path) -> Result<TokenCount, Error> {
    match state_dir::read(path) {
        Ok((bytes, _)) => Ok(decode(&bytes).unwrap_or_else(|| {
            atomic::set_aside(path);
            TokenCount::default()
        })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(TokenCount::default()),
        Err(error) => Err(state_dir::failed("read", path, &error)),
    }
}

fn save(state: &StateDir, path: &Path, token_count: &TokenCount) -> Result<(), Error> {
    state.subdir("clients")?;
    atomic::replace_unlocked(path, &encode(token_count))
}

fn path(state: &StateDir, accounts: &AccountsUrl, client_id: &str) -> PathBuf {
    let client = format!("{accounts}\n{client_id}");
    let name: String = Sha256::digest(client).iter().map(|byte| format!("{byte:02x}")).collect();
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
        assert!(token_count.warning().unwrap().contains("has made 18"));
        token_count.one_less();
        assert_eq!(token_count.warning(), None);
        token_count.one_less();
        for n in 0..30 {
            token_count.one_more(n);
        }
        assert!(token_count.warning().unwrap().contains("has made 20"), "no more than Zoho keeps");
    }
}
