//! `get --output-file FILE` and `--watch`: a file that always holds a valid token, as long as one can be obtained.

use crate::cli::Global;
use crate::commands::Session;
use crate::commands::get::token;
use crate::error::{Code, Error};
use crate::i18n::humanize;
use crate::i18n::tr;
use crate::model::{Freshness, TokenSet};
use crate::refresh::{TokenRequest, TokenResponse};
use crate::secret::Secret;
use crate::system::{OutputFile, System};
use std::time::Duration;
use zeroize::Zeroizing;

/// How often the cache is read to notice rejected tokens and other callers' refreshes. It costs two small reads.
const LOOK: Duration = Duration::from_secs(1);
/// Pause after a failed refresh in the refresh-ahead window, when the old token is still fresh enough.
const EARLY_PAUSE: Duration = Duration::from_secs(15);
/// The shortest and longest pause after a failed refresh.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Replaces the file. A signal during the write ends the call only afterwards, so that no temporary file is left.
pub(super) fn replace(system: &System, file: &OutputFile, bytes: &[u8]) -> Result<(), Error> {
    system.signals.install();
    system.signals.hold();
    let written = file.replace(bytes);
    let released = system.signals.release();
    written.and(released)
}

/// Updates `file` until a signal arrives, or an error needs a login or other settings. `render` makes the file's
/// content.
pub(super) fn keep_fresh(
    session: &Session,
    system: &System,
    global: &Global,
    ask: &TokenRequest,
    file: &OutputFile,
    render: impl Fn(&System, &TokenResponse) -> Result<Vec<u8>, Error>,
) -> Result<u8, Error> {
    system.signals.install();
    let mut watch = Watch {
        session,
        system,
        ask,
        file,
        render,
        quiet: global.verbosity.quiet,
        kept: None,
        pause_until: Duration::ZERO,
        troubled: false,
    };
    let status = system.status_line(global.verbosity.quiet);
    loop {
        let slept = watch.look().or_else(|error| watch.tolerate(error)).and_then(|()| {
            if status.is_shown() {
                status.show(&watch.status());
                system.signals.wait(&*system.clock, LOOK)
            } else {
                system.clock.sleep(LOOK);
                system.signals.check()
            }
        });
        match slept {
            Ok(()) => {}
            Err(Error::Interrupted { signal }) => return Ok(128 + signal),
            Err(error) => return Err(error),
        }
    }
}

struct Watch<'a, R> {
    session: &'a Session,
    system: &'a System,
    ask: &'a TokenRequest,
    file: &'a OutputFile,
    render: R,
    quiet: bool,
    kept: Option<Kept>,
    /// No refresh before this time of the monotonic clock.
    pause_until: Duration,
    troubled: bool,
}

/// The contents of the file.
struct Kept {
    token: Secret,
    bytes: Zeroizing<Vec<u8>>,
    expires_at_ms: i64,
    /// When to refresh ahead, in ms since 1970.
    early_at_ms: i64,
}

impl<R: Fn(&System, &TokenResponse) -> Result<Vec<u8>, Error>> Watch<'_, R> {
    /// Restores the file if it was changed, follows the cache, and refreshes the token if it is due.
    fn look(&mut self) -> Result<(), Error> {
        if let Some(kept) = self.kept.as_ref().filter(|kept| !self.file.holds(&kept.bytes)) {
            replace(self.system, self.file, &kept.bytes)?;
            self.troubled = false;
            log::info!("the file was changed by somebody else, so it was written again");
        }
        match token(self.session, self.system, &TokenRequest { offline: true, ..*self.ask }) {
            Ok(obtained) if !self.holds(&obtained) => self.keep(&obtained),
            Ok(obtained) if !self.is_due(&obtained) => {
                self.troubled = false;
                Ok(())
            }
            Ok(_) | Err(Error::Offline) => self.renew(),
            Err(error) => Err(error),
        }
    }

    fn holds(&self, obtained: &TokenResponse) -> bool {
        let token = obtained.record.token.as_ref().map(|token| &token.access_token);
        token.is_some() && token == self.kept.as_ref().map(|kept| &kept.token)
    }

    /// Whether to refresh the token: it is stale for the reader, or its refresh-ahead time has come. That time is
    /// random, so that many machines do not refresh at once.
    fn is_due(&self, obtained: &TokenResponse) -> bool {
        let now = self.system.clock.now();
        match obtained.record.freshness(now, self.ask.min_ttl) {
            Freshness::Fresh => false,
            Freshness::Stale => true,
            Freshness::Early => self.kept.as_ref().is_none_or(|kept| now.wall_ms >= kept.early_at_ms),
        }
    }

    fn keep(&mut self, obtained: &TokenResponse) -> Result<(), Error> {
        let bytes = Zeroizing::new((self.render)(self.system, obtained)?);
        replace(self.system, self.file, &bytes)?;
        self.kept = obtained.record.token.as_ref().map(|token| Kept {
            token: token.access_token.clone(),
            bytes,
            expires_at_ms: token.expires_at_ms,
            early_at_ms: early_moment(token),
        });
        Ok(())
    }

    fn renew(&mut self) -> Result<(), Error> {
        if self.system.clock.monotonic() < self.pause_until {
            return Ok(());
        }
        match token(self.session, self.system, self.ask) {
            Ok(obtained) if self.holds(&obtained) => {
                self.pause(EARLY_PAUSE);
                if let Some(warning) = obtained.warning {
                    self.say_once(&warning);
                }
                Ok(())
            }
            Ok(obtained) => {
                self.keep(&obtained)?;
                self.troubled = false;
                Ok(())
            }
            Err(error) => {
                self.pause(error.retry_after().unwrap_or_default());
                Err(error)
            }
        }
    }

    /// Logs a retryable error and keeps the file's token. Other errors end the watch.
    fn tolerate(&mut self, error: Error) -> Result<(), Error> {
        match error.code() {
            Code::Unavailable | Code::RateLimited | Code::Busy | Code::Store => {
                self.say_once(&tr!(
                    "{problem}; the file keeps its token until that is over",
                    problem = error.message()
                ));
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn pause(&mut self, wait: Duration) {
        self.pause_until = self.system.clock.monotonic() + wait.clamp(PAUSE.0, PAUSE.1);
    }

    /// Warns once per outage.
    fn say_once(&mut self, words: &str) {
        if !self.troubled && !self.quiet {
            self.system.warn(words);
        }
        self.troubled = true;
    }

    /// The status line for a terminal.
    fn status(&self) -> String {
        let path = self.file.path().display();
        let Some(kept) = &self.kept else { return tr!("{path}: waiting for a token", path) };
        let left_ms = kept.expires_at_ms - self.system.clock.now().wall_ms;
        match u64::try_from(left_ms / 1000) {
            Ok(left) if left > 0 => {
                tr!("{path}: the token is valid for {time}", path, time = humanize(Duration::from_secs(left)))
            }
            _ => tr!("{path}: the token has expired", path),
        }
    }
}

/// A random time in the first third of the refresh-ahead window, which leaves time to retry before the token is
/// stale.
fn early_moment(token: &TokenSet) -> i64 {
    let window = token.early_ms();
    let mut byte = [0u8];
    let share = getrandom::fill(&mut byte).map_or(0, |()| i64::from(byte[0]));
    token.expires_at_ms - window + window / 3 * share / 256
}
