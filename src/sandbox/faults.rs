//! Injected faults, which can be changed while the server runs.

use crate::sandbox::Endpoint;
use crate::sandbox::reply::{Body, Language, Reply, TokenAnswer};
use crate::sandbox::wire_cases::{names, wire_case};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::str::FromStr;
use std::time::Duration;

/// A fault at one endpoint. In JSON: `{"endpoint":"token","kind":"delay","ms":300,"count":3}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Fault {
    /// The affected endpoint.
    pub endpoint: Endpoint,
    /// The number of affected requests; without it, all until the fault is cleared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// The kind.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// The kind of fault. By default the request is answered unprocessed, so no token is issued.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Delays the normal response. The token is issued at arrival. Can be combined with other faults.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// Never responds.
    Hang,
    /// Issues a token, then never responds.
    MintThenHang,
    /// Resets the connection (RST) after reading the request.
    Reset,
    /// Issues a token, then resets the connection.
    MintThenReset,
    /// Cuts the normal response in the middle of its body; the token is issued.
    Truncated,
    /// 200 with an HTML page.
    Html,
    /// Responds with a status.
    Status {
        /// The HTTP status.
        status: u16,
        /// The body, as HTML if it starts with `<` and as JSON otherwise; empty if absent.
        #[serde(default)]
        body: Option<String>,
        /// `Retry-After` in seconds.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// The response to too many requests.
    Throttle {
        /// 400, as observed, or 200, as one of Zoho's pages claims.
        #[serde(default = "throttle_status")]
        status: u16,
        /// Language of the message.
        #[serde(default)]
        language: Language,
        /// `Retry-After` in seconds, which Zoho is not known to send.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// 200 `{"error":"invalid_code"}`.
    InvalidCode,
    /// 200 `{"error":"invalid_client"}`.
    InvalidClient,
    /// An error by name.
    Error {
        /// The value of `error`.
        error: String,
        /// The HTTP status; 200 unless given.
        #[serde(default = "error_status")]
        status: u16,
    },
    /// The response format before 2019: `expires_in_sec`, and `expires_in` in ms.
    LegacyMs,
    /// The normal response with `expires_in` as a string.
    StringExpiry,
    /// The normal response without these fields, such as `expires_in`, `api_domain`, `scope`, `access_token`.
    Missing {
        /// Names of fields.
        fields: Vec<String>,
    },
    /// A recorded answer of Zoho's, by the name that it has in `docs/sandbox.md`.
    Wire {
        /// The name.
        name: String,
    },
    /// 302 to another URL.
    Redirect {
        /// The value of `Location`.
        location: String,
    },
    /// 200 with 64 MiB.
    Oversized,
    /// The normal response with an illegal byte in the token.
    Hostile {
        /// The byte.
        with: Hostile,
    },
    /// 200 with a body that is not JSON, labeled as JSON.
    NoJson,
    /// 200 with an empty body.
    Empty,
}

/// Bytes that must never reach a shell, a header or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hostile {
    /// LF, followed by a header.
    Newline,
    /// `"`.
    Quote,
    /// NUL.
    Nul,
    /// ESC, followed by a terminal sequence.
    Escape,
}

/// How the response is delivered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Delivery {
    Whole,
    Cut,
    Hang,
    Reset,
}

fn throttle_status() -> u16 {
    400
}

fn error_status() -> u16 {
    200
}

impl Fault {
    /// A fault that lasts until it is cleared.
    pub fn new(endpoint: Endpoint, kind: FaultKind) -> Self {
        Fault { endpoint, count: None, kind }
    }

    /// Limits the fault to `count` requests.
    pub fn times(self, count: u32) -> Self {
        Fault { count: Some(count), ..self }
    }
}

/// Rejects unknown keys, which a derived implementation with `flatten` would ignore.
impl TryFrom<Value> for Fault {
    type Error = String;

    fn try_from(mut value: Value) -> Result<Self, String> {
        let fields = value.as_object_mut().ok_or("a JSON object is expected")?;
        let endpoint = fields.remove("endpoint").ok_or("missing field `endpoint`")?;
        let count = fields.remove("count").unwrap_or(Value::Null);
        let read = |error: serde_json::Error| error.to_string();
        let fault = Fault {
            endpoint: serde_json::from_value(endpoint).map_err(read)?,
            count: serde_json::from_value(count).map_err(read)?,
            kind: serde_json::from_value(value).map_err(read)?,
        };
        match &fault.kind {
            FaultKind::Wire { name } if wire_case(name).is_none() => {
                Err(format!("there is no wire case '{name}', only {}", names().join(", ")))
            }
            _ => Ok(fault),
        }
    }
}

