//! State files that are corrupt, unreadable, on a full disk, or owned by another user.

use crate::harness::{Test, Tmpfs, files_below, mode, root, set_mode};
use crate::in_process::{ManualClock, run};
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use zoho_cred::sandbox::{Endpoint, Fault, FaultKind};

#[test]
fn every_file_may_be_junk() {
    let junk: [&[u8]; 6] = [b"", b"junk", b"{\"version\":1,\"tok", b"{\"version\":99}", b"[]", &[0xff; 5000]];
    for bytes in junk {
        let (test, clock) = (Test::new().with_profile(), ManualClock::at_the_wall());
        run(&test, &clock, "get").ok();
        // The ledger is last: one that cannot be read leaves two requests.
        for room in ["credentials", "profiles", "locks", "ledgers"] {
            let mut files: Vec<_> = files_below(&test.state().join(room));
            files.retain(|file| !file.ends_with("logins.lock"));
            assert_eq!(files.len(), 1);
            std::fs::write(&files[0], bytes).unwrap();
            run(&test, &clock, "get").ok();
            run(&test, &clock, "get --refresh").ok();
            let mut files = files_below(&test.state().join(room)).into_iter();
            let aside = files.any(|file| file.extension().is_some_and(|end| end == "bad"));
            assert_eq!(aside, room != "locks", "{room} {bytes:?}");
        }
        run(&test, &clock, "get --refresh").ok();
        run(&test, &clock, "get --refresh").exits(75);
    }
}

#[test]
fn modes_do_not_depend_on_the_umask() {
    for umask in ["000", "077", "777"] {
        let test = Test::new();
        let call = test.shell("umask $1; exec $0 get", &[umask]);
        // Root may enter folders of any mode.
        let ours = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
        if root() { call.under(ours) } else { call }.run().ok();
        assert_eq!(mode(&test.state()), 0o700);
        for file in test.state_files() {
            assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700), "{}", file.display());
        }
    }
}

#[test]
fn a_link_in_place_of_the_state_folder_is_refused() {
    let test = Test::new();
    let elsewhere = test.dir.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, test.state()).unwrap();
    test.get().failed(74, "store");
    assert!(files_below(&elsewhere).is_empty());
    assert_eq!(test.sandbox.token_requests(), 0);
}

#[test]
fn links_in_place_of_files_are_not_followed() {
    let test = Test::new();
    test.get().ok();
    let (cache, target) = (test.state_file("credentials"), test.file("target", "mine"));
    std::fs::remove_file(&cache).unwrap();
    symlink(&target, &cache).unwrap();
    test.get().ok();
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
}

#[test]
fn somebody_elses_state_folder_is_refused() {
    if !root() {
        return;
    }
    let test = Test::new();
    std::fs::create_dir(test.state()).unwrap();
    std::os::unix::fs::chown(test.state(), Some(65534), None).unwrap();
    test.get().failed(74, "store");
    assert_eq!(test.sandbox.token_requests(), 0);
}

#[test]
fn secrets_that_others_can_read_are_refused() {
    let test = Test::new().with_profile();
    set_mode(test.secret("refresh-token-"), 0o644);
    test.run("get --refresh").failed_with(74, "store", "chmod 600");
}

#[test]
fn a_folder_that_holds_other_things_is_not_closed() {
    let test = Test::new();
    std::fs::create_dir(test.state()).unwrap();
    set_mode(test.state(), 0o755);
    std::fs::write(test.state().join("thesis.txt"), "x").unwrap();
    test.get().failed(74, "store");
    assert_eq!(mode(&test.state()), 0o755);
}

/// A test with a token, whose state folder has no space left after `fill`.
fn on_a_small_disk() -> Option<(Test, Tmpfs)> {
    let test = Test::new();
    let disk = Tmpfs::mount(&test.state(), "size=64k,mode=700")?;
    test.get().ok();
    Some((test, disk))
}

fn fill(test: &Test) -> PathBuf {
    let filler = test.state().join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    filler
}

#[test]
fn a_full_disk_sends_no_request() {
    let Some((test, _disk)) = on_a_small_disk() else { return };
    let token = test.token();
    let filler = fill(&test);
    for _ in 0..3 {
        test.run("get --refresh").failed(74, "store");
    }
    let status = test.json("status");
    assert_eq!(status["budget"]["used"], 1, "a request that was not sent counts for nothing");
    assert_eq!(test.run("get --min-ttl 45m").ok(), token);
    assert_eq!(test.sandbox.token_requests(), 1);
    std::fs::remove_file(filler).unwrap();
    test.run("get --refresh").ok();
}

