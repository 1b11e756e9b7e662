//! Why a call failed, and what to do.

use crate::commands::api::call::{ApiReply, Call};
use crate::commands::api::target::ApiTarget;
use crate::error::{Code, Error};
use crate::i18n::tr;
use crate::model::Origin;
use crate::zoho::products::TokenRefusal;
use crate::zoho::scopes;
use serde_json::Value;

/// The longest explanation of an API that is repeated, in characters.
const LONGEST: usize = 300;

/// The error of an answer that is not a success.
pub(super) fn failure(call: &Call<'_>, target: &ApiTarget, reply: &ApiReply) -> Option<Error> {
    let (status, host) = (reply.answer.status, target.host());
    if status < 300 || status == 304 {
        return None;
    }
    let message = tr!("HTTP {status} from {host}", status, host);
    let error = Error::new(Code::Api, message, hint(call, target, reply));
    Some(match said(&reply.start) {
        Some(said) => error.with_cause(said),
        None => error,
    })
}

fn hint(call: &Call<'_>, target: &ApiTarget, reply: &ApiReply) -> String {
    let profile = &call.session.profile;
    let wants_org = target.product.is_some_and(|product| product.org.is_some()) && profile.org_id.is_none();
    let organization = || {
        let profile = &profile.name;
        tr!("the call needs an organization: set org_id in [profile.{profile}] of the config", profile)
    };
    if let (300..=399, Some(host)) = (reply.answer.status, redirects_to(target, reply)) {
        return tr!(
            "it redirects to {host}; only GET follows redirects, 5 at most and to no other host; call the new URL itself",
            host
        );
    }
    match (reply.answer.status, reply.refusal) {
        (401, Some(TokenRefusal::Dead)) => {
            tr!("Zoho refuses a new token as well; check the data center with 'zoho-cred doctor'")
        }
        (_, Some(TokenRefusal::Org)) if wants_org => organization(),
        (_, Some(TokenRefusal::Org)) => tr!("check org_id: the token is not for this organization"),
        (_, Some(TokenRefusal::Scope | TokenRefusal::Unclear)) => scope(call, target),
        (400, None) if parameter(&reply.start).is_some() => {
            let name = parameter(&reply.start).unwrap_or_default();
            tr!("add the parameter {name} to the query", name)
        }
        (400 | 403 | 404 | 422, None) if wants_org => organization(),
        _ => tr!("the answer on stdout says more"),
    }
}

fn redirects_to(target: &ApiTarget, reply: &ApiReply) -> Option<String> {
    let to = target.url.join(reply.answer.header("location")?).ok()?;
    to.host_str().map(str::to_owned)
}

/// Names the scope that the call probably needs, and how to get it.
fn scope(call: &Call<'_>, target: &ApiTarget) -> String {
    let profile = &call.session.profile;
    let product = target.product;
    let Some(scope) = product.and_then(|product| scopes::needed(product, call.method, target.url.path()))
    else {
        return tr!("the token is valid; check its scopes and the organization");
    };
    if profile.origin == Origin::Environment {
        return tr!("the call probably needs the scope {scope}, which the credential lacks", scope);
    }
    let mut all = profile.scopes.clone();
    all.push(scope.clone());
    let (profile, scopes) = (&profile.name, all.join(","));
    tr!(
        "the call probably needs the scope {scope}; run 'zoho-cred login {profile} --scope {scopes}'",
        scope,
        profile,
        scopes
    )
}

/// The parameter that CRM misses, such as `fields`.
fn parameter(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    (body["code"] == "REQUIRED_PARAM_MISSING").then(|| find(&body, "param_name"))?
}

/// What the API says, by the usual keys.
fn said(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let found =
        ["message", "error_description", "errorMessage", "errorCode", "title", "cause", "error", "code"];
    let text = found.iter().find_map(|key| find(&body, key))?;
    Some(text.chars().take(LONGEST).collect())
}

fn find(json: &Value, key: &str) -> Option<String> {
    match json {
        Value::Object(fields) => {
            let own = fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
            own.map(str::to_owned).or_else(|| fields.values().find_map(|field| find(field, key)))
        }
        Value::Array(items) => items.iter().find_map(|item| find(item, key)),
        _ => None,
    }
}
