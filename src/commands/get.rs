//! `get`: prints an access token.

use crate::cli::{GetArgs, Global};
use crate::commands::{Session, watch};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Freshness;
use crate::output::{ApiVersion, Form, Output, View, ci, expired_meanwhile, kubernetes, render};
use crate::refresh::{TokenRequest, TokenResponse, get_token};
use crate::system::{OutputFile, System, files};
use std::path::PathBuf;

/// How often a token may expire during the call before the call fails.
const MAX_ATTEMPTS: u32 = 3;

/// Prints a token in the requested format, or writes it where that format belongs.
pub(crate) fn get(system: &mut System, global: &Global, args: &GetArgs) -> Result<u8, Error> {
    let global = &global.silenced(args.output.is_silent());
    let form = form(system, args)?;
    let destination = destination(system, args)?;
    let session = Session::open(system, global, args.profile.as_deref())?;
    let min_ttl = args.min_ttl.map_or(args.output.min_ttl(), |ttl| args.output.explicit_min_ttl(ttl));
    let request = TokenRequest {
        min_ttl,
        timeout: args.timeout,
        wait: args.wait,
        refresh: args.refresh,
        offline: args.offline,
    };
    let scheme = args.scheme.unwrap_or(session.profile.scheme);
    let bytes = |system: &System, response: &TokenResponse| -> Result<Vec<u8>, Error> {
        let view = View::of(&session.profile, scheme, &response.record, system.clock.now())?;
        Ok(render(args.output, &view, &form))
    };
    if let (true, Destination::File(file)) = (args.watch, &destination) {
        return watch::keep_fresh(&session, system, global, &request, file, bytes);
    }
    let response = token(&session, system, &request)?;
    if let Some(token) = &response.record.token {
        log::info!("the token has {} s left", token.left_ms(system.clock.now()) / 1000);
    }
    if let Some(warning) = response.warning.as_ref().filter(|_| !global.verbosity.quiet) {
        system.warn(warning);
    }
    let bytes = bytes(system, &response)?;
    match destination {
        Destination::Stdout => system.print(&bytes)?,
        Destination::File(file) => watch::replace(system, &file, &bytes)?,
        Destination::GithubFile(path) => {
            let view = View::of(&session.profile, scheme, &response.record, system.clock.now())?;
            let variables = ci::github_env(&view, &delimiter()?);
            // Test the file first, so that a failure leaves stdout empty.
            files::append(&path, b"")?;
            system.print(&bytes)?;
            files::append(&path, variables.as_bytes())?;
        }
    }
    Ok(0)
}

/// The destination of the output. Unusable ones are detected before a request is spent.
enum Destination {
    Stdout,
    File(OutputFile),
    /// The mask goes to stdout, the variables to this file of the runner.
    GithubFile(PathBuf),
}

fn destination(system: &System, args: &GetArgs) -> Result<Destination, Error> {
    match (&args.output_file, args.output) {
        (Some(_), Output::Github | Output::Azure) => Err(Error::usage(
            tr!("the CI runner reads this output from stdout; leave --output-file out"),
            "zoho-cred get",
        )),
        (Some(path), _) => Ok(Destination::File(OutputFile::new(path, args.mode)?)),
        (None, Output::Github) => match system.env.get(ci::GITHUB_FILE) {
            Some(path) => Ok(Destination::GithubFile(path.into())),
            None => Err(Error::new(
                Code::Config,
                tr!("{variable} is not set", variable = ci::GITHUB_FILE),
                tr!("'-o github' is for a step of a GitHub Actions job; elsewhere use '-o env'"),
            )),
        },
        (None, _) => Ok(Destination::Stdout),
    }
}

fn form(system: &System, args: &GetArgs) -> Result<Form, Error> {
    let api_version = match args.output {
        Output::ExecCredential => ApiVersion::of(system.env.get(kubernetes::VARIABLE)),
        _ => Some(ApiVersion::default()),
    };
    let api_version = api_version.ok_or_else(|| {
        Error::new(
            Code::Config,
            tr!(
                "{variable} asks for an unsupported version of ExecCredential",
                variable = kubernetes::VARIABLE
            ),
            tr!("use client.authentication.k8s.io/v1 in the kubeconfig"),
        )
    })?;
    Ok(Form { shell: args.shell, api_version })
}

/// A random line that no value contains.
fn delimiter() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::unavailable(&error.to_string()))?;
    Ok(format!("zoho_cred_{}", hex::encode(bytes)))
}

/// Gets a token: from the profile's own state, or else by the full protocol. Validity is checked again at the end,
/// because the machine may have been suspended; an expired token is replaced.
pub(super) fn token(
    session: &Session,
    system: &System,
    request: &TokenRequest,
) -> Result<TokenResponse, Error> {
    for _ in 0..MAX_ATTEMPTS {
        let response = match cached_token(session, system, request) {
            Some(response) => response,
            None => requested_token(session, system, request)?,
        };
        if response.record.valid_token(system.clock.now()).is_some() {
            return Ok(response);
        }
    }
    Err(expired_meanwhile())
}

/// The fresh cached token of the recorded credential. Reads two files and needs no lock, socket or keyring.
fn cached_token(session: &Session, system: &System, request: &TokenRequest) -> Option<TokenResponse> {
    if request.refresh {
        return None;
    }
    let (record, scopes) = session.source(system).cached()?;
    let fresh = record.freshness(system.clock.now(), request.min_ttl) == Freshness::Fresh;
    fresh.then(|| TokenResponse { warning: edited_scopes(session, &scopes), record })
}

fn requested_token(
    session: &Session,
    system: &System,
    request: &TokenRequest,
) -> Result<TokenResponse, Error> {
    let source = session.source(system);
    let mut response = session.with_ports(system, &source, |ports| Ok(get_token(ports, request)?))?;
    response.warning = response.warning.or_else(|| edited_scopes(session, &source.login_scopes()));
    Ok(response)
}

/// A warning if the scopes were edited since the login, because a refresh cannot change them.
fn edited_scopes(session: &Session, login_scopes: &[String]) -> Option<String> {
    session.profile.wants_other_scopes(login_scopes).then(|| {
        let name = &session.profile.name;
        tr!(
            "the scopes of '{name}' were edited since its login; run 'zoho-cred login {name}' to apply them",
            name
        )
    })
}
