//! Any number of concurrent callers causes one token request.

use crate::harness::{Test, one_token};
use std::time::Duration;

#[test]
fn a_thousand_cold_callers_cost_one_request() {
    let test = Test::new().with_profile();
    assert_eq!(test.sandbox.token_requests(), 0, "a login that is not verified spends nothing");
    test.sandbox.set_limits(|limits| limits.latency = Duration::from_secs(1)).unwrap();
    let outcomes = test.run_many(1000, "get crm");
    one_token(&outcomes);
    assert_eq!(test.sandbox.token_requests(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.stderr.is_empty()));
}
