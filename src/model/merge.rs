//! Merges the ledgers of this machine and of the shared store into one that is as strict as both.

use crate::model::{Entry, Ledger, Timestamp};

/// Two entries without ids count as one request if they were sent less than this apart. In ms. Times differ slightly
/// after conversion between clocks.
const SAME_MS: i64 = 1_000;

impl Ledger {
    /// Applies `convert` to every time in the ledger.
    pub fn with_times(&self, convert: impl Fn(&Timestamp) -> Timestamp) -> Ledger {
        let mut ledger = self.clone();
        for entry in &mut ledger.requests {
            entry.sent = convert(&entry.sent);
            entry.answered = entry.answered.as_ref().map(&convert);
        }
        ledger.rejects = ledger.rejects.iter().map(&convert).collect();
        if let Some(cool_down) = &mut ledger.cool_down {
            cool_down.since = convert(&cool_down.since);
        }
        if let Some(failure) = &mut ledger.failure {
            failure.at = convert(&failure.at);
        }
        ledger.early_failed = ledger.early_failed.as_ref().map(&convert);
        ledger
    }

    /// Redates all future times to `now` by the boot clock, as left by a clock that was ahead or is behind. `None` if
    /// there are none. Otherwise they would never age, and a cooldown would last until they have passed.
    pub(crate) fn without_future(&self, now: &Timestamp) -> Option<Ledger> {
        let dated = self.with_times(|at| if at.is_future(now) { at.redated(now) } else { at.clone() });
        (dated != *self).then_some(dated)
    }

    /// All requests and rejects of both, the longer cooldown, and the later failures. The `failures` count is that of
    /// `self`.
    pub fn stricter(&self, other: &Ledger, now: &Timestamp) -> Ledger {
        let later = |ours: &Option<Timestamp>, theirs: &Option<Timestamp>| {
            ours.iter().chain(theirs).min_by_key(|at| at.age_ms(now)).cloned()
        };
        let cool_downs = [&self.cool_down, &other.cool_down].into_iter().flatten();
        let mut ledger = Ledger {
            requests: union(
                &self.requests,
                &other.requests,
                now,
                |entry| (&entry.id, &entry.sent),
                |ours, theirs| one_entry(ours, theirs, now),
            ),
            rejects: union(&self.rejects, &other.rejects, now, |at| ("", at), |_, theirs| theirs.clone()),
            cool_down: cool_downs.max_by_key(|it| it.length_ms.saturating_sub(it.since.age_ms(now))).cloned(),
            failure: [&self.failure, &other.failure]
                .into_iter()
                .flatten()
                .min_by_key(|failure| failure.at.age_ms(now))
                .cloned(),
            failures: self.failures,
            early_failed: later(&self.early_failed, &other.early_failed),
        };
        ledger.drop_oldest();
        ledger
    }
}

/// Merges two lists, oldest first. Items in both appear once. They are matched by id if both have one, otherwise by
/// time.
fn union<T: Clone>(
    ours: &[T],
    theirs: &[T],
    now: &Timestamp,
    key: impl Fn(&T) -> (&str, &Timestamp),
    one: impl Fn(&T, &T) -> T,
) -> Vec<T> {
    let mut left = ours.to_vec();
    let mut all = Vec::new();
    for theirs in theirs {
        let apart = |ours: &T| match (key(ours), key(theirs)) {
            ((ours, _), (theirs, _)) if !ours.is_empty() && !theirs.is_empty() => {
                if ours == theirs {
                    0
                } else {
                    SAME_MS
                }
            }
            ((_, ours), (_, theirs)) => (ours.age_ms(now) - theirs.age_ms(now)).abs(),
        };
        let nearest =
            (0..left.len()).min_by_key(|at| apart(&left[*at])).filter(|at| apart(&left[*at]) < SAME_MS);
        all.push(match nearest {
            Some(at) => one(&left.remove(at), theirs),
            None => theirs.clone(),
        });
    }
    all.append(&mut left);
    all.sort_by_key(|item| -key(item).1.age_ms(now));
    all
}

