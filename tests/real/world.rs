//! Shared by the tests with real programs.

use crate::harness::web::Request;
pub use crate::harness::web::{Answer, Web};
use crate::harness::{Outcome, PROGRAM, Test, have, or_skipped};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Whether all programs are installed; see [`have`].
pub fn have_all(programs: &[&str]) -> bool {
    programs.iter().all(|program| have(program))
}

/// Adds our three program names to the test's PATH.
pub fn on_path(mut test: Test) -> Test {
    let bin = test.dir.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    for name in ["zoho-cred", "git-credential-zoho", "credential-helper-zoho"] {
        std::os::unix::fs::symlink(PROGRAM, bin.join(name)).unwrap();
    }
    let path = std::env::var("PATH").unwrap();
    test.set("PATH", &format!("{}:{path}", bin.display()));
    test
}

/// A test with our programs on PATH, and its token, if all of these programs are installed.
pub fn with_tools(programs: &[&str]) -> Option<(Test, String)> {
    if !have_all(programs) {
        return None;
    }
    let test = on_path(Test::new());
    let token = test.token();
    Some((test, token))
}

/// Runs a program in the test's environment.
pub fn run(test: &Test, program: &str, args: &[&str]) -> Outcome {
    test.start(command(test, program, args)).wait()
}

pub fn command(test: &Test, program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(test.vars()).stdin(Stdio::null()).current_dir(test.dir.path());
    command
}

/// Runs a bash script in the test's environment.
pub fn bash(test: &Test, script: &str) -> Outcome {
    run(test, "bash", &["-euo", "pipefail", "-c", script])
}

/// Runs a program with a text as its stdin.
pub fn run_with(test: &Test, program: &str, args: &[&str], stdin: &str) -> Outcome {
    let file = test.file("stdin", stdin);
    let mut command = command(test, program, args);
    command.stdin(Stdio::from(std::fs::File::open(file).unwrap()));
    test.start(command).wait()
}

/// Returns a command after checking that docs/protocols.md shows it.
#[track_caller]
pub fn documented(form: &str) -> &str {
    let text = include_str!("../../docs/protocols.md");
    assert!(form.lines().all(|line| text.contains(line)), "docs/protocols.md does not show: {form}");
    form
}

/// The YAML block of a page that starts with this text.
#[track_caller]
pub fn shown<'a>(page: &'a str, begin: &str) -> &'a str {
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.into_iter().find(|block| block.starts_with(begin)).unwrap_or_else(|| panic!("no block {begin}"))
}

impl Request {
    pub fn authorization(&self) -> Option<&str> {
        self.headers.get("authorization").map(String::as_str)
    }
}

impl Web {
    /// A server that answers 200 with the received `Authorization` header as its body.
    pub fn echo() -> Web {
        Web::start(|request| {
            Answer("200 OK", String::new(), request.authorization().unwrap_or("nothing").to_owned())
        })
    }
}

/// Command lines of all processes whose arguments contain `text`.
pub fn command_lines_with(text: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    lines.filter(|line| line.contains(text)).collect()
}

/// A Python with a set of packages of `tests/packages`; see [`packages`].
pub fn python(set: &str) -> Option<PathBuf> {
    have("python3").then(|| packages(set))?.map(|folder| folder.join("venv/bin/python"))
}

/// The folder with a set of packages, which `tests/packages` installs once. If that is impossible, prints that the test is
/// skipped, or fails if `CI=true`.
pub fn packages(set: &str) -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/packages");
    let installed = Command::new(script).args([env!("CARGO_TARGET_TMPDIR"), set]).status().unwrap().success();
    let installed = or_skipped(installed, &format!("the packages for {set} cannot be installed"));
    installed.then(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join(set))
}

/// Parses YAML and returns it as JSON.
pub fn yaml(python: &Path, text: &str) -> serde_json::Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.argv[1]), sys.stdout)";
    let output = Command::new(python).args(["-c", script, text]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}\n{text}"))
}
