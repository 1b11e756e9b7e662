//! The release chain: what the workflows may do, and what the SBOM lists.

use crate::harness::{PROGRAM, files_below};
use crate::world::have_all;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn workflows() -> Vec<(PathBuf, String)> {
    let paths = files_below(&root().join(".github/workflows"));
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn workflow(name: &str) -> String {
    workflows().into_iter().find(|(path, _)| path.ends_with(name)).unwrap().1
}

/// The name and text of each job of a workflow.
fn jobs(workflow: &str) -> Vec<(&str, String)> {
    let mut jobs: Vec<(&str, String)> = Vec::new();
    for line in workflow.lines().skip_while(|line| *line != "jobs:").skip(1) {
        match line.strip_prefix("  ").and_then(|rest| rest.strip_suffix(':')) {
            Some(name) if !name.starts_with(' ') => jobs.push((name, String::new())),
            _ => jobs.last_mut().into_iter().for_each(|(_, text)| *text += &format!("{line}\n")),
        }
    }
    jobs
}

#[test]
fn workflow_actions_are_pinned_by_commit_with_their_version() {
    let mut seen = 0;
    for (path, text) in workflows() {
        for line in text.lines().filter(|line| line.contains("uses:") && !line.contains("uses: ./")) {
            seen += 1;
            let pin = line.split_once('@').and_then(|(_, pin)| pin.split_once(" # "));
            let is_pinned = pin.is_some_and(|(commit, version)| {
                let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_commit && version.starts_with('v') && version.split('.').count() == 3
            });
            assert!(is_pinned, "{path:?}: {line}");
        }
    }
    assert!(seen >= 5, "only {seen} actions found");
}

#[test]
fn the_jobs_that_may_attest_or_publish_run_no_code_of_the_repository() {
    let release = workflow("release.yml");
    assert!(release.contains("\npermissions: {}\n"));
    let mut privileged = Vec::new();
    for (name, text) in jobs(&release) {
        let tools = [".ci/", "packaging/", "uses: ./", "cargo", "rustup", "install.sh", "tests/"];
        let runs_code = tools.iter().any(|tool| text.contains(tool));
        let writes: Vec<_> = text.lines().map(str::trim).filter(|line| line.contains(": write")).collect();
        assert!(!runs_code || writes.is_empty(), "{name} runs code with {writes:?}");
        privileged.extend(writes.iter().map(|right| format!("{name} {}", right.split(" #").next().unwrap())));
    }
    let all = ["attest id-token: write", "attest attestations: write", "publish contents: write"];
    assert_eq!(privileged, all);
    for (path, text) in workflows().into_iter().filter(|(path, _)| !path.ends_with("release.yml")) {
        assert!(text.contains("\npermissions:\n  contents: read\n") && !text.contains(": write"), "{path:?}");
    }
}

#[test]
fn advisories_are_checked_weekly() {
    let text = workflow("advisories.yml");
    assert!(text.contains("schedule:") && text.contains(".ci/run advisories"), "{text}");
}

/// A program's debug information contains the source paths of its dependencies: each must be in the SBOM.
#[test]
fn the_sbom_lists_every_crate_in_the_program_and_no_build_tool() {
    if !have_all(&["python3", "cargo", "rustc"]) {
        return;
    }
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let sbom = Command::new(root().join(".ci/sbom")).arg(host).output().unwrap();
    assert!(sbom.status.success(), "{}", String::from_utf8_lossy(&sbom.stderr));
    let sbom: serde_json::Value = serde_json::from_slice(&sbom.stdout).unwrap();
    let mut listed = BTreeSet::new();
    for component in sbom["components"].as_array().unwrap() {
        assert_eq!(component["hashes"][0]["content"].as_str().map(str::len), Some(64), "{component}");
        let [name, version] = ["name", "version"].map(|key| component[key].as_str().unwrap());
        listed.insert(format!("{name}-{version}"));
    }
    let program = fs::read(PROGRAM).unwrap();
    let program = String::from_utf8_lossy(&program);
    let linked: BTreeSet<_> = program
        .split("registry/src/")
        .skip(1)
        .filter_map(|path| path.split('/').nth(1))
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte)))
        .map(str::to_owned)
        .collect();
    assert!(linked.len() > 50, "only {} crates found in {PROGRAM}", linked.len());
    let missing: Vec<_> = linked.difference(&listed).collect();
    assert!(missing.is_empty(), "in the program, but not in the SBOM: {missing:?}");
    let is_tool = |name: &String| name.starts_with("cc-1") || name.starts_with("clap_derive-");
    assert!(!listed.iter().any(is_tool), "cc and clap_derive only run during the build");
}
