//! `/crm/v8/…`: Leads, Contacts and the organization, enough to test a token.

use crate::sandbox::random::Random;
use crate::sandbox::reply::{Answer, Reply};
use crate::sandbox::request::Request;
use crate::sandbox::scope;
use crate::sandbox::state::SandboxState;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
            ("READ", module) => self.read(module, id),
            (_, module) => self.create(now, module, &request.body),
        }
    }

    fn read(&self, module: &str, id: Option<&str>) -> Answer {
        let Some(records) = self.records.get(module) else { return no_such_module() };
        let wanted = |record: &&Value| id.is_none_or(|id| record["id"] == id);
        let found: Vec<&Value> = records.iter().filter(wanted).collect();
        if found.is_empty() {
            return Answer::new(Reply::new(204, super::reply::Body::Empty), "no_content");
        }
        let info = json!({"per_page": 200, "count": found.len(), "page": 1, "more_records": false});
        Answer::ok(&json!({"data": found, "info": info}), "records")
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
