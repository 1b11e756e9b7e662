//! `/crm/v8/…`: Leads, Contacts and the organization, enough to test a token.

use crate::sandbox::random::Random;
use crate::sandbox::reply::{Answer, Body, Reply};
use crate::sandbox::request::Request;
use crate::sandbox::scope;
use crate::sandbox::state::SandboxState;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The most records of a page.
const LARGEST_PAGE: usize = 200;
/// The last record that can be reached without a page token.
const WITHOUT_TOKEN: usize = 2000;

/// The modules, each with a record or two.
pub(super) fn first_records(random: &mut Random) -> BTreeMap<String, Vec<Value>> {
    let mut person = |last: &str, first: &str, company: &str| {
        let email = format!("{}@example.com", last.to_ascii_lowercase());
        json!({"id": random.digits(18), "Last_Name": last, "First_Name": first, "Company": company,
            "Email": email})
    };
    let leads = vec![person("Yamada", "Hanako", "Kujira K.K."), person("Miller", "Ruth", "Whale Ltd.")];
    let contacts = vec![person("Okafor", "Ada", "Heron Inc.")];
    BTreeMap::from([("Leads".to_owned(), leads), ("Contacts".to_owned(), contacts)])
}

impl SandboxState {
    pub(super) fn crm(&mut self, now: u64, request: &Request) -> Answer {
        let Some(token) = request.api_token() else {
            return refused(401, "AUTHENTICATION_FAILURE", "Authentication failed");
        };
        let Some(access) = self.living(now, token, &request.data_center) else {
            return refused(401, "INVALID_TOKEN", "invalid oauth token");
        };
        let operation = match request.method.as_str() {
            "GET" => "READ",
            "POST" => "CREATE",
            _ => {
                return refused(
                    405,
                    "INVALID_REQUEST_METHOD",
                    "The http request method type is not a valid one",
                );
            }
        };
        let path = request.path.trim_start_matches("/crm/v8/").to_owned();
        let (module, id) =
            path.split_once('/').map_or((path.as_str(), None), |(module, id)| (module, Some(id)));
        let allowed = match module {
            "org" => scope::allows(&access.scopes, "ZohoCRM.org", None, operation),
            _ => scope::allows(&access.scopes, "ZohoCRM.modules", Some(module), operation),
        };
        if !allowed {
            let message = "invalid oauth scope to access this URL";
            return refused(401, "OAUTH_SCOPE_MISMATCH", message);
        }
        match (operation, module) {
            ("READ", "org") => organization(),
            ("READ", module) => self.read(module, id, request),
            (_, module) => self.create(now, module, &request.body),
        }
    }

    /// One record, which needs no `fields`, or a page of them.
    fn read(&self, module: &str, id: Option<&str>, request: &Request) -> Answer {
        let Some(records) = self.records.get(module) else { return no_such_module() };
        let Some(id) = id else { return list(module, records, request) };
        match records.iter().find(|record| record["id"] == id) {
            Some(record) => Answer::ok(&json!({ "data": [record] }), "records"),
            None => no_content(),
        }
    }

    /// Expects `{"data":[{…},…]}`. If one record has no `Last_Name`, none is stored.
    fn create(&mut self, now: u64, module: &str, body: &[u8]) -> Answer {
        let Some(records) = self.records.get_mut(module) else { return no_such_module() };
        let sent: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(new) = sent["data"].as_array().filter(|new| !new.is_empty()) else {
            return refused(400, "INVALID_DATA", "invalid data");
        };
        if new.iter().any(|record| record["Last_Name"].as_str().is_none_or(str::is_empty)) {
            let failure = json!({"code": "MANDATORY_NOT_FOUND", "details": {"api_name": "Last_Name"},
                "message": "required field not found", "status": "error"});
            return Answer::new(Reply::json(400, &json!({"data": [failure]})), "MANDATORY_NOT_FOUND");
        }
        let time = super::clock::iso(now);
        let user = json!({"name": "Sam Sandbox", "id": "795542386"});
        let mut results = Vec::new();
        for record in new {
            let id = self.random.digits(18);
            let mut record = record.clone();
            record["id"] = json!(id);
            records.push(record);
            let details = json!({"id": id, "Created_Time": time, "Modified_Time": time,
                "Created_By": user, "Modified_By": user});
            results.push(json!({"code": "SUCCESS", "details": details, "message": "record added",
                "status": "success"}));
        }
        Answer::new(Reply::json(201, &json!({"data": results})), "created")
    }
}

