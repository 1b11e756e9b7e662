//! `get --watch --reject-file FILE`: another container of a pod reports a refused token without this program.
//!
//! Whoever writes the file proves by its content that the token is known to them, so its owner does not matter.

use crate::commands::Session;
use crate::commands::reject::{parse_token, warning};
use crate::error::Error;
use crate::i18n::{causes, tr};
use crate::secret::Secret;
use crate::system::{System, files};
use std::path::PathBuf;
use std::time::Duration;

/// How long one look waits for the lock. The token is kept for the next look if that is not enough.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);

/// The file, and the token that was read from it but not rejected yet.
pub(super) struct RejectFile {
    path: PathBuf,
    pending: Option<Secret>,
    /// Whether the user was told about a useless file since the last good one.
    warned: bool,
}

impl RejectFile {
    pub(super) fn new(path: PathBuf) -> Self {
        RejectFile { path, pending: None, warned: false }
    }

    /// Rejects the token in the file, if there is one, and removes the file.
    pub(super) fn look(&mut self, session: &Session, system: &System) -> Result<(), Error> {
        if let Some(token) = self.take(system) {
            self.pending = Some(token);
        }
        let Some(token) = &self.pending else { return Ok(()) };
        let rejected = session.reject(system, token, LOCK_TIMEOUT)?;
        self.pending = None;
        if let Some(warning) = warning(rejected) {
            system.warn(&warning);
        }
        Ok(())
    }

    fn take(&mut self, system: &System) -> Option<Secret> {
        let problem = match files::take(&self.path) {
            Ok(bytes) => match bytes.map(|bytes| parse_token(&bytes)) {
                None => return None,
                Some(Some(token)) => {
                    self.warned = false;
                    return Some(token);
                }
                Some(None) => tr!("it is not a token"),
            },
            Err(error) => causes::cause(&error),
        };
        if !self.warned {
            system.warn(&tr!("{path} was ignored: {problem}", path = self.path.display(), problem));
        }
        self.warned = true;
        None
    }
}
