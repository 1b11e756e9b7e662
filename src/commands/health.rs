//! `health`: tells a probe whether `get --watch --health-file` is at work. Images may have no shell to do it.

use crate::error::Error;
use crate::i18n::{humanize, tr};
use crate::system::{System, files};
use std::path::Path;
use std::time::Duration;

/// Longer than any look of `--watch` takes.
const MAX_AGE: Duration = Duration::from_secs(60);

/// `Code::Store` if the file cannot be read, `Code::Unavailable` if it is too old.
pub(crate) fn run(system: &System, file: &Path) -> Result<u8, Error> {
    let text = files::read_text(file, files::SMALL)?;
    let path = file.display();
    let Ok(written) = text.trim().parse::<jiff::Timestamp>() else {
        return Err(
            Error::unavailable(&tr!("{path} was not written by --health-file", path)).with_hint(hint())
        );
    };
    let age_ms = system.clock.now().wall_ms.saturating_sub(written.as_millisecond());
    let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or_default());
    if age > MAX_AGE {
        let problem = tr!("{path} was written {age} ago", path, age = humanize(age));
        return Err(Error::unavailable(&problem).with_hint(hint()));
    }
    Ok(0)
}

fn hint() -> String {
    tr!("read what 'get --watch', which writes it, says on stderr")
}
