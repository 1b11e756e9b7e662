//! Human-readable durations.

use super::tr;
use std::time::Duration;

/// Formats a duration: `3 min 12 s`, `45 s`, `1 h 5 min`.
pub(crate) fn humanize(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => tr!("{s} s", s),
        (0, m, 0) => tr!("{m} min", m),
        (0, m, s) => tr!("{m} min {s} s", m, s),
        (h, 0, _) => tr!("{h} h", h),
        (h, m, _) => tr!("{h} h {m} min", h, m),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_units_are_left_out() {
        assert_eq!(humanize(Duration::from_secs(192)), "3 min 12 s");
        assert_eq!(humanize(Duration::from_secs(3600)), "1 h");
    }
}
