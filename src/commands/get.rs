//! `get`: prints an access token.

use crate::cli::{GetArgs, Global};
use crate::commands::reject_file::RejectFile;
use crate::commands::token::token;
use crate::commands::watch::WatchedFiles;
use crate::commands::{Session, watch};
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::output::{ApiVersion, Form, Output, View, ci, kubernetes, render};
use crate::refresh::{TokenRequest, TokenResponse};
use crate::system::{OutputFile, System, files, random};
use std::path::PathBuf;
use std::time::Duration;

/// How long a call may last after it has printed.
const PUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Prints a token in the requested format, or writes it where that format belongs.
pub(crate) fn run(system: &mut System, global: &Global, args: &GetArgs) -> Result<u8, Error> {
    system.terminal.quiet |= args.output.is_silent();
    let form = form(system, args)?;
    let destination = destination(system, args)?;
    let mut session = Session::open(system, global, args.profile.as_deref())?;
    let min_ttl = args.token.min_ttl.map_or(args.output.min_ttl(), |ttl| args.output.explicit_min_ttl(ttl));
    let request = TokenRequest {
        min_ttl,
        timeout: args.token.timeout,
        wait: args.token.wait,
        refresh: args.refresh,
        offline: args.offline,
    };
    let bytes = |session: &Session, system: &System, response: &TokenResponse| -> Result<Vec<u8>, Error> {
        Ok(render(args.output, &view(session, system, args, response)?, &form))
    };
    if let (true, Destination::File(file)) = (args.watch, &destination) {
        let watched = watched(args, file)?;
        return watch::keep_fresh(session, system, global, &request, watched, bytes);
    }
    let response = token(&mut session, system, &request)?;
    if let Some(token) = &response.record.token {
        log::info!("the token has {} s left", token.left_ms(system.clock.now()) / 1000);
    }
    if let Some(warning) = &response.warning {
        system.warn(warning);
    }
    let bytes = bytes(&session, system, &response)?;
    match destination {
        Destination::Stdout => system.print(&bytes)?,
        Destination::File(file) => watch::replace(system, &file, &bytes)?,
        Destination::GithubFile(path) => {
            // No value contains a random word.
            let delimiter = format!("zoho_cred_{}", random::word()?);
            let variables = ci::github_env(&view(&session, system, args, &response)?, &delimiter);
            // Test the file first, so that a failure leaves stdout empty.
            files::append(&path, b"")?;
            system.print(&bytes)?;
            files::append(&path, variables.as_bytes())?;
        }
    }
    if response.record.unpushed {
        push(&session, system);
    }
    Ok(0)
}

/// What is printed of `response`.
fn view<'a>(
    session: &'a Session,
    system: &System,
    args: &GetArgs,
    response: &'a TokenResponse,
) -> Result<View<'a>, Error> {
    let scheme = args.scheme.unwrap_or(session.profile.scheme);
    View::of(&session.profile, scheme, &response.record, system.clock.now())
}

/// Shares a token that did not reach the shared store earlier. The caller has its token, so a failure is no error.
fn push(session: &Session, system: &System) {
    if let Err(error) = session.sync(system, PUSH_TIMEOUT) {
        log::info!("the token is shared later: {}", error.message());
    }
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

/// The files of `--watch`, which must differ.
fn watched<'a>(args: &GetArgs, file: &'a OutputFile) -> Result<WatchedFiles<'a>, Error> {
    let named = [&args.output_file, &args.health_file, &args.reject_file].into_iter().flatten();
    let mut paths: Vec<_> = named.map(|path| files::canonical(path)).collect();
    let count = paths.len();
    paths.sort();
    paths.dedup();
    if paths.len() < count {
        return Err(Error::usage(
            tr!("--output-file, --health-file and --reject-file must be different files"),
            "zoho-cred get",
        ));
    }
    let health = args.health_file.as_ref().map(|path| OutputFile::new(path, args.mode)).transpose()?;
    Ok(WatchedFiles { token: file, health, reject: args.reject_file.clone().map(RejectFile::new) })
}

fn form(system: &System, args: &GetArgs) -> Result<Form, Error> {
    if args.shell.is_some() && args.output != Output::Env {
        return Err(Error::usage(tr!("--shell is for '-o env'"), "zoho-cred get"));
    }
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
    Ok(Form { shell: args.shell.unwrap_or_default(), api_version })
}
