//! `/sandbox/…`: the control API. Bodies are parsed as JSON whatever their content type, so that `curl -d` works.

use crate::sandbox::clock::Clock;
use crate::sandbox::faults::Fault;
use crate::sandbox::limits::{Limits, ms};
use crate::sandbox::reply::Reply;
use crate::sandbox::request::Request;
use crate::sandbox::state::SandboxState;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// May be negative or fractional.
    advance_s: f64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kill {
    /// An access or refresh token; without one, all access tokens.
    token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NewToken {
    scopes: Option<Vec<String>>,
    life_s: Option<u64>,
}

impl SandboxState {
    pub(super) fn control(&mut self, clock: &Clock, request: &Request) -> Reply {
        match self.dispatch(clock, request) {
            Ok(value) => Reply::json(200, &value),
            Err((status, message)) => Reply::json(status, &json!({ "error": message })),
        }
    }

    fn dispatch(&mut self, clock: &Clock, request: &Request) -> Result<Value, (u16, String)> {
        let now = clock.now();
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/sandbox/log") => Ok(json!(self.log.entries())),
            ("DELETE", "/sandbox/log") => {
                self.log.clear();
                Ok(json!({}))
            }
            ("GET", "/sandbox/state") => Ok(self.shown_state(now)),
            ("GET", "/sandbox/clients") => Ok(json!(self.clients)),
            ("GET", "/sandbox/faults") => Ok(json!(self.faults.active())),
            ("DELETE", "/sandbox/faults") => {
                self.faults.clear();
                Ok(json!([]))
            }
            ("POST", "/sandbox/faults") => {
                self.faults.set(fault(request)?);
                Ok(json!(self.faults.active()))
            }
            ("GET", "/sandbox/limits") => Ok(json!(self.limits)),
            ("POST", "/sandbox/limits") => {
                let limits = self.limits.overlaid(&read(request)?).map_err(|error| (400, error))?;
                self.set_limits(limits).map_err(|error| (400, error))?;
                Ok(json!(self.limits))
            }
            ("POST", "/sandbox/clock") => {
                clock.advance((read::<Advance>(request)?.advance_s * 1000.0) as i64);
                Ok(json!({ "now_ms": clock.now() }))
            }
            ("POST", "/sandbox/kill-tokens") => {
                Ok(json!({ "killed": self.kill(read_or_default::<Kill>(request)?.token.as_deref()) }))
            }
            ("POST", "/sandbox/refresh-token") => {
                let new: NewToken = read_or_default(request)?;
                Ok(json!({ "refresh_token": self.another_refresh_token(new.scopes) }))
            }
            ("POST", "/sandbox/self-client-code") => {
                let new: NewToken = read_or_default(request)?;
                let scopes = new.scopes.unwrap_or_else(|| self.setup.scopes.clone());
                let life = Duration::from_secs(new.life_s.unwrap_or(180));
                Ok(json!({ "code": self.self_client_code(now, scopes, ms(life)) }))
            }
            ("POST", "/sandbox/reset") => {
                clock.reset();
                self.reset();
                Ok(json!({}))
            }
            (method, path) => Err((404, format!("there is no {method} {path}"))),
        }
    }

    fn shown_state(&self, now: u64) -> Value {
        let mut state = json!(self.counts(now));
        state["limits"] = json!(self.limits);
        state["faults"] = json!(self.faults.active());
        state
    }

    /// Sets the limits. Errors: `user_location` is not served.
    pub(super) fn set_limits(&mut self, limits: Limits) -> Result<(), String> {
        if let Some(location) = &limits.user_location
            && self.url_of(location).is_none()
        {
            return Err(format!(
                "the data center {location} is not served here; start with --other-dc {location}"
            ));
        }
        self.limits = limits;
        Ok(())
    }

    /// Invalidates one token or all access tokens; returns how many were valid.
    pub(super) fn kill(&mut self, token: Option<&str>) -> usize {
        let Some(token) = token else {
            let all: Vec<String> = self.access.keys().cloned().collect();
            return all.iter().filter(|token| self.kill_access(token)).count();
        };
        if let Some(grant) = self.grant_of(token) {
            self.kill_grant(grant);
            return 1;
        }
        usize::from(self.kill_access(token))
    }

    /// Creates a refresh token for the first client, as another login would.
    pub(super) fn another_refresh_token(&mut self, scopes: Option<Vec<String>>) -> String {
        let scopes = scopes.unwrap_or_else(|| self.setup.scopes.clone());
        let home = self.home().to_owned();
        let grant = self.new_grant(super::ClientKind::Any, scopes, home);
        self.refresh_token_of(grant)
    }

    /// Restores the initial state, with the same clients and first refresh token.
    pub(super) fn reset(&mut self) {
        self.setup.resets += 1;
        *self = SandboxState::new(self.setup.clone());
    }
}

fn read<T: for<'de> Deserialize<'de>>(request: &Request) -> Result<T, (u16, String)> {
    serde_json::from_slice(&request.body).map_err(|error| (400, error.to_string()))
}

/// The JSON of a fault, or its short form as in `--fault`.
fn fault(request: &Request) -> Result<Fault, (u16, String)> {
    String::from_utf8_lossy(&request.body).parse().map_err(|error| (400, error))
}

fn read_or_default<T: for<'de> Deserialize<'de> + Default>(request: &Request) -> Result<T, (u16, String)> {
    if request.body.is_empty() { Ok(T::default()) } else { read(request) }
}
