//! The status of a profile as a value, for text and JSON.

use crate::commands::Session;
use crate::error::Error;
use crate::model::{BudgetUse, CacheRecord, Failure, FailureKind, Ledger, Profile};
use crate::output::rfc3339;
use crate::secrets::{CredentialError, LoginRecord};
use crate::store::{self, Holder};
use crate::system::System;
use serde::Serialize;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A token is cached or can be requested.
    Ready,
    LoginRequired,
    CoolingDown,
    OutOfBudget,
}

/// Serialized as `status -o json`.
#[derive(Serialize)]
pub(crate) struct Status {
    version: u32,
    pub(crate) profile: String,
    pub(crate) state: State,
    pub(crate) data_center: Option<&'static str>,
    pub(crate) accounts_url: String,
    /// Whose account it is, if the login learned it.
    pub(crate) account: Option<String>,
    pub(crate) client_id: String,
    /// The flow of the login, or `None` if it is unknown.
    pub(crate) flow: Option<String>,
    /// Those of the login, or of the settings if they are unknown.
    pub(crate) scopes: Vec<String>,
    pub(crate) org_id: Option<String>,
    /// Whether the accounts server, client or grant changed since the login. The secrets are then not used.
    pub(crate) settings_changed: bool,
    /// Whether the scopes were edited since the login. Tokens still have the old ones.
    pub(crate) scopes_edited: bool,
    /// The valid token, if there is one.
    pub(crate) token: Option<TokenStatus>,
    pub(crate) budget: BudgetStatus,
    pub(crate) minted_last_hour: u32,
    /// RFC 3339.
    pub(crate) cool_down_until: Option<String>,
    pub(crate) last_failure: Option<LastFailure>,
    pub(crate) lock: Lock,
    pub(crate) stores: Stores,
}

#[derive(Serialize)]
pub(crate) struct TokenStatus {
    /// RFC 3339.
    pub(crate) expires_at: String,
    pub(crate) expires_in: i64,
    /// Whole lifetime.
    #[serde(skip)]
    pub(crate) life_s: i64,
    /// Start of the refresh-ahead window, in ms since 1970.
    #[serde(skip)]
    pub(crate) early_from_ms: i64,
}

#[derive(Serialize)]
pub(crate) struct BudgetStatus {
    limit: u32,
    used: u32,
    left: u32,
    window_s: u64,
    /// Seconds until the next automatic refresh is allowed.
    next_slot_s: u64,
    #[serde(skip)]
    pub(crate) in_use: BudgetUse,
}

#[derive(Serialize)]
pub(crate) struct LastFailure {
    /// Zoho's error code, or ours.
    pub(crate) code: String,
    /// RFC 3339.
    pub(crate) at: String,
    /// In the language of the call, which is English for JSON.
    pub(crate) message: String,
    /// In ms since 1970.
    #[serde(skip)]
    pub(crate) at_ms: i64,
}

#[derive(Serialize)]
pub(crate) struct Lock {
    pub(crate) held: bool,
    pub(crate) pid: Option<u32>,
    /// RFC 3339.
    pub(crate) since: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Stores {
    pub(crate) secrets: &'static str,
    pub(crate) cache: String,
    /// Without a password.
    pub(crate) shared: Option<String>,
}

/// How long a report waits for the shared store's ledger.
const SHARED_TIMEOUT: Duration = Duration::from_secs(2);

/// What this machine has stored about a session's credential.
#[derive(Default)]
pub(crate) struct LocalState {
    pub(crate) cache: CacheRecord,
    pub(crate) ledger: Ledger,
    holder: Option<Holder>,
    /// The scopes of the login; empty if unknown.
    login_scopes: Vec<String>,
    /// The record of the login, if there is one.
    login: Option<LoginRecord>,
    /// Why there is no credential.
    pub(crate) no_credential: Option<CredentialError>,
}

impl LocalState {
    /// Errors: the credential or the state folder cannot be read.
    pub(crate) fn read(session: &Session, system: &System) -> Result<Self, Error> {
        let source = session.source(system);
        match source.known_id() {
            Ok(Some(id)) => {
                let store = store::open(&session.state, &id, None)?;
                Ok(LocalState {
                    cache: store.cache()?,
                    ledger: store.ledger(&system.clock.timestamp(), &session.profile.budget),
                    holder: store.holder(),
                    login_scopes: source.login_scopes(),
                    login: source.login()?,
                    no_credential: None,
                })
            }
            Ok(None) => Ok(LocalState::default()),
            Err(CredentialError::Failed(error)) => Err(error),
            Err(error) => Ok(LocalState { no_credential: Some(error), ..LocalState::default() }),
        }
    }

