//! Responses, with Zoho's exact texts.

use crate::sandbox::pages;
use serde::Serialize;
use sha2::{Digest, Sha256};

#[derive(Clone)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

#[derive(Clone)]
pub(super) enum Body {
    /// Structured, so that a fault can modify single fields.
    Grant(Box<TokenAnswer>),
    Json(String),
    Html(String),
    Empty,
    /// 64 MiB.
    Oversized,
}

/// A granted token, with keys in the order of recorded responses (bk-rs/oauth2-rs).
#[derive(Clone, Serialize)]
pub(super) struct TokenAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Legacy responses only, in seconds; `expires_in` is then in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in_sec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<serde_json::Value>,
}

impl Reply {
    pub(super) fn new(status: u16, body: Body) -> Self {
        Reply { status, headers: Vec::new(), body }
    }

    pub(super) fn json(status: u16, value: &serde_json::Value) -> Self {
        Reply::new(status, Body::Json(value.to_string()))
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A reply and its log data.
pub(super) struct Answer {
    pub reply: Reply,
    pub outcome: String,
    pub minted: bool,
    pub refresh_token_fp: Option<String>,
    pub token_fp: Option<String>,
}

impl Answer {
    pub(super) fn new(reply: Reply, outcome: impl Into<String>) -> Self {
        Answer { reply, outcome: outcome.into(), minted: false, refresh_token_fp: None, token_fp: None }
    }

    /// Zoho's usual error: 200 and `{"error":"…"}`.
    pub(super) fn error(error: &str) -> Self {
        Answer::error_with(200, error)
    }

    pub(super) fn error_with(status: u16, error: &str) -> Self {
        Answer::new(Reply::json(status, &serde_json::json!({ "error": error })), error)
    }

    pub(super) fn ok(value: &serde_json::Value, outcome: &str) -> Self {
        Answer::new(Reply::json(200, value), outcome)
    }

    pub(super) fn html(status: u16, page: String, outcome: &str) -> Self {
        Answer::new(Reply::new(status, Body::Html(page)), outcome)
    }

    /// 400 and a page, for a wrong method or a missing `grant_type`.
    pub(super) fn malformed(outcome: &str) -> Self {
        Answer::html(400, pages::message("400", "not found"), outcome)
    }

    /// 302 to `location`.
    pub(super) fn redirect(location: String, outcome: &str) -> Self {
        Answer::new(Reply::new(302, Body::Empty).with("location", location), outcome)
    }

    /// The response to more than ten tokens in ten minutes.
    pub(super) fn throttled(language: Language) -> Self {
        Answer::new(Reply::new(400, Body::Json(language.throttle_body().to_owned())), "throttled")
    }

    pub(super) fn of_refresh_token(mut self, refresh_token: &str) -> Self {
        self.refresh_token_fp = Some(fingerprint(refresh_token));
        self
    }

    pub(super) fn of_token(mut self, token: &str) -> Self {
        self.token_fp = Some(fingerprint(token));
        self
    }
}

/// First 8 hex digits of the SHA-256: enough to tell tokens apart, useless as a token.
pub(super) fn fingerprint(secret: &str) -> String {
    hex::encode(&Sha256::digest(secret)[..4])
}

/// The language of the throttle message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English, as captured.
    #[default]
    En,
    /// Chinese, as captured (guanguans/notify).
    Zh,
    /// Japanese; the text is a guess.
    Ja,
}

impl Language {
    pub(super) fn throttle_body(self) -> &'static str {
        match self {
            Language::En => {
                r#"{"error_description":"You have made too many requests continuously. Please try again after some time.","error":"Access Denied","status":"failure"}"#
            }
            Language::Zh => {
                r#"{"error_description":"您已连续提出过多请求，请稍后再试。","error":"拒绝访问","status":"failure"}"#
            }
            Language::Ja => {
                r#"{"error_description":"リクエストが連続して行われました。しばらくしてからもう一度お試しください。","error":"アクセスが拒否されました","status":"failure"}"#
            }
        }
    }
}