/// Merges two records of one request. It counts from the later time. If the times differ by less than [`SAME_MS`],
/// theirs is kept, so that no entry moves with every merge.
fn one_entry(ours: &Entry, theirs: &Entry, now: &Timestamp) -> Entry {
    let later = |ours: &Timestamp, theirs: &Timestamp| {
        if theirs.age_ms(now) - ours.age_ms(now) >= SAME_MS { ours.clone() } else { theirs.clone() }
    };
    let answered = match (&ours.answered, &theirs.answered) {
        (Some(ours), Some(theirs)) => Some(later(ours, theirs)),
        (ours, theirs) => ours.clone().or_else(|| theirs.clone()),
    };
    Entry {
        id: if theirs.id.is_empty() { ours.id.clone() } else { theirs.id.clone() },
        sent: later(&ours.sent, &theirs.sent),
        answered,
        granted: ours.granted || theirs.granted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Budget;
    use std::time::Duration;

    fn at(ms: i64) -> Timestamp {
        Timestamp { wall_ms: ms, boot_ms: ms, boot_id: "b".into() }
    }

    /// Requests without ids, as an older version wrote them.
    fn asked(times: &[i64]) -> Ledger {
        let mut ledger = Ledger::default();
        for time in times {
            ledger.reserve(&at(*time), &Budget::default());
            ledger.answered(&at(*time), true);
        }
        without_ids(ledger)
    }

    fn without_ids(mut ledger: Ledger) -> Ledger {
        ledger.requests.iter_mut().for_each(|entry| entry.id.clear());
        ledger
    }

    /// Both ways to merge two ledgers must give the requests `expected`.
    #[track_caller]
    fn merged(ours: &Ledger, theirs: &Ledger, expected: &Ledger) {
        for both in [ours.stricter(theirs, &at(9_000)), theirs.stricter(ours, &at(9_000))] {
            assert_eq!(both.requests, expected.requests);
        }
    }

    #[test]
    fn entries_with_ids_are_told_by_them() {
        let (mut ours, mut theirs) = (Ledger::default(), Ledger::default());
        ours.reserve(&at(0), &Budget::default());
        theirs.reserve(&at(0), &Budget::default());
        assert_eq!(ours.stricter(&theirs, &at(9_000)).requests.len(), 2, "two machines at the same moment");
        let traveled = ours.with_times(|at| at.clone().later(5_000));
        let both = ours.stricter(&traveled, &at(9_000));
        assert_eq!(both.requests.len(), 1, "one that came back by another clock");
        merged(&ours, &without_ids(ours.clone()), &ours);
    }

    #[test]
    fn one_request_counts_from_its_later_time_and_with_the_answer_that_one_ledger_has() {
        let mut sent = Ledger::default();
        sent.reserve(&at(0), &Budget::default());
        let mut redated = sent.clone();
        redated.unanswered(&at(8_000));
        merged(&sent, &redated, &redated);
        let (waiting, answered) = (without_ids(sent), asked(&[0]));
        merged(&waiting, &answered, &answered);
        merged(&waiting, &waiting, &waiting);
    }

    #[test]
    fn entries_without_ids_are_one_request_if_they_are_less_than_a_second_apart() {
        let (ours, theirs) = (asked(&[0, 5_000, 60_000]), asked(&[200, 60_100, 90_000, 90_100]));
        let both = ours.stricter(&theirs, &at(100_000));
        let sent: Vec<i64> = both.requests.iter().map(|entry| entry.sent.wall_ms).collect();
        assert_eq!(sent, [200, 5_000, 60_100, 90_000, 90_100]);
        let both = asked(&[0, 10]).stricter(&asked(&[0, 10, 20]), &at(1_000));
        assert_eq!(both.requests.len(), 3, "each entry is matched once");
        for (theirs, requests) in [(5_999, 1), (6_000, 2), (4_001, 1), (4_000, 2)] {
            let both = asked(&[5_000]).stricter(&asked(&[theirs]), &at(10_000));
            assert_eq!(both.requests.len(), requests, "{theirs}");
        }
    }

    #[test]
    fn future_times_count_as_now_and_age_from_there() {
        let of =
            |s: i64, boot: &str| Timestamp { wall_ms: s * 1000, boot_ms: s * 1000, boot_id: boot.into() };
        let mut ledger = asked(&[]);
        ledger.reserve(&of(86_400, "before"), &Budget::default());
        ledger.cool_down(&of(86_400, "before"), Duration::from_secs(600), &of(86_400, "before"));
        let now = of(1_000, "since");
        assert_eq!(ledger.cool_down_left(&of(1_600, "since")), Some(Duration::from_secs(600)), "for ever");
        let ledger = ledger.without_future(&now).unwrap();
        assert_eq!(ledger.cool_down_left(&now), Some(Duration::from_secs(600)));
        assert_eq!(ledger.cool_down_left(&of(1_600, "since")), None);
        assert_eq!(ledger.used(&of(1_000 + 626, "since"), &Budget::default()), 0);
        assert_eq!(ledger.without_future(&now), None);
    }

    #[test]
    fn rejects_of_both_the_later_failures_and_the_longer_cooldown_count() {
        use crate::model::FailureKind::{Refused, Transient};
        let window = Duration::from_secs(600);
        let (mut ours, mut theirs) = (Ledger::default(), Ledger::default());
        ours.rejected(&at(0), window);
        theirs.rejected(&at(100), window);
        theirs.rejected(&at(9_000), window);
        ours.failed(Transient, "down", "", &at(1_000));
        theirs.failed(Refused, "invalid_code", "", &at(2_000));
        theirs.failed(Refused, "invalid_code", "", &at(2_000));
        ours.early_failed = Some(at(4_000));
        theirs.early_failed = Some(at(3_000));
        ours.cool_down(&at(0), Duration::from_secs(30), &at(0));
        theirs.cool_down(&at(0), Duration::from_secs(600), &at(0));
        let both = ours.stricter(&theirs, &at(10_000));
        assert_eq!(both.rejects, [at(100), at(9_000)]);
        assert_eq!(both.failure, theirs.failure);
        assert_eq!(both.early_failed, ours.early_failed);
        assert_eq!(both.failures, ours.failures);
        assert_eq!(
            (&both.cool_down, theirs.stricter(&ours, &at(10_000)).cool_down),
            (&theirs.cool_down, theirs.cool_down.clone())
        );
    }

    #[test]
    fn every_time_is_converted() {
        let mut ledger = asked(&[1_000]);
        ledger.rejected(&at(2_000), Duration::from_secs(600));
        ledger.cool_down(&at(3_000), Duration::from_secs(30), &at(3_000));
        ledger.failed(crate::model::FailureKind::Transient, "down", "", &at(4_000));
        ledger.early_failed = Some(at(5_000));
        let later = ledger.with_times(|moment| moment.clone().later(70_000));
        let entry = &later.requests[0];
        assert_eq!((&entry.sent, &entry.answered), (&at(71_000), &Some(at(71_000))));
        assert_eq!(later.rejects, [at(72_000)]);
        assert_eq!(later.cool_down.as_ref().unwrap().since, at(73_000));
        assert_eq!(later.failure.as_ref().unwrap().at, at(74_000));
        assert_eq!(later.early_failed, Some(at(75_000)));
    }
}
