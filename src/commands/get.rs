//! `get`: resolve the profile; load the token set; fresh, print; else renew.

use super::Session;
use crate::cli::{GetArgs, Global};
use crate::config::split_scopes;
use crate::error::Error;
use crate::output::{View, render};
use crate::system::System;
use crate::token::{Ask, Freshness, MinTtl, Obtained, obtain};

/// Prints a fresh token in the format that was asked for.
pub fn get(system: &mut System, global: &Global, args: &GetArgs) -> Result<u8, Error> {
    let session = Session::open(system, global, args.profile.as_deref())?;
    let min_ttl = args.min_ttl.map_or(MinTtl::Default, MinTtl::Explicit);
    let ask =
        Ask { min_ttl, timeout: args.timeout, wait: args.wait, refresh: args.refresh, offline: args.offline };
    let obtained = match warm(&session, system, &ask) {
        Some(obtained) => obtained,
        None => cold(&session, system, &ask)?,
    };
    if let Some(warning) = obtained.warning.filter(|_| !global.quiet) {
        system.warn(&warning);
    }
    let scheme = args.scheme.unwrap_or(session.profile.scheme);
    let view = View::of(&session.profile, scheme, &obtained.record, system.clock.now())?;
    let bytes = render(args.output, &view);
    system.print(&bytes)?;
    Ok(0)
}

/// The token as the profile's state has it: one file, no lock, no socket, no keyring.
fn warm(session: &Session, system: &System, ask: &Ask) -> Option<Obtained> {
    if ask.refresh || session.state.check().is_err() {
        return None;
    }
    let (record, scopes) = session.source(system).copy()?;
    let fresh = record.freshness(system.clock.now(), ask.min_ttl) == Freshness::Fresh;
    fresh.then(|| Obtained { warning: edited_scopes(session, &scopes), record })
}

fn cold(session: &Session, system: &System, ask: &Ask) -> Result<Obtained, Error> {
    let source = session.source(system);
    let mut obtained = session.with_ports(system, &source, |ports| obtain(ports, ask))?;
    source.keep_copy();
    obtained.warning = obtained.warning.or_else(|| edited_scopes(session, &source.login_scopes()));
    Ok(obtained)
}

/// A refresh cannot change scopes: edited ones go on being served, and want a new login.
fn edited_scopes(session: &Session, login_scopes: &[String]) -> Option<String> {
    let sorted = |scopes: &[String]| {
        let mut scopes: Vec<String> = scopes.iter().flat_map(|s| split_scopes(&s.to_lowercase())).collect();
        scopes.sort_unstable();
        scopes.dedup();
        scopes
    };
    let (wanted, had) = (sorted(&session.profile.scopes), sorted(login_scopes));
    (!had.is_empty() && !wanted.is_empty() && wanted != had).then(|| {
        let name = &session.profile.name;
        format!("the scopes of '{name}' were edited since its login; run 'zoho-cred login {name}' to be granted them")
    })
}
