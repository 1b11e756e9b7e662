//! Lease, generation and ledger of machines that share a store: a model of Redis, machines that crash, pause and lose
//! Redis in virtual time, and a check that the real scripts match the model.

mod machine;
mod model;
mod schedule;
mod scripts;
mod zoho;
