//! What a profile can do at the moment, as one value that text and JSON are made of.

use crate::commands::Session;
use crate::error::Error;
use crate::i18n::{Language, speak};
use crate::model::Profile;
use crate::model::{CacheRecord, Failure, FailureKind, Ledger};
use crate::output::rfc3339;
use crate::store;
use crate::store::{Holder, Shared};
use crate::system::System;
use serde::Serialize;
use std::time::Duration;

/// What a profile can do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A token is there, or can be had.
    Ready,
    /// A person has to log in.
    LoginRequired,
    /// Zoho throttled the refresh token.
    CoolingDown,
    /// All requests of the window are used.
    OutOfBudget,
}

/// The status of a profile; its JSON is `status -o json`.
#[derive(Serialize)]
pub(crate) struct Status {
    version: u32,
    /// The profile's name.
    pub(crate) profile: String,
    /// What it can do.
    pub(crate) state: State,
    /// Code of its data centre.
    pub(crate) data_center: Option<&'static str>,
    /// Its accounts server.
    pub(crate) accounts_url: String,
    /// Whether the accounts server, client or grant were edited since the login, so that its secrets are not used.
    pub(crate) settings_changed: bool,
    /// Whether the scopes were edited since the login: the token has those of before.
    pub(crate) scopes_edited: bool,
    /// The living token, if there is one.
    pub(crate) token: Option<Token>,
    /// Requests of the window.
    pub(crate) budget: BudgetUse,
    /// Tokens that were minted in the last hour.
    pub(crate) minted_last_hour: u32,
    /// RFC 3339.
    pub(crate) cool_down_until: Option<String>,
    /// The last failure since the last success.
    pub(crate) last_failure: Option<LastFailure>,
    /// Who refreshes at the moment.
    pub(crate) lock: Lock,
    /// Where things rest.
    pub(crate) stores: Stores,
}

/// A living token.
#[derive(Serialize)]
pub(crate) struct Token {
    /// RFC 3339.
    pub(crate) expires_at: String,
    /// In seconds.
    pub(crate) expires_in: i64,
    /// Its whole life, in seconds.
    #[serde(skip)]
    pub(crate) life_s: i64,
    /// When its early window begins, in ms since 1970.
    #[serde(skip)]
    pub(crate) early_from_ms: i64,
}

/// Requests of the window.
#[derive(Serialize)]
pub(crate) struct BudgetUse {
    /// How many there may be.
    pub(crate) limit: u32,
    /// How many there were.
    pub(crate) used: u32,
    /// How many are left.
    pub(crate) left: u32,
    /// Length of the window, in seconds.
    pub(crate) window_s: u64,
    /// Until the next automatic refresh may be made, in seconds.
    pub(crate) next_slot_s: u64,
    /// Until the oldest request no longer counts.
    #[serde(skip)]
    pub(crate) next_free: Duration,
}

/// The last failure since the last success.
#[derive(Serialize)]
pub(crate) struct LastFailure {
    /// Zoho's word for it, or ours.
    pub(crate) code: String,
    /// RFC 3339.
    pub(crate) at: String,
    /// What happened, in English.
    pub(crate) message: String,
    /// The same in the language of the call.
    #[serde(skip)]
    pub(crate) said: String,
    /// When, in ms since 1970.
    #[serde(skip)]
    pub(crate) at_ms: i64,
}

/// The credential's lock.
#[derive(Serialize)]
pub(crate) struct Lock {
    /// Whether somebody has it.
    pub(crate) held: bool,
    /// Who.
    pub(crate) pid: Option<u32>,
    /// RFC 3339.
    pub(crate) since: Option<String>,
}

/// Where things rest.
#[derive(Serialize)]
pub(crate) struct Stores {
    /// The word for the place of secrets.
    pub(crate) secrets: &'static str,
    /// The state folder.
    pub(crate) cache: String,
    /// The shared store's address, without a password.
    pub(crate) shared: Option<String>,
}

/// What is on this machine's disk about the credential of a session.
pub(crate) struct Found {
    /// The cached token set.
    pub(crate) cache: CacheRecord,
    /// The ledger.
    pub(crate) ledger: Ledger,
    holder: Option<Holder>,
    /// The scopes of the login; empty where they are not known.
    login_scopes: Vec<String>,
    /// Why there is no credential, if there is none.
    pub(crate) no_credential: Option<Error>,
}

