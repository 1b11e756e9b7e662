//! `--watch` for the other containers of a pod: `--health-file` for probes, and `--reject-file` for programs without ours.

use crate::harness::{Running, Test, mkfifo, mode, until};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

struct Sidecar {
    test: Test,
    running: Running,
    token: PathBuf,
    health: PathBuf,
    reject: PathBuf,
}

impl Sidecar {
    fn start() -> Self {
        let test = Test::new();
        let [token, health, reject] = ["shared/zoho-cred/token", "shared/zoho-cred/health", "shared/reject"]
            .map(|p| test.dir.path().join(p));
        let [t, h, r] = [&token, &health, &reject].map(|path| path.to_str().unwrap());
        let args =
            ["get", "--watch", "--output-file", t, "--mode", "0640", "--health-file", h, "--reject-file", r];
        let running = test.call(args).start();
        until("a token", || !read(&token).is_empty());
        Sidecar { test, running, token, health, reject }
    }

    /// Writes the file as a program should, so that no half of it is read.
    fn report(&self, content: impl AsRef<[u8]>) {
        let new = self.reject.with_extension("new");
        std::fs::write(&new, content).unwrap();
        std::fs::rename(new, &self.reject).unwrap();
    }

    fn warnings(&self) -> usize {
        self.running.stderr().matches("warning").count()
    }
}

#[test]
fn the_health_file_is_replaced_at_every_look() {
    let sidecar = Sidecar::start();
    let health = sidecar.health.to_str().unwrap();
    until("a health file", || !read(&sidecar.health).is_empty());
    let first = read(&sidecar.health);
    assert_eq!(sidecar.test.run(["health", health]).ok(), "");
    assert_eq!(mode(&sidecar.health), 0o640);
    until("the next look", || !["", &first].contains(&&*read(&sidecar.health)));
    sidecar.running.terminate();
    for content in ["2020-01-01T00:00:00Z\n", ""] {
        std::fs::write(&sidecar.health, content).unwrap();
        // Regression: the hint was to check the network.
        sidecar.test.run(["health", health]).failed_with(69, "unavailable", "get --watch");
    }
    std::fs::remove_file(&sidecar.health).unwrap();
    sidecar.test.run(["health", health]).failed(74, "store");
    assert_eq!(sidecar.test.sandbox.token_requests(), 1);
}

#[test]
fn a_refused_token_in_the_reject_file_is_replaced() {
    let sidecar = Sidecar::start();
    let old = read(&sidecar.token);
    sidecar.report("1000.another.token");
    until("it to be read", || !sidecar.reject.exists());
    sidecar.report(format!("Zoho-oauthtoken {old}\n"));
    until("another token", || !["", &old].contains(&&*read(&sidecar.token)));
    assert!(!sidecar.reject.exists());
    assert_eq!((sidecar.test.sandbox.token_requests(), sidecar.warnings()), (2, 0));
    let new = read(&sidecar.token);
    sidecar.report(&new);
    let warning = sidecar.running.said("zoho-cred: warning:");
    assert!(warning.contains("Zoho says that the token is valid"), "{warning}");
    assert_eq!((read(&sidecar.token), sidecar.test.sandbox.token_requests()), (new, 2));
    sidecar.running.terminate().hides(&[&old]);
}

#[test]
fn anything_else_in_place_of_the_reject_file_is_removed_with_one_warning() {
    let sidecar = Sidecar::start();
    let token = read(&sidecar.token);
    let target = sidecar.test.file("target", &token);
    let reject = &sidecar.reject;
    let plants: [(&str, &dyn Fn()); 4] = [
        ("is not a token", &|| sidecar.report("junk\u{1b}[2J\n")),
        ("larger than 64 KiB", &|| sidecar.report(vec![b'a'; 1 << 20])),
        ("", &|| symlink(&target, reject).unwrap()),
        ("not a regular file", &|| mkfifo(reject)),
    ];
    for (nth, (problem, plant)) in plants.iter().enumerate() {
        plant();
        until("it to be removed", || !reject.is_symlink() && !reject.exists());
        until("a warning", || sidecar.warnings() == nth + 1);
        let stderr = sidecar.running.stderr();
        assert!(stderr.contains(problem) && !stderr.contains('\u{1b}'), "{stderr}");
        // A good file ends the silence after a warning.
        sidecar.report("1000.another.token");
        until("it to be read", || !reject.exists());
    }
    sidecar.report("junk");
    until("it to be removed", || !reject.exists());
    std::fs::create_dir(reject).unwrap();
    let before = read(&sidecar.health);
    until("the next look", || !["", &before].contains(&&*read(&sidecar.health)));
    until("a warning", || sidecar.warnings() == plants.len() + 1);
    assert_eq!(read(&target), token);
    assert_eq!((read(&sidecar.token), sidecar.test.sandbox.token_requests()), (token, 1));
    sidecar.running.terminate();
}

#[test]
fn the_files_are_for_watch_and_must_differ() {
    let test = Test::new();
    for flag in ["--health-file", "--reject-file"] {
        test.run(["get", "--output-file", "x", flag, "y"]).failed(2, "usage");
        let same = test.dir.path().join("same");
        let same = same.to_str().unwrap();
        test.run(["get", "--watch", "--output-file", same, flag, same]).failed(2, "usage");
    }
    let link = test.dir.path().join("link");
    symlink("/dev/null", &link).unwrap();
    let watch = test.call("get --watch --output-file").arg(test.dir.path().join("token"));
    watch.arg("--health-file").arg(link).run().failed(74, "store");
    assert_eq!(test.sandbox.token_requests(), 0);
}
