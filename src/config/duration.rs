//! Durations such as `45s`, `10m`, `1h30m`, or a number of seconds.

use crate::i18n::tr;
use std::time::Duration;

/// Parses a duration. The error is a message with examples.
pub fn parse(text: &str) -> Result<Duration, String> {
    let malformed = || tr!("'{text}' is not a duration; write 45s, 10m, 1h30m or seconds", text);
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map(Duration::from_secs).map_err(|_| malformed());
    }
    let (mut total, mut number, mut last_unit) = (0u64, None::<u64>, u64::MAX);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            let n = number.unwrap_or(0).checked_mul(10).and_then(|n| n.checked_add(digit.into()));
            number = Some(n.ok_or_else(malformed)?);
            continue;
        }
        let unit = match c {
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return Err(malformed()),
        };
        if unit >= last_unit {
            return Err(malformed());
        }
        last_unit = unit;
        let part = number.take().and_then(|n| n.checked_mul(unit)).ok_or_else(malformed)?;
        total = total.checked_add(part).ok_or_else(malformed)?;
    }
    match number {
        None if last_unit != u64::MAX => Ok(Duration::from_secs(total)),
        _ => Err(malformed()),
    }
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
        assert_eq!(seconds("0"), Ok(0));
        for bad in ["", "m", "1x", "1m1h", "1h30", "-1", "1.5m", "99999999999999999999", "5 m"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
