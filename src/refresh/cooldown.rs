//! How long no request is sent after a throttled one.

use crate::model::Timestamp;
use crate::system::HttpAnswer;
use std::time::Duration;

/// The cooldown after an answer without `Retry-After`.
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(600);
/// The bounds of a `Retry-After`, in seconds.
const BOUNDS: (u64, u64) = (30, 1800);

/// When the cooldown begins, and its length: ten minutes from the request that was sent at `sent`, or the answer's
/// `Retry-After` within bounds, which counts from `now`, when the answer arrived (RFC 9110, section 10.2.3).
pub(crate) fn cool_down(answer: &HttpAnswer, sent: &Timestamp, now: &Timestamp) -> (Timestamp, Duration) {
    let asked_for = answer.retry_after.as_deref().and_then(|text| seconds(text.trim(), answer, now));
    match asked_for {
        Some(seconds) => (now.clone(), Duration::from_secs(seconds.clamp(BOUNDS.0, BOUNDS.1))),
        None => (sent.clone(), COOL_DOWN),
    }
}

/// Parses seconds or a date. A date is by the server's clock, so it is compared with the
/// answer's `Date`.
fn seconds(text: &str, answer: &HttpAnswer, now: &Timestamp) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(text.parse().unwrap_or(u64::MAX));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_second());
    let then = answer.date.as_deref().and_then(date).unwrap_or(now.wall_ms / 1000);
    Some(u64::try_from(date(text)?.saturating_sub(then)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(retry_after: &str, date: Option<&str>) -> u64 {
        let answer = HttpAnswer {
            status: 429,
            retry_after: Some(retry_after.into()),
            date: date.map(Into::into),
            body: Vec::new(),
        };
        // Tue, 14 Nov 2023 22:13:20 GMT
        let now = Timestamp { wall_ms: 1_700_000_000_000, boot_ms: 5_000, boot_id: "b".into() };
        cool_down(&answer, &now, &now).1.as_secs()
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_within_bounds() {
        for (text, seconds) in [
            ("120", 120),
            (" 120 ", 120),
            ("29", 30),
            ("1801", 1800),
            ("99999999999999999999999", 1800),
            ("Tue, 14 Nov 2023 22:16:40 GMT", 200),
            ("Tue, 14 Nov 2023 22:10:00 GMT", 30),
            ("Fri, 17 Nov 2023 22:10:00 GMT", 1800),
        ] {
            assert_eq!(of(text, None), seconds, "{text}");
        }
        for text in ["", "soon", "-5", "1.5", "1e3", "+60", "Tue, 99 Nov 2023 22:13:20 GMT"] {
            assert_eq!(of(text, None), 600, "{text}");
        }
        let until = "Tue, 14 Nov 2023 22:16:40 GMT";
        assert_eq!(of(until, Some("Tue, 14 Nov 2023 22:15:00 GMT")), 100, "by the server's own clock");
        assert_eq!(of(until, Some("not a date")), 200);
    }
}
