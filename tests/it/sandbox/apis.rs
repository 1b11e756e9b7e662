//! The APIs of the sandbox: lists, pages, organizations, and how each product words its errors.

use super::caller::{Answered, Caller, answered};
use serde_json::{Value, json};
use zoho_cred::sandbox::Options;

/// A caller whose token has these scopes, and the token.
fn with(scope: &str) -> (Caller, String) {
    let caller = Caller::with(Options { scopes: vec![scope.to_owned()], ..Options::default() });
    let token = caller.token();
    (caller, token)
}

fn desk(caller: &Caller, query: &str, token: &str, org: Option<&str>) -> Answered {
    let request = caller.http.get(caller.url(&format!("/api/v1/tickets{query}")));
    let request = caller.with_token(request, token);
    answered(org.into_iter().fold(request, |request, org| request.header("orgId", org)).send().unwrap())
}

#[test]
fn crm_lists_only_the_fields_that_were_asked_for() {
    let (caller, token) = with("ZohoCRM.modules.ALL");
    let get = |query: &str| caller.get(&format!("/crm/v8/Leads{query}"), &token);
    let (status, body) = get("?fields=Last_Name, Company");
    let keys = |record: &Value| record.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((status, keys(&body["data"][0]).len()), (200, 3), "{body}");
    for (query, code, parameter) in [
        ("", "REQUIRED_PARAM_MISSING", "fields"),
        ("?fields=Email&per_page=201", "INVALID_DATA", "per_page"),
        ("?fields=Email&page=0", "INVALID_DATA", "page"),
        ("?fields=Email&page_token=zz", "INVALID_DATA", "page_token"),
        ("?fields=Email&page=1&page_token=4c", "AMBIGUITY_DURING_PROCESSING", "page_token"),
        ("?fields=Email&page=11", "DISCRETE_PAGINATION_LIMIT_EXCEEDED", "page"),
    ] {
        let (status, body) = get(query);
        assert_eq!((status, &body["code"]), (400, &json!(code)), "{query}");
        assert_eq!(body["details"]["param_name"], parameter, "{query}");
    }
}

#[test]
fn crm_is_paged_by_number_and_by_token() {
    let (caller, token) = with("ZohoCRM.modules.ALL");
    let records: Vec<Value> = (1..=5).map(|n| json!({"Last_Name": format!("No. {n}")})).collect();
    let post = caller.with_token(caller.http.post(caller.url("/crm/v8/Contacts")), &token);
    assert_eq!(post.json(&json!({ "data": records })).send().unwrap().status(), 201);
    let get =
        |query: &str| caller.get(&format!("/crm/v8/Contacts?fields=Last_Name&per_page=2{query}"), &token).1;
    let (mut names, mut token) = (Vec::new(), None::<String>);
    for page in 1..=3 {
        let body = get(&token.map(|token| format!("&page_token={token}")).unwrap_or_default());
        assert_eq!(body["data"], get(&format!("&page={page}"))["data"]);
        assert_eq!((&body["info"]["page"], &body["info"]["more_records"]), (&json!(page), &json!(page < 3)));
        names.extend(body["data"].as_array().unwrap().iter().map(|record| record["Last_Name"].to_string()));
        token = body["info"]["next_page_token"].as_str().map(str::to_owned);
    }
    assert_eq!((names.len(), token), (6, None), "{names:?}");
    assert_eq!(get("&page=4"), json!(""), "204 without a body");
}

#[test]
fn desk_wants_its_organization_in_a_header() {
    let (caller, token) = with("Desk.tickets.READ");
    let error = |answer: Answered| (answer.0, answer.1["errorCode"].as_str().unwrap_or_default().to_owned());
    let org = Some("2389290");
    let (status, body) = desk(&caller, "?from=2&limit=2", &token, org);
    assert_eq!((status, body["data"].as_array().unwrap().len()), (200, 2));
    assert_eq!(desk(&caller, "?from=4", &token, org).0, 204);
    assert_eq!(error(desk(&caller, "?limit=101", &token, org)).0, 422);
    for org in [None, Some("1")] {
        assert_eq!(error(desk(&caller, "", &token, org)), (403, "OAUTH_ORG_MISMATCH".into()));
    }
    assert_eq!(error(desk(&caller, "", "1000.x.y", org)), (401, "INVALID_OAUTH".into()));
    let (other, crm) = with("ZohoCRM.modules.ALL");
    assert_eq!(error(desk(&other, "", &crm, org)), (403, "SCOPE_MISMATCH".into()));
    assert_eq!(caller.http.get(caller.url("/api/v1/tickets")).send().unwrap().status(), 401);
}

#[test]
fn books_has_one_code_for_a_dead_token_and_a_missing_scope() {
    let (caller, token) = with("ZohoBooks.fullaccess.all");
    let get = |query: &str, token: &str| {
        let (status, body) = caller.get(&format!("/books/v3/invoices{query}"), token);
        (status, body["code"].as_u64().unwrap(), body)
    };
    let org = "?organization_id=10234695";
    let (status, code, body) = get(&format!("{org}&per_page=2&page=2"), &token);
    assert_eq!((status, code, body["invoices"].as_array().unwrap().len()), (200, 0, 1));
    assert_eq!(body["page_context"], json!({"page": 2, "per_page": 2, "has_more_page": false}));
    assert_eq!(get(org, "1000.x.y").1, 57);
    assert_eq!((get("", &token).0, get("", &token).1), (400, 9));
    assert_eq!((get("?organization_id=1", &token).0, get("?organization_id=1", &token).1), (404, 6));
    let (other, crm) = with("ZohoCRM.modules.ALL");
    let (status, body) = other.get(&format!("/books/v3/invoices{org}"), &crm);
    assert_eq!((status, &body["code"]), (401, &json!(57)));
    let (status, body) = answered(caller.http.get(caller.url("/books/v3/invoices")).send().unwrap());
    assert_eq!((status, &body["code"]), (401, &json!(14)));
}

#[test]
fn the_root_is_a_page_that_says_what_is_there() {
    let caller = Caller::new();
    let page = caller.http.get(caller.server.url()).send().unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().unwrap();
    let paths = "/oauth/v2/token /crm/v8/Leads /api/v1/tickets /books/v3/invoices /sandbox/log";
    for there in paths.split(' ').chain([caller.server.client_id()]) {
        assert!(page.contains(there), "{there}");
    }
    assert!(!page.contains(caller.server.client_secret()) && !page.contains(caller.server.refresh_token()));
}
