//! One file for each OAuth flow.

pub mod browser;
pub mod device;
pub mod paste;
pub mod refresh_token;
pub mod self_client;

use crate::error::{Code, Error};
use crate::i18n::tr;

/// The person, or Zoho's limit on codes, refused the consent.
fn denied(error: &str) -> Error {
    again(Code::LoginRequired, tr!("the consent was not given: '{error}'", error))
        .with_cause(tr!("somebody pressed Reject, or more than 10 codes were asked for in 10 minutes"))
}

/// Nobody answered the consent page in time.
fn timed_out() -> Error {
    again(Code::LoginRequired, tr!("nobody answered the consent page in time"))
}

/// A redirect that must not lead to a request.
fn untrusted(problem: String) -> Error {
    again(Code::BadInput, tr!("the redirect was not accepted: {problem}", problem))
        .with_cause(tr!("anybody can send such an address, and the client secret would go where it says"))
}

fn again(code: Code, message: String) -> Error {
    Error::new(code, message, tr!("run the same login again"))
}
