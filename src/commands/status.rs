//! `status`: one profile in full, without asking anybody.

use super::Session;
use crate::cli::{Global, Report, StatusArgs};
use crate::config::duration::words;
use crate::credential::CredentialSource;
use crate::error::Error;
use crate::output::rfc3339;
use crate::store::{self, Holder, Shared};
use crate::system::System;
use crate::token::{CacheRecord, Failure, FailureKind, Ledger, Moment};
use crate::words::{local, pad, t, width};
use serde::Serialize;

/// Zoho kills the oldest of 10 to 15 living tokens, so from this many an hour on there is a warning.
const MANY_TOKENS: u32 = 8;

/// The least columns of a label.
const LABEL: usize = 14;

/// What a profile can do at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ready,
    LoginRequired,
    CoolingDown,
    OutOfBudget,
}

#[derive(Serialize)]
struct Status {
    version: u32,
    profile: String,
    state: State,
    data_center: Option<&'static str>,
    accounts_url: String,
    token: Option<Token>,
    budget: BudgetUse,
    minted_last_hour: u32,
    cool_down_until: Option<String>,
    last_failure: Option<LastFailure>,
    lock: Lock,
    stores: Stores,
}

#[derive(Serialize)]
struct Token {
    expires_at: String,
    expires_in: i64,
}

#[derive(Serialize)]
struct BudgetUse {
    limit: u32,
    used: u32,
    left: u32,
    window_s: u64,
    next_slot_s: u64,
}

#[derive(Serialize)]
struct LastFailure {
    code: String,
    at: String,
    message: String,
}

#[derive(Serialize)]
struct Lock {
    held: bool,
    pid: Option<u32>,
    since: Option<String>,
}

#[derive(Serialize)]
struct Stores {
    secrets: &'static str,
    cache: String,
    shared: Option<String>,
}

/// Prints the status; the exit code says whether a token can be had: 0, 77 where a login is needed, 75 while cooling
/// down or out of budget with no token left.
pub fn status(system: &mut System, global: &Global, args: &StatusArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let now = Moment::now(&*system.clock);
    let (found, credential_missing) = match session.source(system).id() {
        Ok(id) => {
            let store = store::open(&session.state, &id, None)?;
            ((store.cache(), store.ledger(), store.holder()), false)
        }
        Err(Error::NeverLoggedIn { .. }) => ((CacheRecord::default(), Ledger::default(), None), true),
        Err(error) => return Err(error),
    };
    let status = judge(&session, system, &now, found, credential_missing);
    let has_token = status.token.is_some();
    let text = match args.output {
        Report::Json => serde_json::to_string(&status).unwrap_or_default() + "\n",
        Report::Text => describe(&status),
    };
    system.print(text.as_bytes())?;
    if status.minted_last_hour >= MANY_TOKENS && !global.quiet {
        system.warn(&t!(
            "{count} tokens were minted in the last hour; Zoho keeps 10 to 15 alive and kills the oldest",
            count = status.minted_last_hour,
        ));
    }
    Ok(match status.state {
        State::Ready => 0,
        State::LoginRequired => 77,
        State::CoolingDown | State::OutOfBudget if has_token => 0,
        State::CoolingDown | State::OutOfBudget => 75,
    })
}