/// Reads `KIND`, `ENDPOINT:KIND`, `wire:NAME` or a JSON object. The endpoint is `token` unless another is given.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with('{') {
            return serde_json::from_str(text).map_err(|error| error.to_string());
        }
        let is_endpoint = |word: &str| serde_json::from_value::<Endpoint>(word.into()).is_ok();
        let (endpoint, kind) = match text.split_once(':') {
            Some((endpoint, kind)) if is_endpoint(endpoint) => (endpoint, kind),
            _ => ("token", text),
        };
        let fault = match kind.split_once(':') {
            Some(("wire", name)) => json!({"endpoint": endpoint, "kind": "wire", "name": name}),
            _ => json!({"endpoint": endpoint, "kind": kind}),
        };
        Fault::try_from(fault)
    }
}

impl FaultKind {
    pub(super) fn name(&self) -> String {
        let value = serde_json::to_value(self).unwrap_or_default();
        value["kind"].as_str().unwrap_or_default().to_owned()
    }

    /// The response to an unprocessed request; `None` if the request is processed.
    pub(super) fn instead(&self) -> Option<Reply> {
        let error = |status, error: &str| Some(Reply::json(status, &json!({ "error": error })));
        match self {
            FaultKind::Hang | FaultKind::Reset | FaultKind::Empty => Some(Reply::new(200, Body::Empty)),
            FaultKind::Html => Some(Reply::new(
                200,
                Body::Html(super::pages::message("Zoho Accounts", "We will be back soon.")),
            )),
            FaultKind::Status { status, body, retry_after_s } => {
                let body = match body.clone() {
                    None => Body::Empty,
                    Some(page) if page.starts_with('<') => Body::Html(page),
                    Some(text) => Body::Json(text),
                };
                Some(retry_after(Reply::new(*status, body), *retry_after_s))
            }
            FaultKind::Throttle { status, language, retry_after_s } => {
                let reply = Reply::new(*status, Body::Json(language.throttle_body().to_owned()));
                Some(retry_after(reply, *retry_after_s))
            }
            FaultKind::InvalidCode => error(200, "invalid_code"),
            FaultKind::InvalidClient => error(200, "invalid_client"),
            FaultKind::Error { error: name, status } => error(*status, name),
            FaultKind::Redirect { location } => {
                Some(Reply::new(302, Body::Empty).with("location", location.clone()))
            }
            FaultKind::Wire { name } => match wire_case(name) {
                Some(case) => Some(case.reply()),
                None => error(500, "no_such_wire_case"),
            },
            FaultKind::Oversized => Some(Reply::new(200, Body::Oversized)),
            FaultKind::NoJson => Some(Reply::new(200, Body::Json("access_token=1000.not.json".to_owned()))),
            FaultKind::Delay { .. }
            | FaultKind::MintThenHang
            | FaultKind::MintThenReset
            | FaultKind::Truncated
            | FaultKind::LegacyMs
            | FaultKind::StringExpiry
            | FaultKind::Missing { .. }
            | FaultKind::Hostile { .. } => None,
        }
    }

    pub(super) fn delivery(&self) -> Delivery {
        match self {
            FaultKind::Hang | FaultKind::MintThenHang => Delivery::Hang,
            FaultKind::Reset | FaultKind::MintThenReset => Delivery::Reset,
            FaultKind::Truncated => Delivery::Cut,
            _ => Delivery::Whole,
        }
    }

    /// Modifies the normal response.
    pub(super) fn corrupt(&self, reply: &mut Reply) {
        let Body::Grant(answer) = &mut reply.body else { return };
        match self {
            FaultKind::LegacyMs => {
                answer.expires_in_sec = answer.expires_in.as_ref().and_then(Value::as_u64);
                answer.expires_in = answer.expires_in_sec.map(|seconds| (seconds * 1000).into());
            }
            FaultKind::StringExpiry => {
                answer.expires_in = answer.expires_in.as_ref().map(|seconds| seconds.to_string().into());
            }
            FaultKind::Missing { fields } => fields.iter().for_each(|field| answer.omit(field)),
            FaultKind::Hostile { with } => {
                answer.access_token = answer.access_token.take().map(|token| token + with.bytes());
            }
            _ => {}
        }
    }
}

