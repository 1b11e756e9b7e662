//! What goes wrong around the callers.

use super::figures::Figures;
use super::{Storm, one, random};
use crate::harness::{files_below, http_status};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind, Language};

impl Storm<'_> {
    pub fn weather(&self) {
        let mut last_ledger: Option<Instant> = None;
        while !self.over.load(Ordering::SeqCst) {
            if !self.rough.load(Ordering::SeqCst) {
                self.clear_up();
                self.is_rough.store(false, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(20));
                continue;
            }
            self.is_rough.store(true, Ordering::SeqCst);
            Figures::one(&self.figures.mishaps);
            match random(14) {
                0..=3 => self.fault(Endpoint::Token),
                4 => self.fault(Endpoint::Revoke),
                5 => {
                    self.killed_ms.lock().unwrap().push(self.test.sandbox.now_ms());
                    self.test.sandbox.kill_tokens();
                }
                6 => {
                    let filler = self.test.state().join("filler");
                    let _ = std::fs::write(&filler, vec![0; 16 << 20]);
                    std::thread::sleep(Duration::from_millis(random(1500)));
                    let _ = std::fs::remove_file(&filler);
                }
                7 | 8 => self.overwrite(one(&["credentials", "profiles", "locks", "clients"])),
                9 if last_ledger.is_none_or(|at| at.elapsed() > Duration::from_secs(100)) => {
                    last_ledger = Some(Instant::now());
                    self.overwrite("ledgers");
                }
                10 => {
                    self.set_mode("secrets", one(&[0o755, 0o770]));
                    std::thread::sleep(Duration::from_millis(random(500)));
                    self.set_mode("secrets", 0o700);
                }
                _ => {
                    let room = one(&["credentials", "profiles", "locks", "ledgers", "clients"]);
                    self.set_mode(room, one(&[0o777, 0o755, 0o500, 0o000]));
                }
            }
            std::thread::sleep(Duration::from_millis(100 + random(400)));
        }
        self.clear_up();
    }

    fn clear_up(&self) {
        self.test.sandbox.clear_faults();
        let _ = std::fs::remove_file(self.test.state().join("filler"));
        self.set_mode("secrets", 0o700);
    }

    fn fault(&self, endpoint: Endpoint) {
        self.test.sandbox.set_fault(Fault::new(endpoint, fault()).times(1 + random(2) as u32));
    }

    fn set_mode(&self, room: &str, mode: u32) {
        let _ = std::fs::set_permissions(self.test.state().join(room), std::fs::Permissions::from_mode(mode));
    }

    /// Junk in the files of a room. Of ledgers only in that of `crm`, whose budget leaves room for it.
    fn overwrite(&self, room: &str) {
        let junk: [&[u8]; 4] = [b"", b"junk", b"{\"version\":1,\"token\":{", &[0xff; 3000]];
        let ledger = self.ledger_of_crm();
        for file in files_below(&self.test.state().join(room)) {
            let is_state = file.extension().is_some_and(|ending| ending == "json" || ending == "lock");
            if is_state && (room != "ledgers" || file.to_string_lossy().contains(&ledger)) {
                let _ = std::fs::write(file, one(&junk));
            }
        }
    }
}

fn fault() -> FaultKind {
    match random(40) {
        0..=6 => FaultKind::Delay { ms: random(3000) },
        7..=9 => FaultKind::MintThenReset,
        10..=12 => FaultKind::MintThenHang,
        13..=15 => FaultKind::Reset,
        16..=18 => FaultKind::Truncated,
        19..=21 => FaultKind::Html,
        22..=24 => http_status(503),
        25..=27 => FaultKind::Oversized,
        28..=31 => FaultKind::StringExpiry,
        32..=35 => FaultKind::LegacyMs,
        36..=38 => FaultKind::Missing { fields: vec!["api_domain".into(), "scope".into()] },
        _ => match random(3) {
            0 => FaultKind::Throttle { status: 400, language: Language::default(), retry_after_s: Some(30) },
            1 => FaultKind::InvalidCode,
            _ => FaultKind::InvalidClient,
        },
    }
}
