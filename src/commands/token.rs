//! How `get`, `exec` and `--watch` obtain their token.

use crate::commands::Session;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Freshness;
use crate::output::expired_meanwhile;
use crate::refresh::{TokenRequest, TokenResponse, get_token};
use crate::system::System;

/// How often a token may expire, or its profile be renamed, during the call before the call fails.
const MAX_ATTEMPTS: u32 = 3;

/// Gets a token: from the profile's own state, or else by the full protocol. Validity is checked again at the end,
/// because the machine may have been suspended; an expired token is replaced. A renamed profile is followed.
pub(super) fn token(
    session: &mut Session,
    system: &System,
    request: &TokenRequest,
) -> Result<TokenResponse, Error> {
    for _ in 0..MAX_ATTEMPTS {
        let response = match cached_token(session, system, request) {
            Some(response) => response,
            None => match requested_token(session, system, request) {
                Err(error) if error.code() == Code::LoginRequired && session.follow_rename(system)? => {
                    continue;
                }
                response => response?,
            },
        };
        if response.record.valid_token(system.clock.now()).is_some() {
            return Ok(response);
        }
    }
    Err(expired_meanwhile())
}

/// The fresh cached token of the recorded credential. Reads two files and needs no lock, socket or keyring.
fn cached_token(session: &Session, system: &System, request: &TokenRequest) -> Option<TokenResponse> {
    if request.refresh {
        return None;
    }
    let (record, scopes) = session.source(system).cached()?;
    let fresh = record.freshness(system.clock.now(), request.min_ttl) == Freshness::Fresh;
    fresh.then(|| TokenResponse { warning: edited_scopes(session, &scopes), record })
}

fn requested_token(
    session: &Session,
    system: &System,
    request: &TokenRequest,
) -> Result<TokenResponse, Error> {
    let source = session.source(system);
    let mut response = session.with_ports(system, &source, |ports| Ok(get_token(ports, request)?))?;
    response.warning = response.warning.or_else(|| edited_scopes(session, &source.login_scopes()));
    Ok(response)
}

/// A warning if the scopes were edited since the login, because a refresh cannot change them.
fn edited_scopes(session: &Session, login_scopes: &[String]) -> Option<String> {
    session.profile.wants_other_scopes(login_scopes).then(|| {
        let name = &session.profile.name;
        tr!(
            "the scopes of '{name}' were edited since its login; run 'zoho-cred login {name}' to apply them",
            name
        )
    })
}
