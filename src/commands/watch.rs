//! `get --output-file FILE`, and `--watch`: a file that always holds a token that lives, as long as one can be had.

use super::Session;
use super::get::token;
use crate::cli::Global;
use crate::error::{Code, Error};
use crate::secret::Secret;
use crate::system::{OutFile, System};
use crate::token::{Ask, Freshness, Obtained, TokenSet};
use crate::words::t;
use std::time::Duration;

/// How often the cache is looked at, so that a reject or another caller's refresh is followed. It costs two small
/// reads.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait after an attempt in the early window that brought nothing, as the old token is still good.
const EARLY_PAUSE: Duration = Duration::from_secs(15);
/// The bounds of the wait after an attempt that failed.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Replaces the file by `bytes`; a signal that comes meanwhile ends the call afterwards, so that it leaves no litter.
pub(super) fn replace(system: &System, file: &OutFile, bytes: &[u8]) -> Result<(), Error> {
    system.signals.install();
    system.signals.hold();
    let written = file.replace(bytes);
    let released = system.signals.release();
    written.and(released)
}

/// Keeps `file` fresh until a signal, or until somebody has to log in or mend the settings. What `render` makes of a
/// token is its content.
pub(super) fn keep_fresh(
    session: &Session,
    system: &System,
    global: &Global,
    ask: &Ask,
    file: &OutFile,
    render: impl Fn(&System, &Obtained) -> Result<Vec<u8>, Error>,
) -> Result<u8, Error> {
    system.signals.install();
    let mut watch = Watch {
        system,
        quiet: global.loudness.quiet,
        kept: None,
        pause_until: Duration::ZERO,
        troubled: false,
    };
    let offline = Ask { offline: true, ..*ask };
    loop {
        system.signals.check()?;
        match token(session, system, &offline) {
            Ok(obtained) if !watch.holds(&obtained) => watch.keep(&obtained, file, &render)?,
            Ok(obtained) if !watch.is_due(&obtained, ask) => {}
            Ok(_) | Err(Error::Offline) => watch.renew(session, ask, file, &render)?,
            Err(error) => watch.bear(error)?,
        }
        system.clock.sleep(LOOK);
    }
}

struct Watch<'a> {
    system: &'a System,
    quiet: bool,
    kept: Option<Kept>,
    /// No attempt before this time of the monotonic clock.
    pause_until: Duration,
    troubled: bool,
}

/// What the file holds.
struct Kept {
    token: Secret,
    /// When to renew it early, in ms since 1970.
    early_at_ms: i64,
}

impl Watch<'_> {
    fn holds(&self, obtained: &Obtained) -> bool {
        let token = obtained.record.token.as_ref().map(|token| &token.access_token);
        token.is_some() && token == self.kept.as_ref().map(|kept| &kept.token)
    }

    /// Whether the token in the file is to be renewed: it is stale for its reader, or its own moment in the early
    /// window has come. The moments of a fleet differ, so that they do not all ask at once.
    fn is_due(&self, obtained: &Obtained, ask: &Ask) -> bool {
        let now = self.system.clock.now();
        match obtained.record.freshness(now, ask.min_ttl) {
            Freshness::Fresh => false,
            Freshness::Stale => true,
            Freshness::Early => self.kept.as_ref().is_none_or(|kept| now.wall_ms >= kept.early_at_ms),
        }
    }

    fn keep(
        &mut self,
        obtained: &Obtained,
        file: &OutFile,
        render: &impl Fn(&System, &Obtained) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        replace(self.system, file, &render(self.system, obtained)?)?;
        self.kept = obtained
            .record
            .token
            .as_ref()
            .map(|token| Kept { token: token.access_token.clone(), early_at_ms: early_moment(token) });
        Ok(())
    }

    fn renew(
        &mut self,
        session: &Session,
        ask: &Ask,
        file: &OutFile,
        render: &impl Fn(&System, &Obtained) -> Result<Vec<u8>, Error>,
    ) -> Result<(), Error> {
        if self.system.clock.monotonic() < self.pause_until {
            return Ok(());
        }
        match token(session, self.system, ask) {
            Ok(obtained) if self.holds(&obtained) => {
                self.pause(EARLY_PAUSE);
                if let Some(warning) = obtained.warning {
                    self.say_once(&warning);
                }
                Ok(())
            }
            Ok(obtained) => {
                self.troubled = false;
                self.keep(&obtained, file, render)
            }
            Err(error) => self.bear(error),
        }
    }

    /// An error that time may heal is borne, and the file keeps what it holds; any other ends the watch.
    fn bear(&mut self, error: Error) -> Result<(), Error> {
        if !matches!(error.code(), Code::Unavailable | Code::RateLimited | Code::Busy) {
            return Err(error);
        }
        self.pause(error.retry_after().unwrap_or_default());
        self.say_once(&t!(
            "no new token could be had ({why}); the file stays as it is",
            why = error.message()
        ));
        Ok(())
    }

    fn pause(&mut self, wait: Duration) {
        self.pause_until = self.system.clock.monotonic() + wait.clamp(PAUSE.0, PAUSE.1);
    }

    /// One warning an outage, not one a second.
    fn say_once(&mut self, words: &str) {
        if !self.troubled && !self.quiet {
            self.system.warn(words);
        }
        self.troubled = true;
    }
}

/// A random moment in the first third of the early window: it is well before the token is stale for its readers, and
/// there is time left to try again.
fn early_moment(token: &TokenSet) -> i64 {
    let window = token.early_ms();
    let mut byte = [0u8];
    let share = getrandom::fill(&mut byte).map_or(0, |()| i64::from(byte[0]));
    token.expires_at_ms - window + window / 3 * share / 256
}
