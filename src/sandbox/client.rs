//! Registered clients: what the API console would know of them.

use crate::sandbox::random::Random;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Zoho's client types. Each may use its own flows only; another one's is `invalid_client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// No type of Zoho's: may use every flow. For a first test with one client; the others are strict.
    Any,
    /// "Server-based Applications": authorisation code.
    ServerBased,
    /// "Mobile-based Applications": authorisation code, and PKCE is a must.
    Mobile,
    /// "Non-browser Mobile Applications": the device flow.
    Device,
    /// "Self Client": a code from the console, or client credentials.
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

    /// Whether a client of this type may ask this. A grant type that nobody knows is not the client's fault.
    pub(super) fn may(self, grant_type: &str) -> bool {
        match grant_type {
            "authorization_code" => self != ClientKind::Device,
            "client_credentials" => matches!(self, ClientKind::Any | ClientKind::SelfClient),
            "device_request" | "device_token" => matches!(self, ClientKind::Any | ClientKind::Device),
            _ => true,
        }
    }

    /// Whether the consent page knows this client.
    pub(super) fn has_redirects(self) -> bool {
        !matches!(self, ClientKind::Device | ClientKind::SelfClient)
    }
}

/// One registered client.
#[derive(Clone, Serialize)]
pub struct Client {
    /// Its type.
    pub kind: ClientKind,
    /// The same in every data center.
    pub client_id: String,
    /// Data center to client secret. By default Zoho makes one for each.
    pub client_secrets: BTreeMap<String, String>,
    /// What was registered as Authorized Redirect URIs; compared exactly.
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
        // Clients of the device flow bear another first number.
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
