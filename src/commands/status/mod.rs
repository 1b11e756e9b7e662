//! `status`: one profile in full, without a request to Zoho.

mod state;
mod text;

pub(crate) use state::{LocalState, State, Status, evaluate};
pub(crate) use text::{refreshing, state as state_words};

use crate::cli::{Global, ReportFormat, StatusArgs};
use crate::commands::{Report, Session};
use crate::error::Error;
use crate::i18n::tr;
use crate::sanitize::json;
use crate::system::System;

/// `status` warns from this number on, because Zoho deletes the oldest of 10 to 15 live tokens.
pub(crate) const MANY_TOKENS: u32 = 8;

/// Prints the status. Exit codes: 0 if a token can be had, 77 if a login is needed, 75 while cooling down or out of
/// budget without a valid token.
pub(crate) fn run(system: &mut System, global: &Global, args: &StatusArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let found = LocalState::read(&session, system)?.with_other_machines(&session, system);
    let status = evaluate(&session, system, &found);
    let text = match args.output {
        ReportFormat::Json => json(&status) + "\n",
        ReportFormat::Text => {
            let shared = super::shared::line(&session, system);
            text::describe(&status, shared, &Report::of(system), system.clock.now().wall_ms)
        }
    };
    system.print(text.as_bytes())?;
    if status.minted_last_hour >= MANY_TOKENS {
        system.warn(&tr!(
            "{count} tokens were minted in the last hour; Zoho keeps only the newest 10 to 15",
            count = status.minted_last_hour,
        ));
    }
    Ok(match status.state {
        State::Ready => 0,
        State::LoginRequired => 77,
        State::CoolingDown | State::OutOfBudget if status.token.is_some() => 0,
        State::CoolingDown | State::OutOfBudget => 75,
    })
}
