//! Prompts on the terminal, and secrets from files or stdin.

use crate::cli::LoginArgs;
use crate::error::{Code, Error};
use crate::i18n::{is_yes, normalize, tr};
use crate::secret::Secret;
use crate::system::stdio::has_input;
use crate::system::{System, files, password_prompt};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// The largest secret that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// How often a prompt looks for signals.
const LOOK: Duration = Duration::from_millis(100);

/// Asks until `check` accepts the answer; after another one, the reason is shown and the question repeated. At the
/// end of the input, `Code::Usage` names the flag to use.
pub(crate) fn ask<T>(
    system: &mut System,
    question: &str,
    flag: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Error> {
    loop {
        system.say_part(&format!("{question}: "));
        let Some(answer) = read_line(system)? else { return Err(no_answer(flag)) };
        match check(&answer) {
            Ok(accepted) => return Ok(accepted),
            Err(reason) => reject(system, &reason),
        }
    }
}

/// Like [`ask`], for an answer that may not be empty.
pub(crate) fn ask_required<T>(
    system: &mut System,
    question: &str,
    flag: &str,
    check: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Error> {
    ask(system, question, flag, |text| match text {
        "" => Err(tr!("nothing was entered")),
        text => check(text),
    })
}

/// Like [`ask_required`], without echo.
pub(crate) fn ask_secret(
    system: &System,
    question: &str,
    flag: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Secret, Error> {
    let answer = ask_hidden(system, question, |text| match text {
        "" => Err(tr!("nothing was entered")),
        text => check(text),
    })?;
    answer.ok_or_else(|| no_answer(flag))
}

/// Like [`ask_secret`]; an empty answer is `None`.
pub(crate) fn ask_secret_or_none(
    system: &System,
    question: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Option<Secret>, Error> {
    let answer = ask_hidden(system, question, |text| if text.is_empty() { Ok(()) } else { check(text) })?;
    Ok(answer.filter(|answer| !answer.is_empty()))
}

/// `None` at the end of the input.
fn ask_hidden(
    system: &System,
    question: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Option<Secret>, Error> {
    while let Some(answer) = read_hidden(system, question)? {
        match check(answer.expose()) {
            Ok(()) => return Ok(Some(answer)),
            Err(reason) => reject(system, &reason),
        }
    }
    Ok(None)
}

/// Asks a yes-or-no question; anything but a clear yes is a no.
pub(crate) fn confirm(system: &mut System, question: &str) -> Result<bool, Error> {
    system.say_part(&format!("{question} [y/N] "));
    Ok(read_line(system)?.is_some_and(|answer| is_yes(&answer)))
}

/// Says why an answer is not accepted.
pub(crate) fn reject(system: &System, reason: &str) {
    system.say(&tr!("zoho-cred: {reason}", reason));
}

/// Reads one line of stdin, byte by byte so that the rest stays unread. `None` at the end of the input. On a terminal, a
/// signal ends the wait and not the process, so that the caller can say how to go on.
pub(crate) fn read_line(system: &mut System) -> Result<Option<String>, Error> {
    if system.terminal.stdin {
        let signals = &system.signals;
        let waited = signals.while_checked(|| while signals.check().is_ok() && !has_input(LOOK) {});
        waited.and_then(|()| signals.check()).inspect_err(|_| system.say(""))?;
    }
    let mut answer = Vec::new();
    let mut byte = [0u8];
    while answer.len() < LIMIT as usize {
        match system.stdin.read(&mut byte) {
            Ok(1) if byte[0] == b'\n' => break,
            Ok(1) => answer.push(byte[0]),
            _ if !answer.is_empty() => break,
            _ => {
                // Ctrl-D does not end the line of the question.
                if system.terminal.stdin {
                    system.say("");
                }
                return Ok(None);
            }
        }
    }
    Ok(Some(normalize(&String::from_utf8_lossy(&answer))))
}

/// Reads one line without echo. `None` at the end of the input.
fn read_hidden(system: &System, question: &str) -> Result<Option<Secret>, Error> {
    let prompt = system.question(&tr!("{question} (not shown): ", question));
    let answer = password_prompt::prompt(&system.signals, || rpassword::prompt_password(prompt));
    // On Unix, rpassword has ended the line.
    system.signals.check().inspect_err(|_| {
        if cfg!(windows) {
            system.say("")
        }
    })?;
    match answer {
        Ok(answer) => Ok(Some(Secret::new(normalize(&answer)))),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            system.say("");
            Ok(None)
        }
        Err(error) => Err(bad_answer(tr!("could not read {question}: {error}", question, error))),
    }
}

/// The end of the input instead of an answer, as Ctrl-D sends it.
fn no_answer(flag: &str) -> Error {
    wrong(tr!("nothing was entered; use {flag} to skip the prompt", flag))
}

/// A usage error of `login`.
pub(crate) fn wrong(problem: String) -> Error {
    Error::usage(problem, "zoho-cred login")
}

/// The authorization code, if it needs no question.
pub(crate) fn given_code(system: &mut System, args: &LoginArgs) -> Result<Option<Secret>, Error> {
    given_secret(system, args.code_file.as_deref(), || {
        tr!("the code is missing: use --code-file, or write it to stdin")
    })
}

/// A secret from its file, or from stdin where that is not a terminal. `None` means that a person can be asked. An empty
/// stdin is a usage error with the text of `missing`.
pub(crate) fn given_secret(
    system: &mut System,
    file: Option<&Path>,
    missing: impl FnOnce() -> String,
) -> Result<Option<Secret>, Error> {
    match file {
        Some(path) => read_secret_file(system, path).map(Some),
        None if system.terminal.stdin => Ok(None),
        None => read_secret_file(system, Path::new("-")).map(Some).map_err(|_| wrong(missing())),
    }
}

/// Reads a secret from a file; `-` is stdin.
pub(crate) fn read_secret_file(system: &mut System, path: &Path) -> Result<Secret, Error> {
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        let stdin = &mut system.stdin;
        let read = stdin.take(LIMIT).read_to_string(&mut text);
        read.map_err(|error| bad_answer(tr!("could not read stdin: {error}", error)))?;
        text
    } else {
        files::read_text(path, files::SMALL)?
    };
    let secret = Secret::from_text(text.trim());
    match secret.is_empty() {
        true if path.as_os_str() == "-" => Err(bad_answer(tr!("stdin is empty"))),
        true => Err(bad_answer(tr!("{path} contains no secret", path = path.display()))),
        false => Ok(secret),
    }
}

/// The error of a login that was given something else than it needs.
pub(crate) fn bad_answer(problem: String) -> Error {
    Error::new(Code::BadInput, problem, tr!("run the same login again"))
}
