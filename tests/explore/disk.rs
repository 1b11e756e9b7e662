//! The store of virtual processes. It can fail before or after a write. All processes see the same content.

use crate::process::{Mutant, Process};
use crate::world::{Files, Slot};
use std::time::Duration;
use zoho_cred::error::{Code, Error};
use zoho_cred::model::{Budget, CacheRecord, CredentialId, Ledger, Timestamp};
use zoho_cred::store::{Holder, Locked, Reserved, Store};

pub struct Disk<'w> {
    process: &'w Process<'w>,
    cache: String,
    ledger: String,
    before: CacheRecord,
}

impl<'w> Disk<'w> {
    pub fn open(process: &'w Process<'w>, id: &CredentialId) -> Self {
        let (cache, ledger) = (id.cache().to_owned(), id.ledger().to_owned());
        let before = process.world.files(&cache, |files| files.cache.value()).unwrap_or_default();
        Disk { process, cache, ledger, before }
    }

    fn mutant(&self, mutant: Mutant) -> bool {
        self.process.world.mutant == mutant
    }

    fn read<T>(&self, id: &str, with: impl FnOnce(&mut Files) -> T) -> T {
        self.process.world.files(id, with)
    }

    /// Returns an error without doing anything.
    fn refuse(&self, action: &'static str) -> Result<(), Error> {
        let world = self.process.world;
        if world.rng.chance(world.plan().store_fails) { self.fail(action) } else { Ok(()) }
    }

    /// Returns an error although the action was done.
    fn lie(&self, action: &'static str) -> Result<(), Error> {
        let world = self.process.world;
        if world.rng.chance(world.plan().store_lies) { self.fail(action) } else { Ok(()) }
    }

    fn fail(&self, action: &'static str) -> Result<(), Error> {
        let world = self.process.world;
        world.tally.borrow_mut().store_faults += 1;
        world.trace(|| format!("#{} cannot {action}", self.process.pid));
        Err(Error::new(Code::Store, format!("could not {action} file"), "try again"))
    }
}

impl Store for Disk<'_> {
    fn cache(&self) -> Result<CacheRecord, Error> {
        self.process.step("look at the cache");
        self.refuse("read")?;
        Ok(self.read(&self.cache, |files| files.cache.value()).unwrap_or_default())
    }

    fn ledger(&self, _now: &Timestamp, _budget: &Budget) -> Ledger {
        self.process.step("look at the ledger");
        self.read(&self.ledger, |files| files.ledger.value()).unwrap_or_default()
    }

    fn try_lock(&self) -> Result<Option<Box<dyn Locked + '_>>, Error> {
        self.process.step("try the lock");
        self.refuse("lock")?;
        let waited_ms = self.process.world.now() - self.process.begun_ms;
        let pid = self.process.pid;
        let no_lock = self.mutant(Mutant::NoLock) || (self.mutant(Mutant::BrokenLock) && waited_ms > 3000);
        let taken = self.read(&self.ledger, |files| match files.holder {
            Some(_) if !no_lock => false,
            _ => {
                files.holder = Some(pid);
                true
            }
        });
        Ok(taken.then(|| -> Box<dyn Locked + '_> { Box::new(LockedDisk(self)) }))
    }

    fn pause(&self, attempt: u32) -> Duration {
        Duration::from_millis((5u64 << attempt.min(7)).min(500))
    }

    fn holder(&self) -> Option<Holder> {
        let holder = self.read(&self.ledger, |files| files.holder)?;
        Some(Holder { pid: holder as u32, since_ms: 0 })
    }
}

struct LockedDisk<'a>(&'a Disk<'a>);

impl Drop for LockedDisk<'_> {
    fn drop(&mut self) {
        let disk = self.0;
        disk.read(&disk.ledger, |files| {
            if files.holder == Some(disk.process.pid) {
                files.holder = None;
            }
        });
    }
}

impl Locked for LockedDisk<'_> {
    fn cache(&mut self) -> Result<CacheRecord, Error> {
        let disk = self.0;
        disk.process.step("read the cache");
        disk.refuse("read")?;
        if disk.mutant(Mutant::NoSecondRead) {
            return Ok(disk.before.clone());
        }
        Ok(disk.read(&disk.cache, |files| files.cache.value()).unwrap_or_default())
    }

    fn ledger(&mut self, now: &Timestamp, budget: &Budget) -> Result<Ledger, Error> {
        let disk = self.0;
        disk.process.step("read the ledger");
        disk.refuse("read")?;
        if disk.mutant(Mutant::NoLedger) {
            return Ok(Ledger::default());
        }
        match disk.read(&disk.ledger, |files| files.ledger.clone()) {
            Slot::Nothing => Ok(Ledger::default()),
            Slot::Value(ledger) => Ok(ledger),
            Slot::Junk => {
                let ledger = Ledger::unreadable(now, budget);
                self.record(&ledger)?;
                Ok(ledger)
            }
        }
    }

    fn write_ahead(&mut self, ledger: &Ledger, _: &CacheRecord) -> Result<Reserved, Error> {
        let disk = self.0;
        if disk.mutant(Mutant::NoWriteAhead) {
            return Ok(Reserved::Yes);
        }
        disk.process.step("reserve the cache");
        disk.refuse("write")?;
        disk.process.step("reserve the ledger");
        disk.refuse("write")?;
        disk.process.step("write the ledger ahead");
        disk.refuse("write")?;
        disk.read(&disk.ledger, |files| files.ledger = Slot::Value(ledger.clone()));
        disk.lie("write").map(|()| Reserved::Yes)
    }

    fn commit(&mut self, cache: &CacheRecord) -> Result<(), Error> {
        let disk = self.0;
        disk.process.step("commit the cache");
        disk.refuse("write")?;
        disk.read(&disk.cache, |files| files.cache = Slot::Value(cache.clone()));
        disk.lie("write")
    }

    fn record(&mut self, ledger: &Ledger) -> Result<(), Error> {
        let disk = self.0;
        disk.process.step("record the ledger");
        disk.refuse("write")?;
        if !disk.mutant(Mutant::NoRecord) {
            disk.read(&disk.ledger, |files| files.ledger = Slot::Value(ledger.clone()));
        }
        disk.lie("write")
    }
}
