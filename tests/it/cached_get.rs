//! A cached `get` opens only a few small files, and config edits take effect immediately.

use crate::harness::{Test, have};

fn trace(test: &Test) -> Vec<String> {
    let log = test.dir.path().join("trace");
    test.call("get").under(["strace", "-f", "-o", log.to_str().unwrap()]).run().ok();
    std::fs::read_to_string(log).unwrap().lines().map(str::to_owned).collect()
}

fn opened<'a>(trace: &'a [String], below: &str) -> Vec<&'a String> {
    let opens = |line: &&String| line.contains("openat(") || line.contains(" open(");
    let found = trace.iter().filter(|line| line.contains(below) && !line.contains("ENOENT"));
    found.filter(opens).collect()
}

#[test]
fn no_socket_no_lock_no_thread() {
    if !have("strace") {
        return;
    }
    for (test, files) in [(Test::new(), 1), (Test::new().with_profile(), 3)] {
        test.get().ok();
        let trace = trace(&test);
        for call in ["socket(", "flock(", "clone(", "clone3(", "fsync(", "rename(", "connect("] {
            assert!(!trace.iter().any(|line| line.contains(call)), "{call}: {trace:#?}");
        }
        let state = opened(&trace, test.state().to_str().unwrap());
        assert!(state.len() <= files, "{state:#?}");
        assert!(opened(&trace, "config.toml").len() <= 1, "{trace:#?}");
    }
}

#[test]
fn an_edit_shows_at_once() {
    let test = Test::new().with_profile();
    test.get().ok();
    let header = test.run("get -o header");
    assert!(header.ok().starts_with("Authorization: Zoho-oauthtoken "));
    let text = test.read_config();
    std::fs::write(test.config(), format!("{text}scheme = \"bearer\"\n")).unwrap();
    assert!(test.run("get -o header").ok().starts_with("Authorization: Bearer "));
    std::fs::write(test.config(), text.replace("client_id = \"", "client_id = \"x")).unwrap();
    assert_ne!(test.get().code, 0, "a token of the old client");
    std::fs::remove_file(test.config()).unwrap();
    test.get().failed(2, "usage");
}
