//! `get --output-file FILE` and `--watch`: a file that always holds a valid token, as long as one can be had.

use crate::cli::Global;
use crate::commands::Session;
use crate::commands::reject_file::RejectFile;
use crate::commands::token::token;
use crate::error::{Code, Error};
use crate::i18n::{humanize, tr};
use crate::model::{Freshness, TokenSet};
use crate::output::rfc3339;
use crate::refresh::{TokenRequest, TokenResponse};
use crate::secret::Secret;
use crate::system::{OutputFile, System};
use std::time::Duration;
use zeroize::Zeroizing;

/// How often the cache is read to notice rejected tokens and other callers' refreshes. It costs two small reads.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often a shared store is asked for tokens that other machines rejected or refreshed.
const SYNC_INTERVAL: Duration = Duration::from_secs(10);
/// The limit of one look at the shared store.
const SYNC_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after a failed refresh in the refresh-ahead window, when the old token is still fresh enough.
const EARLY_PAUSE: Duration = Duration::from_secs(15);
/// The shortest and longest pause after a failed refresh.
const PAUSE_RANGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Replaces the file. A signal during the write ends the call only afterwards, so that no temporary file is left.
pub(super) fn replace(system: &System, file: &OutputFile, bytes: &[u8]) -> Result<(), Error> {
    system.signals.install();
    system.signals.hold();
    let written = file.replace(bytes);
    let released = system.signals.release();
    written.and(released)
}

/// The files of a watch.
pub(super) struct WatchedFiles<'a> {
    pub(super) token: &'a OutputFile,
    /// Replaced at every look that leaves a valid token in the token file.
    pub(super) health: Option<OutputFile>,
    pub(super) reject: Option<RejectFile>,
}

/// Updates the token file until a signal arrives, or an error needs a login or other settings. `render` makes its
/// content.
pub(super) fn keep_fresh(
    session: Session,
    system: &System,
    global: &Global,
    request: &TokenRequest,
    files: WatchedFiles<'_>,
    render: impl Fn(&Session, &System, &TokenResponse) -> Result<Vec<u8>, Error>,
) -> Result<u8, Error> {
    system.signals.install();
    let mut watch = Watch {
        session,
        system,
        global,
        request,
        files,
        render,
        current: None,
        pause_until: Duration::ZERO,
        sync_at: Duration::ZERO,
        warned: false,
    };
    let status = system.status_line();
    loop {
        let slept = watch.look().or_else(|error| watch.tolerate(error)).and_then(|()| {
            if status.is_shown() {
                status.show(&watch.status());
                system.signals.wait(&*system.clock, CHECK_INTERVAL)
            } else {
                system.clock.sleep(CHECK_INTERVAL);
                system.signals.check()
            }
        });
        match slept {
            Ok(()) => {}
            Err(error) if matches!(error.code(), Code::Interrupted(_)) => {
                return Ok(error.code().exit_code());
            }
            Err(error) => return Err(error),
        }
    }
}

struct Watch<'a, R> {
    session: Session,
    system: &'a System,
    global: &'a Global,
    request: &'a TokenRequest,
    files: WatchedFiles<'a>,
    render: R,
    current: Option<Written>,
    /// No refresh before this time of the monotonic clock.
    pause_until: Duration,
    /// When the shared store is asked again.
    sync_at: Duration,
    warned: bool,
}

/// The contents of the file.
struct Written {
    token: Secret,
    bytes: Zeroizing<Vec<u8>>,
    expires_at_ms: i64,
    /// When to refresh ahead, in ms since 1970.
    early_at_ms: i64,
}

