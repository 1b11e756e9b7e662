//! `list`: all profiles and their state, from local data only.

use crate::cli::{Global, ReportFormat};
use crate::commands::report::{Report, Style, StyledText, plain, styled};
use crate::commands::session::{Session, read_config};
use crate::commands::status::{LocalState, State, Status, evaluate, state_words};
use crate::config::{ConfigFile, environment, resolve};
use crate::error::Error;
use crate::i18n::tr;
use crate::model::{ENVIRONMENT, ProfileName};
use crate::sanitize::{json, sanitize};
use crate::system::System;
use serde::Serialize;

/// One profile in JSON.
#[derive(Serialize)]
struct Row {
    version: u32,
    name: String,
    default: bool,
    data_center: Option<&'static str>,
    /// `None` if the profile cannot be read.
    state: Option<State>,
    expires_at: Option<String>,
    problem: Option<String>,
}

/// Prints all profiles. An unreadable profile is a row with an error; an unreadable config fails the command.
pub(crate) fn run(system: &mut System, global: &Global, output: ReportFormat) -> Result<u8, Error> {
    let config = read_config(system, global, true)?;
    let profiles = statuses(system, global, &config);
    let default = resolve(&system.env, config, global.profile.as_deref()).ok();
    let default_name = default.map(|resolved| resolved.profile.name);
    let default_name = default_name.as_ref();
    let text = match output {
        ReportFormat::Json => {
            let rows: Vec<_> = profiles.iter().map(|(name, found)| row(name, found, default_name)).collect();
            json(&rows) + "\n"
        }
        ReportFormat::Text if profiles.is_empty() => {
            system.say(&tr!("zoho-cred: there is no profile yet; create one with 'zoho-cred login NAME'"));
            return Ok(0);
        }
        ReportFormat::Text => table(&Report::of(system), system.clock.now().wall_ms, &profiles, default_name),
    };
    system.print(text.as_bytes())?;
    Ok(0)
}

type Profiles = Vec<(String, Result<Status, Error>)>;

/// Every profile of the config, and the environment profile if any of its variables is set.
fn statuses(system: &System, global: &Global, config: &ConfigFile) -> Profiles {
    let mut names = config.names();
    if environment::is_begun(&system.env) || environment::is_complete(&system.env) {
        names.push(ENVIRONMENT.to_owned());
    }
    let status = |name: &str| {
        let session = Session::of(system, global, resolve(&system.env, config.clone(), Some(name))?)?;
        session.state.check()?;
        let found = LocalState::read(&session, system)?;
        Ok(evaluate(&session, system, &found))
    };
    names
        .into_iter()
        .map(|name| {
            let found = status(&name);
            (name, found)
        })
        .collect()
}

fn is_default(name: &str, default: Option<&ProfileName>) -> bool {
    default.is_some_and(|default| default.as_str() == name)
}

fn row(name: &str, found: &Result<Status, Error>, default: Option<&ProfileName>) -> Row {
    let status = found.as_ref().ok();
    Row {
        version: 1,
        name: name.to_owned(),
        default: is_default(name, default),
        data_center: status.and_then(|status| status.data_center),
        state: status.map(|status| status.state),
        expires_at: status.and_then(|status| Some(status.token.as_ref()?.expires_at.clone())),
        problem: found.as_ref().err().map(|error| error.message().to_owned()),
    }
}

fn table(report: &Report, now_ms: i64, profiles: &Profiles, default: Option<&ProfileName>) -> String {
    let heading = [tr!("profile"), tr!("data center"), tr!("state##of a profile"), tr!("expires")]
        .map(|name| styled(Style::Strong, name))
        .to_vec();
    let rows = profiles.iter().map(|(name, found)| {
        let mark = if is_default(name, default) { " *" } else { "" };
        let name = plain(format!("{name}{mark}"));
        match found {
            Ok(status) => {
                let expires =
                    status.token.as_ref().map(|token| report.time(now_ms + token.expires_in * 1000));
                let place = status.data_center.map_or_else(|| status.accounts_url.clone(), str::to_owned);
                [
                    name,
                    plain(place),
                    state_words(status, report, now_ms),
                    plain(expires.unwrap_or("-".into())),
                ]
            }
            Err(error) => [name, plain("-"), styled(Style::Bad, sanitize(error.message())), plain("-")],
        }
    });
    if report.is_narrow() {
        report.table(rows.flat_map(stacked))
    } else {
        report.table(std::iter::once(heading).chain(rows.map(Vec::from)))
    }
}

/// A row for narrow terminals: the name, with one value per line beside it.
fn stacked([name, place, state, expires]: [StyledText; 4]) -> [Vec<StyledText>; 3] {
    let expires = plain(format!("{} {}", tr!("expires"), expires.text()));
    [vec![name, state], vec![plain(""), place], vec![plain(""), expires]]
}
