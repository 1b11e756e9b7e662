//! Zoho's device flow, which differs from RFC 8628: `device_request` and `device_token`, `code`, times in
//! milliseconds, `expired`, `other_dc`.

use crate::i18n::tr;
use crate::sandbox::authorize::offline;
use crate::sandbox::limits::ms;
use crate::sandbox::reply::Answer;
use crate::sandbox::request::Request;
use crate::sandbox::state::SandboxState;
use crate::sandbox::{pages, scope};
use serde_json::json;

/// A device's request and the user's decision.
pub(super) struct DeviceRequest {
    device_code: String,
    user_code: String,
    client_id: String,
    scopes: Vec<String>,
    gives_refresh_token: bool,
    verdict: Verdict,
    /// ms since the epoch.
    expires_at: u64,
    last_poll: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Pending,
    Accepted,
    Rejected,
}

impl SandboxState {
    /// `/oauth/v3/device/code`.
    pub(super) fn device_code(&mut self, now: u64, request: &Request) -> Answer {
        match request.posted_grant_type() {
            Err(malformed) => return Answer::malformed(malformed),
            Ok("device_request") => {}
            Ok(_) => return Answer::error("invalid_code"),
        }
        // Requesting a code needs no secret; fetching the token does.
        let client = match self.identify(request, "device_request") {
            Ok(client) => client,
            Err(error) => return Answer::error(error),
        };
        let Some(scopes) = scope::parse(request.param("scope")) else {
            return Answer::error("invalid_scope");
        };
        let offline = offline(request).unwrap_or(false);
        let (device_code, user_code) = (self.random.token(), self.random.letters(8));
        let page = format!("{}/oauth/v3/device", self.url_of(&request.data_center).unwrap_or_default());
        let answer = json!({
            "user_code": user_code,
            "device_code": device_code,
            "verification_url": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "interval": 5000,
            "expires_in": ms(self.limits.device_life),
        });
        self.devices.push(DeviceRequest {
            device_code,
            user_code,
            scopes,
            gives_refresh_token: self.gives_refresh_token(&client.client_id, offline, request),
            client_id: client.client_id,
            verdict: Verdict::Pending,
            expires_at: now + ms(self.limits.device_life),
            last_poll: None,
        });
        Answer::ok(&answer, "device_code_issued")
    }

    /// `/oauth/v3/device/token`.
    pub(super) fn device_token(&mut self, now: u64, request: &Request) -> Answer {
        match request.posted_grant_type() {
            Err(malformed) => return Answer::malformed(malformed),
            Ok("device_token") => {}
            Ok(_) => return Answer::error("invalid_code"),
        }
        let client = match self.authenticate(request, "device_token") {
            Ok(client) => client,
            Err(error) => return Answer::error(error),
        };
        let code = request.param("code").unwrap_or_default();
        let is_it = |asked: &DeviceRequest| asked.device_code == code && asked.client_id == client.client_id;
        let Some(index) = self.devices.iter().position(is_it) else { return Answer::error("invalid_code") };
        let location = self.user_location(&request.data_center);
        let floor = ms(self.limits.device_poll_floor);
        let asked = &mut self.devices[index];
        if now >= asked.expires_at {
            return Answer::error("expired");
        }
        let too_soon = asked.last_poll.replace(now).is_some_and(|last| now < last + floor);
        if too_soon {
            return Answer::error("slow_down");
        }
        match asked.verdict {
            Verdict::Pending => Answer::error("authorization_pending"),
            Verdict::Rejected => Answer::error("access_denied"),
            Verdict::Accepted if location != request.data_center => {
                // The interval starts anew at the other data center.
                asked.last_poll = None;
                Answer::ok(&json!({"user_location": location, "error": "other_dc"}), "other_dc")
            }
            Verdict::Accepted => {
                let asked = self.devices.swap_remove(index);
                self.first_token(now, &client, asked.scopes, location, asked.gives_refresh_token)
            }
        }
    }

    /// `/oauth/v3/device`: the page on which the user enters the code and decides.
    pub(super) fn device_page(&mut self, now: u64, request: &Request) -> Answer {
        let Some(typed) = request.param("user_code") else {
            return Answer::html(200, pages::device_entry(None), "device_page");
        };
        let typed = typed.trim().to_ascii_uppercase();
        let open = |asked: &&mut DeviceRequest| {
            asked.user_code == typed && asked.verdict == Verdict::Pending && now < asked.expires_at
        };
        let Some(asked) = self.devices.iter_mut().find(open) else {
            return Answer::html(200, pages::device_entry(Some(&tr!("Invalid code"))), "invalid_user_code");
        };
        let decision = request.param("decision").filter(|_| request.method == "POST");
        match decision {
            None => {
                let page = pages::device_consent(&asked.client_id, &asked.scopes, &asked.user_code);
                Answer::html(200, page, "device_page")
            }
            Some("accept") => {
                asked.verdict = Verdict::Accepted;
                self.consented.insert(asked.client_id.clone(), asked.scopes.clone());
                Answer::html(
                    200,
                    pages::message(&tr!("Connected"), &tr!("You can go back to your device.")),
                    "accepted",
                )
            }
            Some(_) => {
                asked.verdict = Verdict::Rejected;
                Answer::html(
                    200,
                    pages::message(&tr!("Access denied"), &tr!("The device was not connected.")),
                    "rejected",
                )
            }
        }
    }
}
