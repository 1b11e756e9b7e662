//! Checks of the credential, with what this machine has recorded.

use crate::commands::Session;
use crate::commands::doctor::check::{Check, Verdict};
use crate::commands::status::{LocalState, MANY_TOKENS};
use crate::i18n::{humanize, tr};
use crate::model::{FailureKind, SecretBackend};
use crate::oauth::client_rejected;
use crate::secrets::{CredentialError, CredentialSource, KeyringSecrets, KeyringTimeout, is_session_only};
use crate::system::System;
use crate::zoho::DataCenter;

/// Whether the secrets can be read.
pub(crate) fn secrets(session: &Session, system: &System) -> Check {
    let what = &tr!("secrets");
    let place = match &session.profile.secrets {
        SecretBackend::Keyring => tr!("the keyring"),
        SecretBackend::File => tr!("files"),
        SecretBackend::Command(_) => tr!("the command"),
        SecretBackend::Environment => tr!("the environment"),
    };
    // Checked separately, because before a login there is nothing to read.
    if session.profile.secrets == SecretBackend::Keyring
        && let Err(error) = KeyringSecrets::new(KeyringTimeout::unattended()).answers()
    {
        return Check::error(what, &error);
    }
    match session.source(system).secrets() {
        Ok(_) => Check::ok(what, tr!("readable from {place}", place)),
        Err(error) => Check::error(what, &error.into()),
    }
}

/// Whether cron and systemd will reach the keyring, too. `secrets` is the check of this process.
pub(crate) fn unattended(session: &Session, system: &System, secrets: &Check) -> Option<Check> {
    let what = &tr!("cron, systemd");
    let name = &session.profile.name;
    if !cfg!(target_os = "linux") || session.profile.secrets != SecretBackend::Keyring {
        return None;
    }
    Some(if is_session_only(&system.env) {
        let message = tr!("the keyring is of this session only; cron jobs and services cannot reach it");
        let fix = tr!("for such jobs, run 'zoho-cred login {name} --secrets file'", name);
        Check::warning(what, message, fix)
    } else if secrets.status == Verdict::Failed {
        Check::skipped(what, tr!("the secrets cannot be read here either"))
    } else {
        Check::ok(what, tr!("jobs of this user reach the keyring while the user is logged in"))
    })
}

/// Checks of the refresh token, data center, budget and tokens against the cache and the ledger.
pub(crate) fn checks(session: &Session, system: &System, local: &LocalState) -> Vec<Check> {
    let mut checks = vec![refresh_token(session, system, local)];
    checks.extend(edited_scopes(session, local));
    checks.extend([data_center(session, local), budget(session, system, local), tokens(system, local)]);
    checks
}

fn refresh_token(session: &Session, system: &System, local: &LocalState) -> Check {
    let what = &tr!("refresh token");
    let name = &session.profile.name;
    let Some(failure) = &local.ledger.failure else {
        return match &local.no_credential {
            None => Check::ok(what, tr!("not rejected by Zoho")),
            Some(error @ CredentialError::SettingsChanged { .. }) => {
                Check::error(what, &error.clone().into())
            }
            Some(_) => Check::failed(what, tr!("there is none"), format!("zoho-cred login {name}")),
        };
    };
    let ago = humanize(std::time::Duration::from_secs(
        failure.at.age_ms(&system.clock.timestamp()).unsigned_abs() / 1000,
    ));
    let said = tr!(
        "{message} ({error}), {time} ago",
        message = failure.message(session.profile.accounts_url.host()),
        error = failure.error,
        time = ago,
    );
    match failure.kind {
        FailureKind::Refused => Check::failed(what, said, format!("zoho-cred login {name}")),
        FailureKind::Misconfigured | FailureKind::Throttled => Check::ok(what, tr!("not rejected by Zoho")),
        FailureKind::Transient => {
            Check::warning(what, said, tr!("try again, and see the 'accounts server' check"))
        }
    }
}

/// Warns about edited scopes, because a refresh cannot change them.
fn edited_scopes(session: &Session, local: &LocalState) -> Option<Check> {
    let name = &session.profile.name;
    local.wants_other_scopes(&session.profile).then(|| {
        let message = match local.missing_scopes(&session.profile).join(" ") {
            none if none.is_empty() => tr!("edited since the login; tokens keep the scopes of the login"),
            scopes => tr!("edited since the login; tokens do not have {scopes}", scopes),
        };
        Check::warning(&tr!("scopes"), message, format!("zoho-cred login {name}"))
    })
}

/// Checks the data center, because a client that Zoho does not know usually belongs to another one.
fn data_center(session: &Session, local: &LocalState) -> Check {
    let what = &tr!("data center");
    let profile = &session.profile;
    let here = profile.place();
    let fix = tr!(
        "set data_center to the one in which the API console lists the client (one of {codes}), then log in again",
        codes = DataCenter::list(),
    );
    if let Some(failure) = local.ledger.failure.as_ref().filter(|it| it.kind == FailureKind::Misconfigured) {
        if failure.error != "invalid_client" {
            let error = client_rejected(profile, &failure.error);
            return Check::error(&tr!("client##of the API console"), &error);
        }
        return Check::failed(
            what,
            tr!("{here} answered '{error}'; it may be the wrong data center", here, error = failure.error),
            fix,
        );
    }
    let answered = local.cache.api_domain.as_deref().and_then(DataCenter::by_api_domain);
    let other = answered.filter(|dc| profile.data_center.is_some_and(|own| own.code != dc.code));
    match other {
        Some(dc) => Check::failed(
            what,
            tr!("configured as {here}, but Zoho sent the API domain of {code}", here, code = dc.code),
            fix,
        ),
        None => Check::ok(what, here),
    }
}

/// A used-up budget or a cooldown is a failure only if there is no valid token either.
fn budget(session: &Session, system: &System, local: &LocalState) -> Check {
    let what = &tr!("budget");
    let now = &system.clock.timestamp();
    let has_token = local.cache.valid_token(system.clock.now()).is_some();
    let used_up = |message: String, fix: String| {
        if has_token { Check::warning(what, message, fix) } else { Check::failed(what, message, fix) }
    };
    if let Some(left) = local.ledger.cool_down_left(now) {
        let message =
            tr!("cooling down for another {time}: Zoho throttled this refresh token", time = humanize(left));
        let fix = tr!(
            "wait; then look for callers that refresh without zoho-cred or run with another HOME, and give all of them the same ZOHO_CRED_STATE_DIR"
        );
        return used_up(message, fix);
    }
    let in_use = local.ledger.budget_use(now, &session.profile.budget);
    if in_use.next_slot.is_zero() {
        Check::ok(what, in_use.describe())
    } else {
        used_up(in_use.describe(), tr!("wait; look for callers that use --refresh or reject valid tokens"))
    }
}

fn tokens(system: &System, local: &LocalState) -> Check {
    let what = &tr!("live tokens");
    let minted = local.ledger.minted_last_hour(&system.clock.timestamp());
    let message = tr!("{minted} minted in the last hour", minted);
    if minted >= MANY_TOKENS {
        Check::warning(
            what,
            tr!("{message}; Zoho keeps only the newest 10 to 15", message),
            tr!(
                "look for callers that use --refresh or a long --min-ttl; share one ZOHO_CRED_STATE_DIR or [store]"
            ),
        )
    } else {
        Check::ok(what, message)
    }
}