impl TokenAnswer {
    fn omit(&mut self, field: &str) {
        match field {
            "access_token" => self.access_token = None,
            "refresh_token" => self.refresh_token = None,
            "scope" => self.scope = None,
            "api_domain" => self.api_domain = None,
            "token_type" => self.token_type = None,
            "expires_in" => self.expires_in = None,
            _ => {}
        }
    }
}

impl Hostile {
    fn bytes(self) -> &'static str {
        match self {
            Hostile::Newline => "\nX-Forged: 1",
            Hostile::Quote => "\"; touch forged; \"",
            Hostile::Nul => "\0",
            Hostile::Escape => "\u{1b}[2J",
        }
    }
}

fn retry_after(reply: Reply, seconds: Option<u64>) -> Reply {
    match seconds {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}

#[derive(Default)]
pub(super) struct Faults {
    set: Vec<Fault>,
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        Faults { set: faults.into_iter().collect() }
    }
}

impl Faults {
    pub(super) fn set(&mut self, fault: Fault) {
        self.set.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.set.clear();
    }

    pub(super) fn active(&self) -> &[Fault] {
        &self.set
    }

    /// Takes the faults of an endpoint's next request: all delays, and the first other fault.
    pub(super) fn take(&mut self, endpoint: Endpoint) -> (Duration, Option<FaultKind>) {
        let (mut delay, mut other) = (Duration::ZERO, None);
        for fault in self.set.iter_mut().filter(|fault| fault.endpoint == endpoint) {
            match &fault.kind {
                FaultKind::Delay { ms } => delay += Duration::from_millis(*ms),
                _ if other.is_some() => continue,
                kind => other = Some(kind.clone()),
            }
            fault.count = fault.count.map(|count| count.saturating_sub(1));
        }
        self.set.retain(|fault| fault.count != Some(0));
        (delay, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_faults_end_and_the_next_one_follows() {
        let mut faults = Faults::default();
        faults.set(Fault::new(Endpoint::Token, FaultKind::Delay { ms: 5 }));
        faults.set(Fault::new(Endpoint::Token, FaultKind::Html).times(1));
        faults.set(Fault::new(Endpoint::Token, FaultKind::Empty).times(1));
        let five = Duration::from_millis(5);
        assert_eq!(faults.take(Endpoint::Crm), (Duration::ZERO, None));
        assert_eq!(faults.take(Endpoint::Token), (five, Some(FaultKind::Html)));
        assert_eq!(faults.take(Endpoint::Token), (five, Some(FaultKind::Empty)));
        assert_eq!(faults.take(Endpoint::Token), (five, None));
    }

    #[test]
    fn the_json_form_is_read_strictly_and_written_back() {
        let written = json!({"endpoint": "token", "kind": "delay", "ms": 300, "count": 3});
        let fault: Fault = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(fault, Fault::new(Endpoint::Token, FaultKind::Delay { ms: 300 }).times(3));
        assert_eq!(serde_json::to_value(&fault).unwrap(), written);
        for wrong in [
            json!({"endpoint": "token", "kind": "delay", "ms": 300, "cuont": 3}),
            json!({"endpoint": "tokens", "kind": "hang"}),
            json!({"kind": "hang"}),
            json!({"endpoint": "token", "kind": "hangs"}),
        ] {
            assert!(serde_json::from_value::<Fault>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fault_can_be_written_in_one_word() {
        let token = |kind| Fault::new(Endpoint::Token, kind);
        let wire = |name: &str| FaultKind::Wire { name: name.to_owned() };
        for (text, fault) in [
            ("html", token(FaultKind::Html)),
            ("crm:hang", Fault::new(Endpoint::Crm, FaultKind::Hang)),
            ("wire:throttle-zh", token(wire("throttle-zh"))),
            ("device_token:wire:invalid_code", Fault::new(Endpoint::DeviceToken, wire("invalid_code"))),
            (r#" {"endpoint":"token","kind":"html"}"#, token(FaultKind::Html)),
        ] {
            assert_eq!(text.parse(), Ok(fault), "{text}");
        }
        for wrong in ["", "htlm", "wire", "wire:none", "nowhere:html", "delay", "{}"] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}