/// A page of records with the `fields` that were asked for, which version 5 and later require.
fn list(module: &str, records: &[Value], request: &Request) -> Answer {
    let Some(fields) = request.param("fields") else {
        return wrong("REQUIRED_PARAM_MISSING", "fields", "One of the expected parameter is missing");
    };
    let number = |name: &str, usual: usize, most: usize| match request.param(name) {
        None => Some(usual),
        Some(text) => text.parse().ok().filter(|number| (1..=most).contains(number)),
    };
    let Some(per_page) = number("per_page", LARGEST_PAGE, LARGEST_PAGE) else {
        return wrong("INVALID_DATA", "per_page", "invalid data");
    };
    let Some(page) = number("page", 1, usize::MAX) else {
        return wrong("INVALID_DATA", "page", "invalid data");
    };
    let start = match (request.param("page"), request.param("page_token")) {
        (Some(_), Some(_)) => {
            return wrong(
                "AMBIGUITY_DURING_PROCESSING",
                "page_token",
                "Ambiguity while processing the request",
            );
        }
        (_, None) if page.saturating_mul(per_page) > WITHOUT_TOKEN => {
            let message = "You can get only the first 2000 records without using page_token param.";
            return wrong("DISCRETE_PAGINATION_LIMIT_EXCEEDED", "page", message);
        }
        (_, None) => (page - 1) * per_page,
        (None, Some(token)) => match position(module, token) {
            Some(start) => start,
            None => return wrong("INVALID_DATA", "page_token", "invalid data"),
        },
    };
    let chosen = |record: &Value| -> Value {
        let wanted = ["id"].into_iter().chain(fields.split(',').map(str::trim));
        wanted.map(|field| (field.to_owned(), record[field].clone())).collect::<Map<_, _>>().into()
    };
    let found: Vec<Value> = records.iter().skip(start).take(per_page).map(chosen).collect();
    if found.is_empty() {
        return no_content();
    }
    let end = start + found.len();
    let more = end < records.len();
    let token = |start: usize, is_there: bool| is_there.then(|| page_token(module, start));
    let info = json!({"per_page": per_page, "count": found.len(), "page": start / per_page + 1,
        "more_records": more, "next_page_token": token(end, more),
        "previous_page_token": token(start.saturating_sub(per_page), start > 0),
        "sort_by": "id", "sort_order": "desc"});
    Answer::ok(&json!({"data": found, "info": info}), "records")
}

/// A page token is the module and the number of the first record. Zoho's are opaque.
fn page_token(module: &str, start: usize) -> String {
    hex::encode(format!("{module}:{start}"))
}

fn position(module: &str, token: &str) -> Option<usize> {
    let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
    text.strip_prefix(module)?.strip_prefix(':')?.parse().ok()
}

fn no_content() -> Answer {
    Answer::new(Reply::new(204, Body::Empty), "no_content")
}

/// An error about one parameter.
fn wrong(code: &str, parameter: &str, message: &str) -> Answer {
    let details = json!({ "param_name": parameter });
    let body = json!({"code": code, "details": details, "message": message, "status": "error"});
    Answer::new(Reply::json(400, &body), code)
}

fn organization() -> Answer {
    let organization = json!({"id": "600000434", "company_name": "Sandbox K.K.", "country_code": "JP",
        "time_zone": "Asia/Tokyo", "currency": "Japanese Yen - JPY", "type": "sandbox"});
    Answer::ok(&json!({"org": [organization]}), "organization")
}

fn no_such_module() -> Answer {
    refused(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one")
}

/// An error of the CRM. `INVALID_TOKEN` and `OAUTH_SCOPE_MISMATCH` are both 401.
fn refused(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"code": code, "details": {}, "message": message, "status": "error"});
    Answer::new(Reply::json(status, &body), code)
}
