//! x

/// Zoho Accounts in miniature, with its real limits, for tests and for the demo.
#[cfg(feature = "sandbox")]
pub mod sandbox;
