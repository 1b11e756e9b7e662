//! No command: prints the state of the default profile and what to do next.

use crate::cli::{Global, ReportFormat};
use crate::commands::list;
use crate::commands::report::{Report, Style, plain, styled};
use crate::commands::session::{Session, read_config};
use crate::commands::status::{self, LocalState, evaluate};
use crate::config::{Resolved, choose};
use crate::error::Error;
use crate::i18n::tr;
use crate::system::System;

/// Prints the default profile's state in three lines, or how to begin if there is no profile. Lists all profiles if
/// none of several is the default.
pub(crate) fn run(system: &mut System, global: &Global) -> Result<u8, Error> {
    let config = read_config(system, global, true)?;
    let Some(profile) = choose(&system.env, &config, global.profile.as_deref())? else {
        if config.names().is_empty() {
            let text = getting_started(&Report::of(system));
            return system.print(text.as_bytes()).map(|()| 0);
        }
        return list::run(system, global, ReportFormat::Text);
    };
    let session = Session::of(system, global, Resolved { profile, config })?;
    session.state.check()?;
    let found = LocalState::read(&session, system)?.with_other_machines(&session, system);
    let status = evaluate(&session, system, &found);
    let text = status::summary(&status, &Report::of(system), system.clock.now().wall_ms);
    system.print(text.as_bytes())?;
    Ok(0)
}

fn getting_started(report: &Report) -> String {
    let trial = tr!("zoho-sandbox run -- bash, which needs no account");
    report.table([
        vec![styled(Style::Strong, "zoho-cred"), plain(tr!("there is no profile yet"))],
        vec![plain(tr!("next")), plain(tr!("zoho-cred login crm, which explains what to enter at Zoho"))],
        vec![plain(tr!("to try it")), plain(trial)],
    ])
}
