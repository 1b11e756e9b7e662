//! `/api/v1/tickets` of Desk: an own form of 401, and the organization in the header `orgId`.
//!
//! Sources: <https://desk.zoho.com/DeskAPIDocument> and public clients, which expect the status 403 for a
//! missing scope and for another organization.

use crate::sandbox::reply::{Answer, Body, Reply};
use crate::sandbox::request::Request;
use crate::sandbox::scope;
use crate::sandbox::state::SandboxState;
use serde_json::{Value, json};

/// The id of the organization.
pub(super) const ORG_ID: &str = "2389290";
/// The most tickets of a page.
const LARGEST_PAGE: usize = 100;

impl SandboxState {
    pub(super) fn desk(&self, now: u64, request: &Request) -> Answer {
        let Some(token) = request.api_token() else {
            return refused(401, "UNAUTHORIZED", "You are not authenticated to perform this operation.");
        };
        let Some(access) = self.living(now, token, &request.data_center) else {
            return refused(401, "INVALID_OAUTH", "The OAuth Token you provided is invalid.");
        };
        if request.method != "GET" {
            return refused(405, "METHOD_NOT_ALLOWED", "This HTTP method is not allowed for this URL.");
        }
        if !scope::allows(&access.scopes, "Desk.tickets", None, "READ") {
            return refused(
                403,
                "SCOPE_MISMATCH",
                "The OAuth Token does not have the scope of this operation.",
            );
        }
        if request.org_id.as_deref() != Some(ORG_ID) {
            return refused(403, "OAUTH_ORG_MISMATCH", "The OAuth Token is not for this organization.");
        }
        let number = |name: &str, usual: usize| match request.param(name) {
            None => Some(usual),
            Some(text) => text.parse().ok(),
        };
        // `from` counts from 1, and 0 means the same.
        let (Some(from), Some(limit @ 1..=LARGEST_PAGE)) = (number("from", 1), number("limit", 10)) else {
            return refused(422, "UNPROCESSABLE_ENTITY", "from or limit is not valid.");
        };
        let found: Vec<Value> = tickets().skip(from.saturating_sub(1)).take(limit).collect();
        if found.is_empty() {
            return Answer::new(Reply::new(204, Body::Empty), "no_content");
        }
        Answer::ok(&json!({ "data": found }), "tickets")
    }
}

fn tickets() -> impl Iterator<Item = Value> {
    let subjects = ["Printer is on fire", "Forgot the password", "Invoice is missing"];
    subjects.into_iter().zip(101..).map(|(subject, number)| {
        json!({"id": format!("{ORG_ID}000000{number}"), "ticketNumber": number.to_string(),
            "subject": subject, "status": "Open"})
    })
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::new(Reply::json(status, &json!({"errorCode": code, "message": message})), code)
}
