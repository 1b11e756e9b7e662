//! Prompts on the terminal, and secrets from files or stdin.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::secret::Secret;
use crate::system::{System, files, password_prompt};
use std::io::Read;
use std::path::Path;

/// The largest secret that is read, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Prompts for a setting. Without a terminal, `Code::Usage` names the flag to use.
pub fn ask(system: &mut System, question: &str, flag: &str) -> Result<String, Error> {
    require_terminal(system, flag)?;
    system.say_part(&format!("{question}: "));
    let answer = read_line(system);
    if answer.is_empty() { Err(no_answer(flag)) } else { Ok(answer) }
}

/// Prompts for an optional setting. `None` without a terminal.
pub(crate) fn ask_or_none(system: &mut System, question: &str) -> Option<String> {
    if !system.terminal.stdin {
        return None;
    }
    system.say_part(&format!("{question}: "));
    Some(read_line(system)).filter(|answer| !answer.is_empty())
}

/// Reads one line of stdin, byte by byte so that the rest stays unread.
fn read_line(system: &mut System) -> String {
    let mut answer = Vec::new();
    let mut byte = [0u8];
    while answer.len() < LIMIT as usize {
        match system.stdin.read(&mut byte) {
            Ok(1) if byte[0] != b'\n' => answer.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&answer).trim().to_owned()
}

/// Asks a yes-or-no question; anything but a clear yes is a no.
pub(crate) fn confirm(system: &mut System, question: &str) -> bool {
    system.say_part(&format!("{question} [y/N] "));
    matches!(read_line(system).to_ascii_lowercase().as_str(), "y" | "yes")
}

/// Prompts for a secret without echo.
pub(crate) fn ask_secret(system: &mut System, question: &str, flag: &str) -> Result<Secret, Error> {
    require_terminal(system, flag)?;
    ask_secret_or_none(system, question)?.ok_or_else(|| no_answer(flag))
}

/// Prompts for an optional secret without echo.
pub(crate) fn ask_secret_or_none(system: &System, question: &str) -> Result<Option<Secret>, Error> {
    let prompt = tr!("{question} (not shown): ", question);
    let answer = password_prompt::prompt(&system.signals, || rpassword::prompt_password(prompt));
    system.signals.check()?;
    let answer =
        answer.map_err(|error| bad_answer(tr!("could not read {question}: {error}", question, error)))?;
    let secret = Secret::new(answer.trim());
    Ok(Some(secret).filter(|secret| !secret.is_empty()))
}

fn require_terminal(system: &System, flag: &str) -> Result<(), Error> {
    if system.terminal.stdin {
        Ok(())
    } else {
        Err(wrong(tr!("{flag} is missing, and there is no terminal for a prompt", flag)))
    }
}

fn no_answer(flag: &str) -> Error {
    wrong(tr!("nothing was entered; use {flag} to skip the prompt", flag))
}

/// A usage error of `login`.
pub(crate) fn wrong(problem: String) -> Error {
    Error::usage(problem, "zoho-cred login")
}

/// Reads the authorization code from its file, a prompt, or stdin. An empty stdin counts as no code.
pub fn read_code(
    system: &mut System,
    file: Option<&Path>,
    ask: impl FnOnce(&mut System) -> Result<Secret, Error>,
) -> Result<Secret, Error> {
    match file {
        Some(path) => read_secret_file(system, path),
        None if system.terminal.stdin => ask(system),
        None => read_secret_file(system, Path::new("-"))
            .map_err(|_| wrong(tr!("the code is missing: use --code-file, or write it to stdin"))),
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

/// The error of a login that was given something else than it asked for.
pub(crate) fn bad_answer(problem: String) -> Error {
    Error::new(Code::BadInput, problem, tr!("run the same login again"))
}
