//! One file for each OAuth flow.

pub(crate) mod browser;
pub(crate) mod device;
pub(crate) mod paste;
mod redirect;
pub(crate) mod refresh_token;
pub(crate) mod self_client;

use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::login::exchange::try_without_pkce;

/// Consent was denied by the user, or by Zoho's limit on codes.
fn denied(error: &str) -> Error {
    let denied = again(Code::LoginRequired, tr!("consent was denied: '{error}'", error));
    if error == "access_denied" {
        denied.with_cause(tr!("Reject was clicked, or more than 10 codes were requested in 10 minutes"))
    } else {
        denied.with_hint(try_without_pkce())
    }
}

/// Nobody answered the consent page in time.
fn timed_out() -> Error {
    again(Code::LoginRequired, tr!("the login timed out"))
}

/// A redirect that must not lead to a request.
fn untrusted(problem: String) -> Error {
    again(Code::BadInput, tr!("rejected the redirect: {problem}", problem)).with_cause(tr!(
        "anyone can send such a URL, and the client secret would be sent to the server it names"
    ))
}

fn again(code: Code, message: String) -> Error {
    Error::new(code, message, tr!("run the same login again"))
}
