//! The heart: a token, whether it is fresh, what Zoho's limit still allows, and the one refresh for all callers.

mod adopt;
mod cool_down;
mod gate;
pub mod ledger;
mod lifetime;
mod merge;
mod moment;
mod obtain;
mod refresh;
mod reject;
mod round;
mod token_set;

pub use adopt::adopt;
pub use ledger::{Failure, FailureKind, Ledger};
pub use lifetime::Lifetime;
pub use moment::Moment;
pub use obtain::{Ask, Obtained, obtain};
pub use refresh::{Ports, Wait, busy};
pub use reject::{Rejected, reject};
pub use token_set::{CacheRecord, Freshness, MinTtl, TokenSet};
