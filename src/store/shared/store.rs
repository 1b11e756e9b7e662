//! The state of one credential, shared between machines.

use crate::error::{Code, Error};
use crate::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp, TokenSet};
use crate::store::local::LockedLocal;
use crate::store::shared::caller::{Caller, MAX_TIMEOUT};
use crate::store::shared::clock_guard::EngineClock;
use crate::store::shared::locked::{Connected, LockedShared};
use crate::store::shared::remote::Remote;
use crate::store::shared::seal::foreign;
use crate::store::shared::settings::SharedSettings;
use crate::store::shared::snapshot::Snapshot;
use crate::store::{Holder, LocalStore, Locked, Store};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

pub type Connect<'c> =
    dyn Fn(&SharedSettings, &CredentialId, Duration) -> Result<Box<dyn Remote + 'c>, Error> + 'c;

pub struct SharedStore<'c> {
    pub(super) local: LocalStore,
    caller: Caller,
    connect: Rc<Connect<'c>>,
    waiting: RefCell<Waiting<'c>>,
}

/// The state of a caller that waits for the lease.
#[derive(Default)]
struct Waiting<'c> {
    /// The local lock, which makes this the only caller of its machine that waits for the lease.
    local: Option<LockedLocal>,
    connected: Option<Connected<'c>>,
    /// The shared state at the first look.
    first: Option<First>,
}

/// The shared state when a caller first looked.
struct First {
    /// The count of failures. Later failures apply to this caller too.
    failures: u64,
    token: Option<TokenSet>,
}

impl<'c> SharedStore<'c> {
    /// Opens nothing.
    pub fn new(
        local: LocalStore,
        settings: &SharedSettings,
        credential: &CredentialId,
        connect: Rc<Connect<'c>>,
    ) -> Self {
        SharedStore {
            local,
            caller: Caller {
                owner: settings.next_owner(),
                settings: settings.clone(),
                credential: credential.clone(),
                until: Cell::default(),
            },
            connect,
            waiting: RefCell::default(),
        }
    }

    /// The local lock: the one that a waiting caller kept, or else the file's if it is free.
    fn local_lock(&self) -> Result<Option<LockedLocal>, Error> {
        let kept = self.waiting.borrow_mut().local.take();
        if kept.is_some() { Ok(kept) } else { self.local.take() }
    }

    /// Reads the remote store while holding the local lock, and takes the lease for `owner`, if there is one. The caller
    /// keeps the local lock after `Code::Unavailable`, so that one caller per machine connects again.
    fn ask(
        &self,
        local: LockedLocal,
        owner: Option<&str>,
    ) -> Result<(LockedLocal, Connected<'c>, Snapshot), Error> {
        let kept = self.waiting.borrow_mut().connected.take();
        let asked = || -> Result<_, Error> {
            let within = self.caller.within(MAX_TIMEOUT);
            let mut connected = match kept {
                Some(connected) => connected,
                None => {
                    let keys = self.caller.settings.keys()?;
                    let remote = (self.connect)(&self.caller.settings, &self.caller.credential, within)?;
                    Connected { remote, keys }
                }
            };
            let asked = self.caller.clock().now();
            let within = self.caller.within(MAX_TIMEOUT);
            let reply = connected.remote.look(owner, &connected.keys.ids(), within)?.ok_or_else(foreign)?;
            let snapshot =
                Snapshot::of(reply, asked, &connected.keys, &self.caller.credential, self.caller.clock());
            let snapshot = snapshot.inspect_err(|_| connected.release(&self.caller.owner, MAX_TIMEOUT))?;
            Ok((connected, snapshot))
        };
        match asked() {
            Ok((connected, snapshot)) => Ok((local, connected, snapshot)),
            Err(error) => {
                if error.code() == Code::Unavailable {
                    self.waiting.borrow_mut().local = Some(local);
                }
                Err(error)
            }
        }
    }