impl Found {
    /// Reads it, without asking anybody: [`Error`] where the credential or the folder cannot be looked at.
    pub(crate) fn read(session: &Session, system: &System) -> Result<Self, Error> {
        let source = session.source(system);
        let nothing = |no_credential| Found {
            cache: CacheRecord::default(),
            ledger: Ledger::default(),
            holder: None,
            login_scopes: Vec::new(),
            no_credential,
        };
        match source.known_id() {
            Ok(Some(id)) => {
                let store = store::open(&session.state, &id, None)?;
                Ok(Found {
                    cache: store.cache()?,
                    ledger: store.ledger(&system.clock.timestamp(), &session.profile.budget),
                    holder: store.holder(),
                    login_scopes: source.login_scopes(),
                    no_credential: None,
                })
            }
            Ok(None) => Ok(nothing(None)),
            Err(error @ (Error::NeverLoggedIn { .. } | Error::SettingsChanged { .. })) => {
                Ok(nothing(Some(error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the scopes of `profile` were edited since its login, so that only a new one changes those of its tokens.
    pub(crate) fn wants_other_scopes(&self, profile: &Profile) -> bool {
        profile.wants_other_scopes(&self.login_scopes)
    }
}

/// The status that what was found amounts to.
pub(crate) fn judge(session: &Session, system: &System, found: &Found) -> Status {
    let (profile, clock) = (&session.profile, system.clock.now());
    let now = &system.clock.timestamp();
    let (budget, ledger) = (&profile.budget, &found.ledger);
    let used = ledger.used(now, budget);
    let next_slot = ledger.next_slot(now, budget, budget.automatic());
    let token = found.cache.living(clock).map(|token| Token {
        expires_at: rfc3339(token.expires_at_ms.div_euclid(1000)),
        expires_in: token.left_ms(clock).div_euclid(1000),
        life_s: token.life_ms().div_euclid(1000),
        early_from_ms: token.expires_at_ms - token.early_ms(),
    });
    let cool_down = ledger.cool_down_left(now);
    let needs_person =
        |failure: &Failure| matches!(failure.kind, FailureKind::Refused | FailureKind::Misconfigured);
    let state = match () {
        () if found.no_credential.is_some() => State::LoginRequired,
        () if cool_down.is_some() => State::CoolingDown,
        () if ledger.failure.as_ref().is_some_and(needs_person) && token.is_none() => State::LoginRequired,
        () if !next_slot.is_zero() => State::OutOfBudget,
        () => State::Ready,
    };
    Status {
        version: 1,
        profile: profile.name.to_string(),
        state,
        data_center: profile.data_center.map(|dc| dc.code),
        accounts_url: profile.accounts_url.to_string(),
        settings_changed: matches!(found.no_credential, Some(Error::SettingsChanged { .. })),
        scopes_edited: found.wants_other_scopes(profile),
        token,
        budget: BudgetUse {
            limit: budget.tokens,
            used,
            left: budget.tokens.saturating_sub(used),
            window_s: budget.window.as_secs(),
            next_slot_s: next_slot.as_secs(),
            next_free: ledger.next_slot(now, budget, used),
        },
        minted_last_hour: ledger.minted_last_hour(now),
        cool_down_until: cool_down
            .map(|left| rfc3339(clock.wall_ms.div_euclid(1000) + left.as_secs() as i64)),
        last_failure: ledger.failure.as_ref().map(|failure| LastFailure {
            code: failure.error.clone(),
            at: rfc3339(failure.at.wall_ms.div_euclid(1000)),
            message: {
                let _english = speak(Language::English);
                failure.message(&profile.accounts_url.host())
            },
            said: failure.message(&profile.accounts_url.host()),
            at_ms: failure.at.wall_ms,
        }),
        lock: Lock {
            held: found.holder.is_some(),
            pid: found.holder.and_then(Holder::pid),
            since: found.holder.map(|holder| rfc3339(holder.since_ms.div_euclid(1000))),
        },
        stores: Stores {
            secrets: profile.secrets.word(),
            cache: session.state.path().display().to_string(),
            shared: Shared::place(&session.config, &system.env),
        },
    }
}
