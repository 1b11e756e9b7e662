//! `doctor`: all checks that spend no token request, one line for each.

mod check;
mod credential;
mod files;
mod network;
mod shared;
mod unused;

use crate::cli::{DoctorArgs, Global, ReportFormat};
use crate::commands::report::{Report, Style, plain, styled};
use crate::commands::session::Session;
use crate::commands::status::LocalState;
use crate::config::state_dir;
use crate::error::Error;
use crate::i18n::tr;
use crate::sanitize::{json, sanitize};
use crate::store::StateDir;
use crate::system::System;
use check::{Check, Verdict};
use serde::Serialize;

/// The JSON report.
#[derive(Serialize)]
struct Findings {
    version: u32,
    /// `None` if no profile could be resolved.
    profile: Option<String>,
    ok: bool,
    checks: Vec<Check>,
}

/// Prints one line for each check. The exit code is 1 if one failed.
pub(crate) fn run(system: &mut System, global: &Global, args: &DoctorArgs) -> Result<u8, Error> {
    let named = global.profile_or(args.profile.as_deref())?;
    let (profile, checks) = match Session::open_unchecked(system, global, named) {
        Ok(session) => (Some(session.profile.name.to_string()), examine(&session, system)),
        Err(error) => (None, without_profile(&error, system)),
    };
    let checks: Vec<_> = checks.into_iter().chain(unused::check(system, global, args.fix)).collect();
    let ok = checks.iter().all(|check| check.status != Verdict::Failed);
    let findings = Findings { version: 1, profile, ok, checks };
    let text = match args.output {
        ReportFormat::Json => json(&findings) + "\n",
        ReportFormat::Text => table(&findings.checks, &Report::of(system)),
    };
    system.print(text.as_bytes())?;
    Ok(if ok { 0 } else { 1 })
}

fn examine(session: &Session, system: &System) -> Vec<Check> {
    let mut checks = vec![config(session)];
    checks.extend(files::checks(&session.state, system));
    if session.state.check().is_err() {
        // No command works with this directory, and its contents are not trusted.
        checks.extend(network::checks(session, system, None));
        return checks;
    }
    checks.push(files::lock(session, system));
    let secrets = credential::secrets(session, system);
    let unattended = credential::unattended(session, system, &secrets);
    checks.push(secrets);
    checks.extend(unattended);
    let local = LocalState::read(session, system).map(|local| local.with_other_machines(session, system));
    match &local {
        Ok(local) => checks.extend(credential::checks(session, system, local)),
        Err(error) => checks.push(Check::error(&tr!("credential"), error)),
    }
    checks.extend(network::checks(session, system, local.as_ref().ok()));
    checks.push(shared::check(session, system));
    checks
}

/// The checks that need no profile.
fn without_profile(error: &Error, system: &System) -> Vec<Check> {
    let mut checks = vec![Check::error(&tr!("config"), error)];
    if let Ok(state) = state_dir(&system.env) {
        checks.extend(files::checks(&StateDir::new(state), system));
    }
    checks
}

fn config(session: &Session) -> Check {
    let profile = &session.profile;
    let place = profile.place();
    let path = session.config.path().display();
    let message = if session.config.names().is_empty() {
        tr!("'{profile}' at {place}, from the environment", profile = profile.name, place)
    } else {
        tr!("'{profile}' at {place}, in {path}", profile = profile.name, place, path)
    };
    Check::ok(&tr!("config"), message)
}

fn table(checks: &[Check], report: &Report) -> String {
    report.table(checks.iter().map(|check| {
        let mark = match check.status {
            Verdict::Ok => styled(Style::Good, tr!("ok")),
            Verdict::Warning => styled(Style::Caution, tr!("warning")),
            Verdict::Failed => styled(Style::Bad, tr!("failed")),
            Verdict::Skipped => plain("-"),
        };
        let fix = check.fix.as_ref().map(|fix| tr!("\nfix: {fix}", fix)).unwrap_or_default();
        let (name, found) = (&check.name, format!("{}{fix}", sanitize(&check.message)));
        if report.is_narrow() {
            vec![mark, plain(format!("{name}\n{found}"))]
        } else {
            vec![mark, plain(name.clone()), plain(found)]
        }
    }))
}