fn judge(
    session: &Session,
    system: &System,
    now: &Moment,
    (cache, ledger, holder): (CacheRecord, Ledger, Option<Holder>),
    credential_missing: bool,
) -> Status {
    let (profile, clock) = (&session.profile, system.clock.now());
    let budget = &profile.budget;
    let reserve = u32::from(budget.tokens >= 3);
    let used = ledger.used(now, budget);
    let next_slot = ledger.next_slot(now, budget, budget.tokens - reserve);
    let token = cache.living(clock).map(|token| Token {
        expires_at: rfc3339(token.expires_at_ms.div_euclid(1000)),
        expires_in: token.left_ms(clock).div_euclid(1000),
    });
    let needs_person =
        |failure: &Failure| matches!(failure.kind, FailureKind::Refused | FailureKind::Misconfigured);
    let cool_down = ledger.cool_down_left(now);
    let state = match () {
        () if credential_missing => State::LoginRequired,
        () if cool_down.is_some() => State::CoolingDown,
        () if ledger.failure.as_ref().is_some_and(needs_person) && token.is_none() => State::LoginRequired,
        () if !next_slot.is_zero() => State::OutOfBudget,
        () => State::Ready,
    };
    let seconds = |moment: &Moment| rfc3339(moment.wall_ms.div_euclid(1000));
    Status {
        version: 1,
        profile: profile.name.to_string(),
        state,
        data_center: profile.data_center.map(|dc| dc.code),
        accounts_url: profile.accounts_url.to_string(),
        token,
        budget: BudgetUse {
            limit: budget.tokens,
            used,
            left: budget.tokens.saturating_sub(used),
            window_s: budget.window.as_secs(),
            next_slot_s: next_slot.as_secs(),
        },
        minted_last_hour: ledger.minted_last_hour(now),
        cool_down_until: cool_down
            .map(|left| rfc3339(clock.wall_ms.div_euclid(1000) + left.as_secs() as i64)),
        last_failure: ledger.failure.as_ref().map(|failure| LastFailure {
            code: failure.error.clone(),
            at: seconds(&failure.at),
            message: failure.message.clone(),
        }),
        lock: Lock {
            held: holder.is_some(),
            pid: holder.map(|holder| holder.pid).filter(|pid| *pid != 0),
            since: holder.map(|holder| rfc3339(holder.since_ms.div_euclid(1000))),
        },
        stores: Stores {
            secrets: profile.secrets.word(),
            cache: session.state.path().display().to_string(),
            shared: Shared::place(&session.config, &system.env),
        },
    }
}

/// The status for people: one fact a line.
fn describe(status: &Status) -> String {
    let state = match status.state {
        State::Ready => t!("ready"),
        State::LoginRequired => t!("login required"),
        State::CoolingDown => t!("cooling down: Zoho throttled this refresh token"),
        State::OutOfBudget => t!("out of budget"),
    };
    let for_s = |seconds: i64| words(std::time::Duration::from_secs(seconds.max(0) as u64));
    let budget = &status.budget;
    let (left, limit, window) = (budget.left, budget.limit, for_s(budget.window_s as i64));
    let code = status.data_center.map_or(t!("other"), str::to_owned);
    let mut lines = vec![
        (t!("profile"), status.profile.clone()),
        (t!("state"), state),
        (t!("data centre"), format!("{code} ({})", status.accounts_url)),
        (
            t!("token"),
            status.token.as_ref().map_or(t!("none"), |token| {
                let (time, until) = (for_s(token.expires_in), &token.expires_at);
                t!("good for another {time}, until {until}", time, until)
            }),
        ),
        (
            t!("budget"),
            match budget.next_slot_s {
                0 => t!("{left} of {limit} left in {window}", left, limit, window),
                s => t!(
                    "{left} of {limit} left in {window}, next slot in {time}",
                    left,
                    limit,
                    window,
                    time = for_s(s as i64),
                ),
            },
        ),
        (t!("minted"), t!("{count} in the last hour", count = status.minted_last_hour)),
    ];
    lines.extend(status.cool_down_until.as_ref().map(|until| (t!("cool-down"), t!("until {until}", until))));
    lines.extend(status.last_failure.as_ref().map(|failure| {
        let said = t!(
            "{message} ({code}) at {time}",
            message = local(&failure.message),
            code = failure.code,
            time = failure.at,
        );
        (t!("last failure"), said)
    }));
    if status.lock.held {
        let who = status.lock.pid.map_or(t!("another process"), |pid| t!("process {pid}", pid));
        lines.push((t!("lock"), t!("held by {who}", who)));
    }
    lines.push((t!("secrets"), status.stores.secrets.to_owned()));
    lines.push((t!("cache"), status.stores.cache.clone()));
    lines.extend(status.stores.shared.as_ref().map(|place| (t!("shared"), place.clone())));
    let columns = lines.iter().map(|(name, _)| width(name) + 2).fold(LABEL, usize::max);
    lines.iter().map(|(name, value)| format!("{}{value}\n", pad(name, columns))).collect()
}