impl<R: Fn(&Session, &System, &TokenResponse) -> Result<Vec<u8>, Error>> Watch<'_, R> {
    /// Handles a rejected token, updates the token file, and records that it has a valid token.
    fn look(&mut self) -> Result<(), Error> {
        let rejected = match &mut self.files.reject {
            Some(file) => file.look(&self.session, self.system),
            None => Ok(()),
        };
        let valid = self.check()?;
        if let Some(health) = self.files.health.as_ref().filter(|_| valid) {
            let now = rfc3339(self.system.clock.now().wall_ms.div_euclid(1000)) + "\n";
            replace(self.system, health, now.as_bytes())?;
        }
        rejected
    }

    /// Restores the file if it was changed, follows the cache, and refreshes the token if it is due. Returns whether
    /// the file's token is valid.
    fn check(&mut self) -> Result<bool, Error> {
        if let Some(current) = self.current.as_ref().filter(|current| !self.files.token.holds(&current.bytes))
        {
            replace(self.system, self.files.token, &current.bytes)?;
            self.warned = false;
            log::info!("the file was changed by somebody else, so it was written again");
        }
        self.sync();
        match token(&mut self.session, self.system, &TokenRequest { offline: true, ..*self.request }) {
            Ok(response) if !self.holds(&response) => self.write(&response).map(|()| true),
            Ok(response) if !self.is_due(&response) => {
                self.warned = false;
                Ok(true)
            }
            Ok(_) => self.refresh().map(|_| true),
            // The cache has no token that is valid long enough.
            Err(error) if error.code() == Code::Unavailable => self.refresh(),
            Err(error) => Err(error),
        }
    }

    /// Brings the cache up to date with the shared store. If that fails, the cache serves as it is.
    fn sync(&mut self) {
        let now = self.system.clock.monotonic();
        if now < self.sync_at {
            return;
        }
        if self.current.is_some()
            && let Err(error) = self.session.sync(self.system, SYNC_TIMEOUT)
        {
            log::info!("the shared store was not asked: {}", error.message());
        }
        self.sync_at = self.system.clock.monotonic() + SYNC_INTERVAL;
    }

    fn holds(&self, response: &TokenResponse) -> bool {
        let token = response.record.token.as_ref().map(|token| &token.access_token);
        token.is_some() && token == self.current.as_ref().map(|current| &current.token)
    }

    /// Whether to refresh the token: it is stale for the reader, or its refresh-ahead time has come. That time is
    /// random, so that many machines do not refresh at once.
    fn is_due(&self, response: &TokenResponse) -> bool {
        let now = self.system.clock.now();
        match response.record.freshness(now, self.request.min_ttl) {
            Freshness::Fresh => false,
            Freshness::Stale => true,
            Freshness::Early => {
                self.current.as_ref().is_none_or(|current| now.wall_ms >= current.early_at_ms)
            }
        }
    }

    fn write(&mut self, response: &TokenResponse) -> Result<(), Error> {
        let bytes = Zeroizing::new((self.render)(&self.session, self.system, response)?);
        replace(self.system, self.files.token, &bytes)?;
        self.current = response.record.token.as_ref().map(|token| Written {
            token: token.access_token.clone(),
            bytes,
            expires_at_ms: token.expires_at_ms,
            early_at_ms: refresh_ahead_at(token),
        });
        Ok(())
    }

    /// Returns whether a token was obtained. During a pause after a failure, none is requested.
    fn refresh(&mut self) -> Result<bool, Error> {
        if self.system.clock.monotonic() < self.pause_until {
            return Ok(false);
        }
        match token(&mut self.session, self.system, self.request) {
            Ok(response) if self.holds(&response) => {
                self.pause(EARLY_PAUSE);
                if let Some(warning) = response.warning {
                    self.warn_once(&warning);
                }
                Ok(true)
            }
            Ok(response) => {
                self.write(&response)?;
                self.warned = false;
                Ok(true)
            }
            Err(error) => {
                self.pause(error.retry_after().unwrap_or_default());
                Err(error)
            }
        }
    }

    /// Logs a retryable error and keeps the file's token. Other errors end the watch.
    fn tolerate(&mut self, error: Error) -> Result<(), Error> {
        // A login may have changed the profile's settings.
        let name = self.session.profile.name.as_str();
        if error.code() == Code::Busy
            && let Ok(session) = Session::open(self.system, self.global, Some(name))
        {
            self.session = session;
        }
        match error.code() {
            Code::Unavailable | Code::RateLimited | Code::Busy | Code::Store => {
                self.warn_once(&tr!(
                    "{problem}; the file keeps its token meanwhile",
                    problem = error.message()
                ));
                Ok(())
            }
            _ => Err(error),
        }
    }

    fn pause(&mut self, wait: Duration) {
        self.pause_until = self.system.clock.monotonic() + wait.clamp(PAUSE_RANGE.0, PAUSE_RANGE.1);
    }

    /// Warns once per outage.
    fn warn_once(&mut self, warning: &str) {
        if !self.warned {
            self.system.warn(warning);
        }
        self.warned = true;
    }

    /// The status line for a terminal.
    fn status(&self) -> String {
        let path = self.files.token.path().display();
        let Some(current) = &self.current else { return tr!("{path}: waiting for a token", path) };
        let left_ms = current.expires_at_ms - self.system.clock.now().wall_ms;
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
fn refresh_ahead_at(token: &TokenSet) -> i64 {
    let window = token.early_ms();
    let mut byte = [0u8];
    let share = getrandom::fill(&mut byte).map_or(0, |()| i64::from(byte[0]));
    token.expires_at_ms - window + window / 3 * share / 256
}
