//! What processes do: `get`, `reject`, logins and logouts. Checks the result of each.

use crate::disk::Disk;
use crate::fleet::FleetStore;
use crate::process::Process;
use crate::world::{Violation, World};
use std::time::Duration;
use zoho_cred::model::{MinTtl, Profile};
use zoho_cred::refresh::{self, Ports, RefreshError, TokenRequest, TokenResponse};
use zoho_cred::secret::Secret;
use zoho_cred::secrets::CredentialSource;
use zoho_cred::store::Store;

/// The task of a process.
#[derive(Clone, Debug)]
pub enum Errand {
    Get(TokenRequest),
    Reject(Duration),
    Login {
        verified: bool,
        revokes: bool,
    },
    Logout,
    /// Exchanges tokens with the shared store, as a cached `get` does after it has printed.
    Sync,
}

/// The request of `get` without flags, except for `--timeout`.
pub fn plain(timeout_s: u64) -> TokenRequest {
    TokenRequest {
        min_ttl: MinTtl::Default,
        timeout: Duration::from_secs(timeout_s),
        wait: Duration::ZERO,
        refresh: false,
        offline: false,
    }
}

/// Callers arrive in groups: around the expiry of a token, at the end of a window, and at any time.
pub fn draw(world: &World) -> Vec<(i64, Errand)> {
    let (rng, plan) = (&world.rng, world.plan());
    let (life, window) = (plan.token_life_s * 1000, plan.budget.window.as_millis() as i64);
    let crowds: Vec<i64> = (0..rng.within(1, 4))
        .map(|_| match rng.within(0, 5) {
            0 => 0,
            1 => life + rng.within(-life / 10, 1000),
            2 => life * 2 + rng.within(-life / 10, 1000),
            3 => window + rng.within(-1000, 30_000),
            4 => rng.within(0, window / 4),
            _ => rng.within(0, window * 2),
        })
        .collect();
    let mut errands: Vec<(i64, Errand)> = (0..plan.callers)
        .map(|_| {
            let at = rng.one(&crowds) + if rng.chance(500) { 0 } else { rng.within(0, 3000) };
            (at, errand(world))
        })
        .collect();
    errands.sort_by_key(|(at, _)| *at);
    errands
}

fn errand(world: &World) -> Errand {
    let rng = &world.rng;
    let seconds = |s: i64| Duration::from_secs(s as u64);
    match rng.within(0, 99) {
        0..=9 => Errand::Reject(seconds(rng.within(0, 10))),
        10..=14 => Errand::Login { verified: rng.chance(500), revokes: rng.chance(700) },
        15..=16 => Errand::Logout,
        17..=24 if world.fleet.is_some() => Errand::Sync,
        _ => Errand::Get(TokenRequest {
            min_ttl: match rng.within(0, 5) {
                0 => MinTtl::Explicit(seconds(rng.within(0, 2 * world.plan().token_life_s))),
                1 => MinTtl::Implied(seconds(1800)),
                _ => MinTtl::Default,
            },
            timeout: seconds(rng.one(&[1, 2, 5, 30, 30, 30, 60, 700])),
            wait: seconds(rng.one(&[0, 0, 0, 60, 700])),
            refresh: rng.chance(250),
            offline: rng.chance(50),
        }),
    }
}

