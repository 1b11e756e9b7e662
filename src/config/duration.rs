//! Durations such as `45s`, `10m`, `1h30m`, or a number of seconds.

use crate::i18n::tr;
use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

/// Parses a duration. The error is a message with examples.
pub fn parse(text: &str) -> Result<Duration, String> {
    let malformed = || tr!("'{text}' is not a duration; write 45s, 10m, 1h30m or seconds", text);
    // jiff accepts many other spellings.
    let units = |c: char| c.is_ascii_digit() || "dhms".contains(c);
    if !text.chars().all(units) || text.contains("ms") {
        return Err(malformed());
    }
    let seconds = text.parse().ok().or_else(|| seconds(text)).ok_or_else(malformed)?;
    Ok(Duration::from_secs(seconds))
}

fn seconds(text: &str) -> Option<u64> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.as_secs().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_add_up_from_large_to_small() {
        let seconds = |text| parse(text).map(|d| d.as_secs());
        assert_eq!(seconds("45"), Ok(45));
        assert_eq!(seconds("45s"), Ok(45));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(seconds("1d12h"), Ok(129_600));
        assert_eq!(seconds("0"), Ok(0));
        let without_blanks = "m 1x 1m1h 1m1m 1h30 -1 +1 1.5m 5ms PT5M 99999999999999999999";
        for bad in ["", "5 m"].into_iter().chain(without_blanks.split(' ')) {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
