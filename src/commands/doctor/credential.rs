//! Whether the profile has a credential that works, as far as this machine remembers.

use super::check::Check;
use crate::commands::Session;
use crate::commands::status::{Found, MANY_TOKENS};
use crate::config::duration::words;
use crate::config::{DataCenter, SecretsIn};
use crate::credential::{CredentialSource, KeyringSecrets, Patience};
use crate::system::System;
use crate::token::{FailureKind, Moment};

/// Whether the secrets can be had where the profile says.
pub fn secrets(session: &Session, system: &System) -> Check {
    let place = match &session.profile.secrets {
        SecretsIn::Keyring => "the keyring",
        SecretsIn::File => "files",
        SecretsIn::Command(_) => "the command",
        SecretsIn::Environment => "the environment",
    };
    // Before a login there is nothing to read, but a keyring that does not answer is found out now.
    if session.profile.secrets == SecretsIn::Keyring
        && let Err(error) = KeyringSecrets::new(Patience::unattended()).answers()
    {
        return Check::error("secrets", &error);
    }
    match session.source(system).secrets() {
        Ok(_) => Check::ok("secrets", format!("{place} gave them")),
        Err(error) => Check::error("secrets", &error),
    }
}

/// What cache and ledger say about refresh token, data centre, budget and tokens.
pub fn checks(session: &Session, system: &System, found: &Found) -> Vec<Check> {
    vec![
        refresh_token(session, system, found),
        data_center(session, found),
        budget(session, system, found),
        tokens(system, found),
    ]
}

fn refresh_token(session: &Session, system: &System, found: &Found) -> Check {
    const NAME: &str = "refresh token";
    let name = &session.profile.name;
    let Some(failure) = &found.ledger.failure else {
        return match found.logged_in {
            true => Check::ok(NAME, "Zoho has not refused it"),
            false => Check::failed(NAME, "there is none", format!("zoho-cred login {name}")),
        };
    };
    let ago = words(std::time::Duration::from_secs(
        failure.at.age_ms(&Moment::now(&*system.clock)).unsigned_abs() / 1000,
    ));
    let said = format!("{} ({}), {ago} ago", failure.message, failure.error);
    match failure.kind {
        FailureKind::Refused => Check::failed(NAME, said, format!("zoho-cred login {name}")),
        FailureKind::Misconfigured | FailureKind::Throttled => Check::ok(NAME, "Zoho has not refused it"),
        FailureKind::Transient => {
            Check::warning(NAME, said, "try again; the check of the accounts server says more")
        }
    }
}

/// A client that Zoho does not know is mostly one of another data centre.
fn data_center(session: &Session, found: &Found) -> Check {
    const NAME: &str = "data centre";
    let profile = &session.profile;
    let here = profile.data_center.map_or_else(|| profile.accounts_url.to_string(), |dc| dc.code.to_owned());
    let fix = format!(
        "look where the API console lists the client, set data_center (one of {}), and log in again",
        DataCenter::codes().collect::<Vec<_>>().join(", ")
    );
    if let Some(failure) = found.ledger.failure.as_ref().filter(|it| it.kind == FailureKind::Misconfigured) {
        return Check::failed(
            NAME,
            format!("{here} answered '{}': it may be the wrong one", failure.error),
            fix,
        );
    }
    let api_host = found.cache.api_domain.as_deref().and_then(|url| url.strip_prefix("https://"));
    let other =
        data_center_of(api_host).filter(|dc| profile.data_center.is_some_and(|own| own.code != dc.code));
    match other {
        Some(dc) => Check::failed(NAME, format!("it is {here}, but Zoho sent the APIs of {}", dc.code), fix),
        None => Check::ok(NAME, here),
    }
}

fn data_center_of(api_host: Option<&str>) -> Option<&'static DataCenter> {
    let host = api_host?;
    DataCenter::codes().filter_map(DataCenter::by_code).find(|dc| dc.api_host == host)
}

fn budget(session: &Session, system: &System, found: &Found) -> Check {
    const NAME: &str = "budget";
    let now = &Moment::now(&*system.clock);
    let budget = &session.profile.budget;
    if let Some(left) = found.ledger.cool_down_left(now) {
        let message = format!("cooling down for another {}: Zoho throttled this refresh token", words(left));
        return Check::failed(NAME, message, "wait; look for callers that refresh without zoho-cred");
    }
    let used = found.ledger.used(now, budget);
    let left = budget.tokens.saturating_sub(used);
    let message = format!("{left} of {} requests left in {}", budget.tokens, words(budget.window));
    let slot = found.ledger.next_slot(now, budget, budget.tokens - u32::from(budget.tokens >= 3));
    match slot.is_zero() {
        true => Check::ok(NAME, message),
        false => Check::failed(
            NAME,
            format!("{message}, the next in {}", words(slot)),
            "wait; look for callers with --refresh, or that reject good tokens",
        ),
    }
}

fn tokens(system: &System, found: &Found) -> Check {
    const NAME: &str = "live tokens";
    let minted = found.ledger.minted_last_hour(&Moment::now(&*system.clock));
    let message = format!("{minted} minted in the last hour");
    match minted >= MANY_TOKENS {
        true => Check::warning(
            NAME,
            format!("{message}; Zoho keeps 10 to 15 alive and kills the oldest"),
            "look for callers with --refresh or a long --min-ttl; share one state folder or [store]",
        ),
        false => Check::ok(NAME, message),
    }
}
