//! Registered clients, as in the API console.

use crate::sandbox::random::Random;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Zoho's client types. A flow of another type is `invalid_client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Not a Zoho type: supports every flow, for simple tests.
    Any,
    /// "Server-based Applications": authorization code.
    ServerBased,
    /// "Mobile-based Applications": authorization code, PKCE required.
    Mobile,
    /// "Non-browser Mobile Applications": device flow.
    Device,
    /// "Self Client": a code of the API console, or client credentials.
    SelfClient,
}

impl ClientKind {
    pub(super) const ALL: [ClientKind; 5] = [
        ClientKind::Any,
        ClientKind::ServerBased,
        ClientKind::Mobile,
        ClientKind::Device,
        ClientKind::SelfClient,
    ];

    /// Whether this type supports the grant type. Unknown grant types are rejected elsewhere.
    pub(super) fn may(self, grant_type: &str) -> bool {
        match grant_type {
            "authorization_code" => self != ClientKind::Device,
            "client_credentials" => matches!(self, ClientKind::Any | ClientKind::SelfClient),
            "device_request" | "device_token" => matches!(self, ClientKind::Any | ClientKind::Device),
            _ => true,
        }
    }

    /// Whether this type uses the consent page.
    pub(super) fn has_redirects(self) -> bool {
        !matches!(self, ClientKind::Device | ClientKind::SelfClient)
    }
}

/// A registered client.
#[derive(Clone, Serialize)]
pub struct Client {
    /// Its type.
    pub kind: ClientKind,
    /// The same in every data center.
    pub client_id: String,
    /// By data center. By default each has its own.
    pub client_secrets: BTreeMap<String, String>,
    /// Authorized Redirect URIs, compared exactly.
    pub redirect_uris: Vec<String>,
}

impl Client {
    pub(super) fn registered(
        kind: ClientKind,
        data_centers: &[String],
        single_secret: bool,
        redirect_uris: &[String],
        random: &mut Random,
    ) -> Self {
        // Client IDs of the device flow start with another number.
        let number = if kind == ClientKind::Device { 1004 } else { 1000 };
        let one_for_all = random.hex(42);
        let secret = |random: &mut Random| if single_secret { one_for_all.clone() } else { random.hex(42) };
        Client {
            kind,
            client_id: format!("{number}.{}", random.letters(30)),
            client_secrets: data_centers.iter().map(|dc| (dc.clone(), secret(random))).collect(),
            redirect_uris: if kind.has_redirects() { redirect_uris.to_vec() } else { Vec::new() },
        }
    }
}
