//! Secrets printed by another program: `secret_command = ["op", "read", …]`.

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Secrets;
use crate::secret::Secret;
use crate::system::{Signals, process};
use serde::Deserialize;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Printed {
    client_secret: Secret,
    refresh_token: Option<Secret>,
}

/// Runs the command and reads `{"client_secret":"…","refresh_token":"…"}` from its stdout, within 10 s and `left`. If
/// `watched`, its stderr goes to the terminal, where a user may have to answer it. Otherwise stderr is discarded,
/// because it could put a secret into a log.
/// A signal kills the command and its children before it ends the call.
pub fn secrets(
    command: &[String],
    left: Duration,
    watched: bool,
    signals: &Signals,
) -> Result<Secrets, Error> {
    let program = command.first().map_or("", String::as_str);
    let failed = |problem: String| {
        let what = tr!("secret_command '{program}'", program);
        let hint = tr!("run it by hand and see what it prints");
        Error::new(Code::Store, tr!("could not run {what}", what), hint).with_cause(problem)
    };
    let printed = signals
        .while_checked(|| process::output(command, TIMEOUT.min(left), watched, signals))?
        .map_err(failed)?;
    let printed: Printed = serde_json::from_slice(&printed)
        .map_err(|_| failed(tr!("it did not print {\"client_secret\":\"…\",\"refresh_token\":\"…\"}")))?;
    let text = |secret: Secret| Some(Secret::from_text(secret.expose())).filter(|secret| !secret.is_empty());
    Ok(Secrets {
        client_secret: text(printed.client_secret)
            .ok_or_else(|| failed(tr!("its client_secret is empty")))?,
        refresh_token: printed.refresh_token.and_then(text),
    })
}