    /// Tries to take the lease while holding the local lock.
    fn take(&self, local: LockedLocal) -> Result<Option<LockedShared<'_>>, Error> {
        let (mut local, connected, snapshot) = self.ask(local, Some(&self.caller.owner))?;
        let mut waiting = self.waiting.borrow_mut();
        let first = waiting.first.get_or_insert_with(|| First {
            failures: snapshot.ledger.failures,
            token: snapshot.cache.as_ref().and_then(|cache| cache.token.clone()),
        });
        let before = first.failures;
        if !snapshot.got_lease {
            snapshot.update_local(&mut local, &connected.keys, self.caller.clock().now())?;
            waiting.local = Some(local);
            waiting.connected = Some(connected);
            return Ok(None);
        }
        let engine = EngineClock::after(self.local.engine_clock().as_ref(), &snapshot.clocks);
        local.keep_engine_clock(&engine);
        let locked = LockedShared::new(&self.caller, local, Some((connected, snapshot)));
        Ok(Some(locked.with_lease(before, engine.refusal())))
    }

    /// Exchanges token and tombstone with the remote store without a lease: takes over what other machines did, and pushes
    /// what did not arrive. False if another caller of this machine holds the lock, which does the same.
    pub fn sync(&self) -> Result<bool, Error> {
        let Some(local) = self.local_lock()? else { return Ok(false) };
        let (local, connected, snapshot) = self.ask(local, None)?;
        LockedShared::new(&self.caller, local, Some((connected, snapshot))).cache()?;
        Ok(true)
    }
}

impl Store for SharedStore<'_> {
    fn cache(&self) -> Result<CacheRecord, Error> {
        self.local.cache()
    }

    fn ledger(&self, now: &Timestamp, budget: &Budget) -> Ledger {
        self.local.ledger(now, budget)
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        let Some(local) = self.local_lock()? else { return Ok(None) };
        Ok(self.take(local)?.map(|locked| -> Box<dyn Locked + '_> { Box::new(locked) }))
    }

    fn try_lock_local(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        match self.try_lock() {
            Err(error) if matches!(error.code(), Code::Unavailable | Code::Config) => {
                log::info!("noted on this machine, for the shared store later: {}", error.message());
                let local = self.local_lock()?;
                Ok(local.map(|local| -> Box<dyn Locked + '_> {
                    Box::new(LockedShared::new(&self.caller, local, None))
                }))
            }
            other => other,
        }
    }

    /// The one caller per machine that waits for the lease looks less often.
    fn pause(&self, attempt: u32) -> Duration {
        let pause = self.local.pause(attempt);
        let waiting = self.waiting.borrow();
        match (&waiting.local, &waiting.connected) {
            (Some(_), Some(connected)) => (pause * 4).min(connected.remote.longest_pause()),
            (Some(_), None) => pause * 4,
            (None, _) => pause,
        }
    }

    fn holder(&self) -> Option<Holder> {
        let waits_itself = self.waiting.borrow().local.is_some();
        // The lease belongs to another machine, whose process ids mean nothing here.
        if waits_itself { Some(Holder { pid: 0, since_ms: 0 }) } else { self.local.holder() }
    }

    /// Writes to the local ledger, because the shared one may be unreachable.
    fn early_failed(&self, now: &Timestamp, budget: &Budget) {
        let note = || -> Result<(), Error> {
            if let Some(mut local) = self.local_lock()? {
                let ledger = local.ledger(now, budget)?;
                local.record(&Ledger { early_failed: Some(now.clone()), ..ledger })?;
            }
            Ok(())
        };
        if let Err(error) = note() {
            log::warn!("the failure was not noted: {}", error.message());
        }
    }

    fn bound(&self, left: Duration) {
        self.caller.bound(left);
    }

    fn known_at_start(&self, token: &TokenSet) -> bool {
        let waiting = self.waiting.borrow();
        let first = waiting.first.as_ref().and_then(|first| first.token.as_ref());
        first.is_some_and(|first| first.access_token == token.access_token)
    }

    fn is_shared(&self) -> bool {
        true
    }
}
