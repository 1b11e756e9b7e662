//! `exec-credential`: the output of a client-go exec plugin; and `k8s-secret`.
//!
//! Source: <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>.

use crate::output::plain;
use crate::output::view::{View, rfc3339};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// The variable in which the caller passes its API version.
pub(crate) const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// The version of an ExecCredential. Callers reject an answer in another version than their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    #[default]
    V1,
    V1Beta1,
}

impl ApiVersion {
    /// The version in `KUBERNETES_EXEC_INFO`: `v1` if the variable is not set, `None` if it is malformed or names
    /// an unsupported version.
    pub(crate) fn of(exec_info: Option<&str>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Asked {
            #[serde(rename = "apiVersion")]
            api_version: String,
        }
        let Some(text) = exec_info else { return Some(ApiVersion::V1) };
        let asked: Asked = serde_json::from_str(text).ok()?;
        [ApiVersion::V1, ApiVersion::V1Beta1].into_iter().find(|known| known.word() == asked.api_version)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            ApiVersion::V1 => "client.authentication.k8s.io/v1",
            ApiVersion::V1Beta1 => "client.authentication.k8s.io/v1beta1",
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    api_version: &'static str,
    kind: &'static str,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    token: &'a str,
    expiration_timestamp: String,
}

/// One ExecCredential and a newline. It has no scheme: the client always sends `Bearer`.
pub(crate) fn exec_credential(view: &View<'_>, api_version: ApiVersion) -> String {
    let credential = ExecCredential {
        api_version: api_version.word(),
        kind: "ExecCredential",
        status: Status { token: view.access_token, expiration_timestamp: rfc3339(view.reported_expires_at) },
    };
    serde_json::to_string(&credential).unwrap_or_default() + "\n"
}

/// A Secret in JSON and a newline.
pub(crate) fn secret(view: &View<'_>) -> String {
    let base64 = |text: &str| STANDARD.encode(text);
    let secret = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_name(view.profile)},
        "type": "Opaque",
        "data": {
            "token": base64(view.access_token),
            "header": base64(&plain::header(view)),
            "api_domain": base64(view.api_domain.as_deref().unwrap_or_default()),
            "expires_at": base64(&rfc3339(view.expires_at)),
        },
    });
    format!("{secret}\n")
}

/// `zoho-` and the profile's name with only the characters that Kubernetes allows everywhere in a name.
fn secret_name(profile: &str) -> String {
    let legal = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    format!("zoho-{}", profile.chars().map(legal).collect::<String>()).trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_kubernetes_allows() {
        for (profile, name) in [("crm", "zoho-crm"), ("My_CRM.eu", "zoho-my-crm-eu"), ("a_", "zoho-a")] {
            assert_eq!(secret_name(profile), name);
        }
    }

    #[test]
    fn the_callers_version_is_echoed() {
        let info =
            |version| format!("{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{version}\",\"spec\":{{}}}}");
        for known in [ApiVersion::V1, ApiVersion::V1Beta1] {
            assert_eq!(ApiVersion::of(Some(&info(known.word()))), Some(known));
        }
        assert_eq!(ApiVersion::of(None), Some(ApiVersion::V1));
        assert_eq!(ApiVersion::of(Some(&info("client.authentication.k8s.io/v1alpha1"))), None);
        assert_eq!(ApiVersion::of(Some("v1")), None);
    }
}
