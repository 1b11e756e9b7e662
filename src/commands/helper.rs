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
use crate::refresh::{TokenRequest, TokenResponse};
use crate::secrets::CredentialSource;
use crate::store;
use crate::system::System;
use std::io::{ErrorKind, Read};
use std::time::Duration;

/// How long `erase` waits for the lock. It is short because git is waiting.
const REJECT_TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn run(system: &mut System, global: &Global, protocol: &Protocol) -> Result<u8, Error> {
    system.signals.install();
    system.terminal.quiet = true;
    match protocol {
        Protocol::Git(args) => match args.operation.as_str() {
            "get" => git_get(system, global, args),
            "erase" => git_erase(system, global),
            "capability" => system.print(git::CAPABILITIES).map(|()| 0),
            "store" => read(system).map(|_| 0),
            _ => Ok(0),
        },
        Protocol::Uri(args @ UriArgs { operation: UriOperation::Get, .. }) => uri_get(system, global, args),
    }
}

fn git_get(system: &mut System, global: &Global, args: &GitArgs) -> Result<u8, Error> {
    let request = git::GitRequest::parse(&read(system)?)?;
    let Some(mut session) = git_session(system, global, &request)? else { return Ok(0) };
    if !request.authtype && !args.allow_basic {
        log::info!("this git is too old to send Zoho's scheme (2.46 can), so it gets nothing");
        return Ok(0);
    }
    match get_token(&mut session, system, args.timeout) {
        Ok(response) => {
            let answer = git::answer(&view(&session, system, &response)?, request.authtype);
            system.print(answer.as_bytes()).map(|()| 0)
        }
        Err(error) => {
            if error.code() == Code::LoginRequired {
                system.print(git::QUIT)?;
            }
            Err(error)
        }
    }
}

/// git received a 401: drops the cached token if it is the rejected one.
fn git_erase(system: &mut System, global: &Global) -> Result<u8, Error> {
    let request = git::GitRequest::parse(&read(system)?)?;
    let Some(given) = request.given.as_ref().filter(|given| is_well_formed(given.expose())) else {
        return Ok(0);
    };
    let Some(session) = git_session(system, global, &request)? else { return Ok(0) };
    let rejected = session.reject(system, given, REJECT_TIMEOUT)?;
    log::info!("erase: {rejected:?}");
    Ok(0)
}

/// The session if the profile may be used for the requested host, else `None`. git asks about every host, so
/// unreadable settings are an error only for Zoho's hosts.
fn git_session(
    system: &System,
    global: &Global,
    request: &git::GitRequest,
) -> Result<Option<Session>, Error> {
    let Some(place) = request.place() else { return Ok(None) };
    match Session::open(system, global, None) {
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
    let place = uri::read((&mut system.stdin).take(LIMIT as u64))?;
    let mut session = Session::open(system, global, None)?;
    if !place.as_ref().is_some_and(|place| serves(&session, system, place)) {
        return Err(not_served(place.as_ref().map(Place::as_str), session.profile.name.as_str()));
    }
    let response = get_token(&mut session, system, args.timeout)?;
    let answer = uri::answer(&view(&session, system, &response)?);
    system.print(answer.as_bytes()).map(|()| 0)
}

fn view<'a>(session: &'a Session, system: &System, response: &'a TokenResponse) -> Result<View<'a>, Error> {
    View::of(&session.profile, session.profile.scheme, &response.record, system.clock.now())
}

fn get_token(session: &mut Session, system: &System, timeout: Duration) -> Result<TokenResponse, Error> {
    token(session, system, &TokenRequest::new(MinTtl::Reported, timeout))
}

fn serves(session: &Session, system: &System, place: &Place) -> bool {
    let profile = &session.profile;
    let answered = if hosts::depend_on_answer(profile) { known_api_domain(session, system) } else { None };
    hosts::may_have(profile, answered.as_deref(), place)
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

/// Reads a request of git until it is whole, or until the end of stdin. A caller may keep stdin open until it has the answer.
fn read(system: &mut System) -> Result<Vec<u8>, Error> {
    let (mut bytes, mut seen, mut piece) = (Vec::new(), 0, [0; 8192]);
    while !git::GitRequest::is_whole(&bytes, seen) {
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
