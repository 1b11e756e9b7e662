//! `/oauth/serverinfo` and `/oauth/user/info`.

use crate::sandbox::reply::{Answer, Reply};
use crate::sandbox::request::Request;
use crate::sandbox::scope;
use crate::sandbox::state::SandboxState;
use serde_json::{Map, Value, json};

impl SandboxState {
    /// The data centers of this server, in the format that public clients expect.
    pub(super) fn server_info(&self) -> Answer {
        let locations: Map<String, Value> =
            self.setup.data_centers.iter().map(|(name, url)| (name.clone(), json!(url))).collect();
        Answer::ok(&json!({"result": "success", "locations": locations}), "serverinfo")
    }

    /// Spends no budget, so it also tests a token: a valid one with the wrong scope is `INVALID_OAUTHSCOPE`, an
    /// invalid one `INVALID_OAUTHTOKEN`.
    pub(super) fn user_info(&self, now: u64, request: &Request) -> Answer {
        let refused =
            |cause: &str| Answer::new(Reply::json(401, &json!({"response": "error", "cause": cause})), cause);
        let Some(token) = request.api_token() else { return refused("INVALID_OAUTHTOKEN") };
        let Some(access) = self.living(now, token, &request.data_center) else {
            return refused("INVALID_OAUTHTOKEN");
        };
        if !scope::allows(&access.scopes, "AaaServer.profile", None, "READ") {
            return refused("INVALID_OAUTHSCOPE");
        }
        let user = json!({"First_Name": "Sam", "Email": "sam@sandbox.invalid", "Last_Name": "Sandbox",
            "Display_Name": "Sam Sandbox", "ZUID": 795_542_386});
        Answer::ok(&user, "user_info")
    }
}
