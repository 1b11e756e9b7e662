//! The lease, the generation and the ledger of a fleet: a model of Redis, machines that crash, pause and lose it under
//! a virtual clock, and the proof that the real scripts do what the model does.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "tests are outside")]
#![expect(clippy::print_stderr, reason = "a skipped test says so loudly")]

mod machine;
mod model;
mod rng;
mod schedule;
mod scripts;
mod zoho;