    /// With the requests of other machines, which count in the same budget, if the shared store answers.
    pub(crate) fn with_other_machines(self, session: &Session, system: &System) -> Self {
        let shared = || -> Result<Option<Ledger>, Error> {
            let Some(shared) = session.shared(system)? else { return Ok(None) };
            let Some(id) = session.source(system).known_id()? else { return Ok(None) };
            store::shared_ledger(&shared, &id, SHARED_TIMEOUT).map(Some)
        };
        match shared() {
            Ok(Some(shared)) => {
                let ledger = self.ledger.stricter(&shared, &system.clock.timestamp());
                LocalState { ledger, ..self }
            }
            Ok(None) => self,
            Err(error) => {
                log::info!("other machines are not counted: {}", error.message());
                self
            }
        }
    }

    /// Whether the profile's scopes were edited since its login.
    pub(crate) fn wants_other_scopes(&self, profile: &Profile) -> bool {
        profile.wants_other_scopes(&self.login_scopes)
    }

    /// The profile's scopes that its login did not ask for.
    pub(crate) fn missing_scopes<'a>(&self, profile: &'a Profile) -> Vec<&'a str> {
        let had = |scope: &&str| self.login_scopes.iter().any(|it| it.eq_ignore_ascii_case(scope));
        profile.scopes.iter().map(String::as_str).filter(|scope| !had(scope)).collect()
    }
}

/// Derives the status.
pub(crate) fn evaluate(session: &Session, system: &System, local: &LocalState) -> Status {
    let (profile, clock) = (&session.profile, system.clock.now());
    let now = &system.clock.timestamp();
    let (budget, ledger) = (&profile.budget, &local.ledger);
    let in_use = ledger.budget_use(now, budget);
    let token = local.cache.valid_token(clock).map(|token| TokenStatus {
        expires_at: rfc3339(token.expires_at_ms.div_euclid(1000)),
        expires_in: token.left_ms(clock).div_euclid(1000),
        life_s: token.life_ms().div_euclid(1000),
        early_from_ms: token.expires_at_ms - token.early_ms(),
    });
    let cool_down = ledger.cool_down_left(now);
    let needs_login =
        |failure: &Failure| matches!(failure.kind, FailureKind::Refused | FailureKind::Misconfigured);
    let state = if local.no_credential.is_some() {
        State::LoginRequired
    } else if cool_down.is_some() {
        State::CoolingDown
    } else if ledger.failure.as_ref().is_some_and(needs_login) && token.is_none() {
        State::LoginRequired
    } else if in_use.next_slot.is_zero() {
        State::Ready
    } else {
        State::OutOfBudget
    };
    Status {
        version: 1,
        profile: profile.name.to_string(),
        state,
        data_center: profile.data_center.map(|dc| dc.code),
        accounts_url: profile.accounts_url.to_string(),
        account: local.login.as_ref().and_then(|login| login.account.clone()),
        client_id: profile.client_id.clone(),
        flow: local.login.as_ref().and_then(|login| login.flow.clone()),
        scopes: match local.login_scopes.as_slice() {
            [] => profile.scopes.clone(),
            scopes => scopes.to_vec(),
        },
        org_id: profile.org_id.clone(),
        settings_changed: matches!(local.no_credential, Some(CredentialError::SettingsChanged { .. })),
        scopes_edited: local.wants_other_scopes(profile),
        token,
        budget: BudgetStatus {
            limit: in_use.limit,
            used: in_use.used,
            left: in_use.left(),
            window_s: budget.window.as_secs(),
            next_slot_s: in_use.next_slot.as_secs(),
            in_use,
        },
        minted_last_hour: ledger.minted_last_hour(now),
        cool_down_until: cool_down
            .map(|left| rfc3339(clock.wall_ms.div_euclid(1000) + left.as_secs() as i64)),
        last_failure: ledger.failure.as_ref().map(|failure| LastFailure {
            code: failure.error.clone(),
            at: rfc3339(failure.at.wall_ms.div_euclid(1000)),
            message: failure.message(profile.accounts_url.host()),
            at_ms: failure.at.wall_ms,
        }),
        lock: Lock {
            held: local.holder.is_some(),
            pid: local.holder.and_then(Holder::pid),
            since: local.holder.map(|holder| rfc3339(holder.since_ms.div_euclid(1000))),
        },
        stores: Stores {
            secrets: profile.secrets.word(),
            cache: session.state.path().display().to_string(),
            shared: session.shared(system).ok().flatten().map(|shared| shared.place()),
        },
    }
}
