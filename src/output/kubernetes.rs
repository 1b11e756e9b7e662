//! `exec-credential`: what client-go and its kin read from an exec plugin.
//!
//! Source: <https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>.

use crate::output::{View, rfc3339};
use serde::{Deserialize, Serialize};

/// The variable in which the caller says which version it speaks.
pub(crate) const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// A version of ExecCredential. The answer must be in the caller's, or it is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ApiVersion {
    /// `client.authentication.k8s.io/v1`.
    #[default]
    V1,
    /// `client.authentication.k8s.io/v1beta1`.
    V1Beta1,
}

impl ApiVersion {
    /// The version that `KUBERNETES_EXEC_INFO` asks for: `v1` where the variable is not set, and `None` where it is
    /// no such JSON or names a version that we do not speak.
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

    /// The word itself.
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

/// One ExecCredential and a newline. The client puts `Bearer` before the token, whatever the profile says.
pub(crate) fn exec_credential(view: &View<'_>, api_version: ApiVersion) -> String {
    let credential = ExecCredential {
        api_version: api_version.word(),
        kind: "ExecCredential",
        status: Status { token: view.access_token, expiration_timestamp: rfc3339(view.reported_expires_at) },
    };
    serde_json::to_string(&credential).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        assert_eq!(
            exec_credential(&crate::output::tests::view(&[]), ApiVersion::V1Beta1),
            "{\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"kind\":\"ExecCredential\",\
             \"status\":{\"token\":\"1000.aa.bb\",\"expirationTimestamp\":\"2030-01-01T00:00:00Z\"}}\n"
        );
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