#[test]
fn doctor_says_that_a_disk_is_too_full_for_a_refresh() {
    let Some((test, _disk)) = on_a_small_disk() else { return };
    test.run("doctor").prints("is writable");
    let filler = fill(&test);
    // A few bytes are free.
    let size = filler.metadata().unwrap().len();
    std::fs::File::options().write(true).open(&filler).unwrap().set_len(size - 4096).unwrap();
    std::fs::write(test.state().join("probe"), "x").unwrap();
    std::fs::remove_file(test.state().join("probe")).unwrap();
    test.run("doctor").prints("could not write").prints("the disk is full").hides(&["is writable"]);
    test.run("get --refresh").failed(74, "store");
}

#[test]
fn a_full_disk_serves_a_valid_token() {
    let Some((test, _disk)) = on_a_small_disk() else { return };
    let token = test.token();
    test.age_token(3560);
    fill(&test);
    assert_eq!(test.get().warned("could not write"), token);
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn a_read_only_folder_serves_a_valid_token_and_sends_no_request() {
    let test = Test::new();
    let Some(tmpfs) = Tmpfs::mount(&test.state(), "size=1m,mode=700") else { return };
    tmpfs.remount("ro");
    test.get().failed(74, "store");
    assert_eq!(test.sandbox.token_requests(), 0);
    tmpfs.remount("rw");
    let token = test.token();
    test.age_token(3560);
    tmpfs.remount("ro");
    assert_eq!(test.get().warned("could not"), token);
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn a_state_folder_that_is_removed_under_load_is_recreated() {
    let mut test = Test::new();
    let deep = test.dir.path().join("a/b/c");
    test.set("ZOHO_CRED_STATE_DIR", deep.to_str().unwrap());
    test.sandbox.set_limits(|limits| limits.budget = 10_000).unwrap();
    let removed = Arc::new(AtomicU32::new(0));
    let remover = std::thread::spawn({
        let (folder, removed) = (test.dir.path().join("a"), Arc::clone(&removed));
        move || {
            while removed.load(Ordering::Relaxed) < 10 {
                removed.fetch_add(u32::from(std::fs::remove_dir_all(&folder).is_ok()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(100));
            }
        }
    });
    while removed.load(Ordering::Relaxed) < 10 {
        for outcome in test.run_many(10, "get") {
            outcome.ok();
        }
    }
    remover.join().unwrap();
}

#[test]
fn a_state_folder_whose_path_is_too_long_for_its_lock_is_an_error() {
    let mut test = Test::new();
    let mut deep = test.dir.path().to_owned();
    while deep.as_os_str().len() < 4_030 {
        let left = 4_030 - deep.as_os_str().len();
        deep.push("d".repeat(if left > 400 { 200 } else { left.div_ceil(2).max(2) - 1 }));
    }
    assert!((4_030..4_040).contains(&deep.as_os_str().len()));
    std::fs::create_dir_all(&deep).unwrap();
    test.set("ZOHO_CRED_STATE_DIR", deep.to_str().unwrap());
    test.call("get").under("timeout 20").run().failed(74, "store");
    assert_eq!(test.sandbox.token_requests(), 0);
}

#[test]
fn files_left_by_a_killed_call_are_removed_by_the_next() {
    let test = Test::new();
    test.sandbox.set_fault(Fault::new(Endpoint::Token, FaultKind::Hang).times(1));
    test.start_request("get").kill();
    let left = || test.state_files().iter().filter(|file| file.to_string_lossy().contains(".new-")).count();
    assert_eq!(left(), 2, "{:?}", test.state_files());
    test.get().ok();
    assert_eq!(left(), 0, "{:?}", test.state_files());
}

#[test]
fn the_token_is_printed_although_it_cannot_be_stored() {
    let test = Test::new();
    test.get().ok();
    let cache = test.state_file("credentials");
    test.sandbox.set_limits(|limits| limits.latency = std::time::Duration::from_secs(1)).unwrap();
    let running = test.start_request("get --refresh");
    std::fs::remove_file(&cache).unwrap();
    std::fs::create_dir(&cache).unwrap();
    running.wait().warned("could not be kept");
    test.fault(FaultKind::Delay { ms: 1 });
    test.get().ok();
}

#[test]
fn an_unreadable_login_is_replaced_by_a_new_one() {
    for room in ["profile-", "refresh-token-", "client-secret-"] {
        let test = Test::new().with_profile();
        test.get().ok();
        std::fs::write(test.secret(room), "junk").unwrap();
        test.run("get crm --refresh").failed(77, "login_required");
        let requests = test.sandbox.token_requests();
        let test = test.with_profile();
        test.run("get crm --refresh").ok();
        assert_eq!(test.sandbox.token_requests(), requests + 1);
        test.run("logout crm -q").ok();
        test.run("get crm").failed(77, "login_required");
    }
}

#[test]
fn a_login_of_another_profile_that_cannot_be_read_stops_nobody() {
    let test = Test::new().with_profile();
    test.get().ok();
    let other = test.state().join(format!("secrets/profile-{}.json", "0".repeat(64)));
    std::fs::write(&other, "junk").unwrap();
    test.run("logout crm -q").ok();
    assert_eq!(std::fs::read(&other).unwrap(), b"junk");
}
