//! Lease, generation and ledger of machines that share a store: the real record, machines that crash, pause and lose
//! Redis in virtual time, and a check that the real scripts match the record.

mod machine;
mod schedule;
mod scripts;
mod zoho;
