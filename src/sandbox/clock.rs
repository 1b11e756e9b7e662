//! The sandbox's clock: the system time plus an offset.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

#[derive(Default)]
pub(super) struct Clock {
    moved_ms: AtomicI64,
}

impl Clock {
    /// ms since the epoch.
    #[expect(clippy::disallowed_methods, reason = "the one place where the sandbox reads the time")]
    pub(super) fn now(&self) -> u64 {
        let real = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let real = u64::try_from(real).unwrap_or(0);
        real.saturating_add_signed(self.moved_ms.load(Ordering::Relaxed))
    }

    /// Advances the time; a negative value sets it back.
    pub(super) fn advance(&self, ms: i64) {
        self.moved_ms.fetch_add(ms, Ordering::Relaxed);
    }

    pub(super) fn reset(&self) {
        self.moved_ms.store(0, Ordering::Relaxed);
    }
}

fn timestamp(ms: u64) -> jiff::Timestamp {
    i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default()
}

/// The `Date` header (RFC 9110, 5.6.7), so that clients see the sandbox's clock.
pub(super) fn http_date(now: u64) -> Option<String> {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp(now)).ok()
}

/// For example `2030-01-01T00:00:00Z`.
pub(super) fn iso(now: u64) -> String {
    timestamp(now / 1000 * 1000).to_string()
}
