//! `helper`: the credential-helper protocols. Success prints nothing on stderr, because some callers treat stderr
//! as part of the answer.

use crate::cli::{GitArgs, Global, Protocol, UriArgs, UriOperation};
use crate::commands::Session;
use crate::commands::token::token;
use crate::config::hosts::{self, Place};
use crate::error::{Code, Error};
use crate::helper::{LIMIT, bad_input, git, uri};
use crate::i18n::tr;
use crate::model::{ENVIRONMENT, MinTtl, is_well_formed};
use crate::output::View;
use crate::refresh::{self, TokenRequest, TokenResponse};
use crate::secret::Secret;
use crate::secrets::CredentialSource;
use crate::store;
use crate::system::System;
use std::io::{ErrorKind, Read};
use std::time::Duration;

/// How long `erase` waits for the lock. It is short because git is waiting.
const REJECT_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn helper(system: &mut System, global: &Global, protocol: &Protocol) -> Result<u8, Error> {
    system.signals.install();
    let silent = global.silenced(true);
    match protocol {
        Protocol::Git(args) => match args.operation.as_str() {
            "get" => git_get(system, &silent, args),
            "erase" => git_erase(system, &silent, args),
            "capability" => system.print(git::CAPABILITIES).map(|()| 0),
            "store" => read(system, |_, _| false).map(|_| 0),
            _ => Ok(0),
        },
        Protocol::Uri(args @ UriArgs { operation: UriOperation::Get, .. }) => uri_get(system, &silent, args),
    }
}

fn git_get(system: &mut System, global: &Global, args: &GitArgs) -> Result<u8, Error> {
    let request = git::GitRequest::parse(&read(system, git::GitRequest::is_whole)?)?;
    let Some(mut session) = git_session(system, global, args, &request)? else { return Ok(0) };
    if !request.authtype && !args.allow_basic {
        log::info!("this git is too old to send Zoho's scheme (2.46 can), so it gets nothing");
        return Ok(0);
    }
    match get_token(&mut session, system, args.timeout) {
        Ok(response) => {
            let view =
                View::of(&session.profile, session.profile.scheme, &response.record, system.clock.now())?;
            let (token, expires_at) = (Secret::new(view.access_token), view.reported_expires_at);
            let scheme = view.scheme.word().to_owned();
            let answer = if request.authtype {
                git::GitAnswer::Token { scheme, token, expires_at }
            } else {
                git::GitAnswer::Basic { token, expires_at }
            };
            system.print(&answer.render()).map(|()| 0)
        }
        Err(error) => {
            if error.code() == Code::LoginRequired {
                system.print(&git::GitAnswer::Quit.render())?;
            }
            Err(error)
        }
    }
}

/// git received a 401: drops the cached token if it is the rejected one.
fn git_erase(system: &mut System, global: &Global, args: &GitArgs) -> Result<u8, Error> {
    let request = git::GitRequest::parse(&read(system, git::GitRequest::is_whole)?)?;
    let Some(given) = request.given.as_ref().filter(|given| is_well_formed(given.expose())) else {
        return Ok(0);
    };
    let Some(session) = git_session(system, global, args, &request)? else { return Ok(0) };
    let source = session.source(system);
    let rejected =
        session.with_ports(system, &source, |ports| refresh::reject(ports, given, REJECT_TIMEOUT))?;
    log::info!("erase: {rejected:?}");
    Ok(0)
}

/// The session if the profile may be used for the requested host, else `None`. git asks about every host, so
/// unreadable settings are an error only for Zoho's hosts.
fn git_session(
    system: &System,
    global: &Global,
    args: &GitArgs,
    request: &git::GitRequest,
) -> Result<Option<Session>, Error> {
    let Some(place) = request.place() else { return Ok(None) };
    match Session::open(system, global, args.profile.as_deref()) {
        Ok(session) if serves(&session, system, &place) => Ok(Some(session)),
        Ok(_) => Ok(None),
        Err(error) if hosts::is_zohos(&place) => Err(error),
        Err(error) => {
            log::info!("not a host of Zoho's, so it does not matter that {}", error.message());
            Ok(None)
        }
    }
}

fn uri_get(system: &mut System, global: &Global, args: &UriArgs) -> Result<u8, Error> {
    let request = uri::UriRequest::read((&mut system.stdin).take(LIMIT as u64))?;
    let mut session = Session::open(system, global, args.profile.as_deref())?;
    let place = request.place();
    if !place.as_ref().is_some_and(|place| serves(&session, system, place)) {
        return Err(not_served(place.as_ref().map(Place::as_str), session.profile.name.as_str()));
    }
    let response = get_token(&mut session, system, args.timeout)?;
    let view = View::of(&session.profile, session.profile.scheme, &response.record, system.clock.now())?;
    let answer = uri::UriAnswer {
        scheme: view.scheme.word().to_owned(),
        token: Secret::new(view.access_token),
        expires_at: view.reported_expires_at,
    };
    system.print(&answer.render()).map(|()| 0)
}

fn get_token(session: &mut Session, system: &System, timeout: Duration) -> Result<TokenResponse, Error> {
    let min_ttl = MinTtl::Reported;
    token(
        session,
        system,
        &TokenRequest { min_ttl, timeout, wait: Duration::ZERO, refresh: false, offline: false },
    )
}

fn serves(session: &Session, system: &System, place: &Place) -> bool {
    hosts::may_have(&session.profile, last_api_domain(session, system).as_deref(), place)
}

/// The `api_domain` of the last token response, if the hosts depend on it.
pub(super) fn last_api_domain(session: &Session, system: &System) -> Option<String> {
    if hosts::depend_on_answer(&session.profile) { known_api_domain(session, system) } else { None }
}

/// The `api_domain` of the last token response.
pub(super) fn known_api_domain(session: &Session, system: &System) -> Option<String> {
    let source = session.source(system);
    let record = match source.cached() {
        Some((record, _)) => record,
        None => store::open(&session.state, &source.id().ok()?, None).ok()?.cache().ok()?,
    };
    record.api_domain
}

/// Reads a request until the end of stdin, or until `is_whole`, which gets the bytes and how many it has seen before. A
/// caller may keep stdin open until it has the answer.
fn read(system: &mut System, is_whole: impl Fn(&[u8], usize) -> bool) -> Result<Vec<u8>, Error> {
    let (mut bytes, mut seen, mut piece) = (Vec::new(), 0, [0; 8192]);
    while !is_whole(&bytes, seen) {
        seen = bytes.len();
        match system.stdin.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                return Err(bad_input(tr!("could not read stdin: {error}", error), "zoho-cred helper"));
            }
        }
        if bytes.len() > LIMIT {
            return Err(bad_input(tr!("the request is too long"), "zoho-cred helper"));
        }
    }
    Ok(bytes)
}

/// The profile's token must not go to `host`; with none, no token may go there whatever the settings say.
pub(super) fn not_served(host: Option<&str>, profile: &str) -> Error {
    match host {
        Some(host) => Error::new(
            Code::BadInput,
            tr!("profile '{profile}' must not send tokens to {host}", profile, host),
            if profile == ENVIRONMENT {
                tr!(
                    "if it is a Zoho API, use a profile of the config file with \"{host}\" in its hosts",
                    host
                )
            } else {
                tr!(
                    "if it is a Zoho API, add \"{host}\" to hosts of [profile.{profile}] in the config",
                    host,
                    profile
                )
            },
        ),
        None => Error::new(
            Code::BadInput,
            tr!("tokens are never sent to such a URL"),
            tr!("write it as https://host/path, without user info"),
        ),
    }
}
