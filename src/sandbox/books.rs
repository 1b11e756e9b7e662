//! `/books/v3/invoices` of Books: 401 with the codes 14 and 57, and the organization in `organization_id`.
//!
//! Source: answers that public clients have seen. Code 57 stands for a dead token and for a missing scope. The text about the
//! organization is Zoho Inventory's, which has the same API; its code is inferred.

use crate::sandbox::reply::{Answer, Reply};
use crate::sandbox::request::Request;
use crate::sandbox::scope;
use crate::sandbox::state::SandboxState;
use serde_json::{Value, json};

/// The id of the organization.
pub(super) const ORGANIZATION_ID: &str = "10234695";
/// The most invoices of a page.
const LARGEST_PAGE: usize = 200;

impl SandboxState {
    pub(super) fn books(&self, now: u64, request: &Request) -> Answer {
        let Some(token) = request.api_token() else {
            return refused(401, 14, "Invalid value passed for authtoken.");
        };
        let not_authorized = || refused(401, 57, "You are not authorized to perform this operation");
        let Some(access) = self.living(now, token, &request.data_center) else { return not_authorized() };
        let full = scope::allows(&access.scopes, "ZohoBooks.fullaccess", None, "READ");
        if !full && !scope::allows(&access.scopes, "ZohoBooks.invoices", None, "READ") {
            return not_authorized();
        }
        if request.method != "GET" {
            return refused(405, 1038, "This HTTP method is not allowed.");
        }
        match request.param("organization_id") {
            Some(ORGANIZATION_ID) => {}
            Some(_) => return refused(404, 6, "This user is not associated with the CompanyID/CompanyName."),
            None => {
                return refused(
                    400,
                    9,
                    "This user belongs to multiple organizations, hence the parameter CompanyID/CompanyName is \
                     required for associating this user to a specific organization",
                );
            }
        }
        let number = |name: &str, usual: usize| match request.param(name) {
            None => Some(usual),
            Some(text) => text.parse().ok().filter(|number| *number > 0),
        };
        let (Some(page), Some(per_page)) = (number("page", 1), number("per_page", LARGEST_PAGE)) else {
            return refused(400, 2, "Invalid value passed for page or per_page");
        };
        let per_page = per_page.min(LARGEST_PAGE);
        let start = (page - 1).saturating_mul(per_page);
        let all: Vec<Value> = invoices().collect();
        let found: Vec<&Value> = all.iter().skip(start).take(per_page).collect();
        let more = start.saturating_add(found.len()) < all.len();
        let context = json!({"page": page, "per_page": per_page, "has_more_page": more});
        let body = json!({"code": 0, "message": "success", "invoices": found, "page_context": context});
        Answer::ok(&body, "invoices")
    }
}

fn invoices() -> impl Iterator<Item = Value> {
    ["Kujira K.K.", "Whale Ltd.", "Heron Inc."].into_iter().zip(1..).map(|(customer, number)| {
        json!({"invoice_id": format!("98235600000000{number}"), "invoice_number": format!("INV-00000{number}"),
            "customer_name": customer, "status": "sent", "total": 4000 + number})
    })
}

fn refused(status: u16, code: u32, message: &str) -> Answer {
    let body = json!({"code": code, "message": message});
    Answer::new(Reply::json(status, &body), format!("code_{code}"))
}