/// Runs a task to its end and checks the result.
pub fn go(mut process: Process<'_>, profile: &Profile, errand: &Errand) {
    let world = process.world;
    match errand {
        Errand::Get(ask) => {
            process.ask.replace(Some(*ask));
            let result = with_ports(&process, profile, |ports| refresh::get_token(ports, ask));
            judge(&process, ask, &result);
        }
        Errand::Reject(timeout) => {
            let tokens: Vec<String> = world.server.borrow().tokens.keys().cloned().collect();
            let newest = tokens.len().checked_sub(1).map(|_| format!("1000.t{}", tokens.len() - 1));
            let Some(token) = newest.filter(|_| !world.rng.chance(200)).or(tokens.first().cloned()) else {
                return;
            };
            let begun = world.now();
            let result =
                with_ports(&process, profile, |ports| refresh::reject(ports, &Secret::new(token), *timeout));
            world.trace(|| format!("#{} reject ends: {result:?}", process.pid));
            in_time(&process, begun, *timeout + Duration::from_secs(1));
        }
        Errand::Login { verified, revokes } => {
            world.tally.borrow_mut().logins += 1;
            let new = world.server.borrow_mut().new_grant();
            let old = world.login.borrow().refresh_token.clone();
            if *verified {
                process.given = Some(new.clone());
                let ask = plain(30);
                if with_ports(&process, profile, |ports| refresh::get_token(ports, &ask)).is_err() {
                    return;
                }
            }
            process.step("save the login record");
            world.set_login(Some(new.clone()));
            let version = world.login.borrow().version;
            process.step("save the profile's state");
            *world.remembered.borrow_mut() = Some((new, version));
            process.step("revoke the old refresh token");
            if let Some(old) = old.filter(|_| *revokes) {
                world.server.borrow_mut().revoke(&old);
            }
        }
        Errand::Sync => {
            let id = process.id();
            if let (Ok(id), Some(fleet)) = (id, &world.fleet) {
                FleetStore::open(&process, fleet, &id).sync();
            }
        }
        Errand::Logout => {
            let Some(old) = world.login.borrow().refresh_token.clone() else { return };
            process.step("revoke");
            world.server.borrow_mut().revoke(&old);
            process.step("forget");
            if world.login.borrow().refresh_token.as_ref() == Some(&old) {
                world.set_login(None);
            }
            process.step("forget the profile's state");
            *world.remembered.borrow_mut() = None;
        }
    }
}

fn with_ports<T>(process: &Process<'_>, profile: &Profile, story: impl FnOnce(&Ports<'_>) -> T) -> T {
    story(&Ports {
        clock: process,
        http: process,
        signals: &process.signals,
        profile,
        credential: process,
        open: &|id| {
            Ok(match &process.world.fleet {
                Some(fleet) => Box::new(FleetStore::open(process, fleet, id)) as Box<dyn Store + '_>,
                None => Box::new(Disk::open(process, id)),
            })
        },
        waiting: &|_| {},
    })
}

fn in_time(process: &Process<'_>, begun: i64, timeout: Duration) {
    let world = process.world;
    let took = world.now() - begun - process.held_up_ms.get();
    // A new refresh token gets some time of its own.
    let more_ms = if world.plan().rotates > 0 { 4_000 } else { 1_000 };
    let allowed_ms = timeout.as_millis() as i64 + if world.fleet.is_some() { more_ms } else { 0 };
    if took > allowed_ms {
        world.violated(Violation::Late, format!("#{} took {took} ms of {timeout:?}", process.pid));
    }
}

/// Checks that a caller was served in time, with a token that is valid as far as it can know.
fn judge(process: &Process<'_>, ask: &TokenRequest, result: &Result<TokenResponse, RefreshError>) {
    let world = process.world;
    world.trace(|| format!("#{} ends: {result:?}", process.pid));
    in_time(process, process.begun_ms, ask.timeout);
    let obtained = match result {
        Ok(obtained) => obtained,
        Err(error) => {
            world.tally.borrow_mut().errors += 1;
            let plan = world.plan();
            if matches!(error, RefreshError::CoolingDown { .. })
                && let Some((grant, until_ms)) = process.throttled.take()
                && (plan.store_fails, plan.store_lies, plan.junk) == (0, 0, 0)
            {
                world.cool_downs.borrow_mut().insert((process.machine, grant), until_ms);
            }
            return;
        }
    };
    world.tally.borrow_mut().tokens += 1;
    let name = obtained.record.token.as_ref().map_or("", |token| token.access_token.expose());
    let server = world.server.borrow();
    let words = match server.tokens.get(name) {
        None => Some("the server never made it".to_owned()),
        Some(minted) if !world.was_logged_in(&minted.owner, process.begun_ms) => {
            Some(format!("it is of {}, which was replaced before the call", minted.owner))
        }
        // Whoever has not seen the shared store's clock before cannot tell that it was set.
        Some(_) if world.fleet.as_ref().is_some_and(|fleet| fleet.jumps.get() > 0) => None,
        // The boot clock tells nothing across a reboot.
        Some(_) if world.plan().reboots > 0 && world.clock_moves.get() > 0 => None,
        Some(minted) if !minted.killed && minted.expires_ms <= process.looked_ms.get() => Some(format!(
            "it expired {} ms before the last look",
            process.looked_ms.get() - minted.expires_ms
        )),
        Some(_) => None,
    };
    drop(server);
    if let Some(words) = words {
        world.violated(Violation::DeadToken, format!("#{} got '{name}': {words}", process.pid));
    }
}
