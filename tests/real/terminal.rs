//! `exec` on a terminal: stopping, ending and resizing work as without `exec`.

use crate::harness::{PROGRAM, Test, have};
use rexpect::session::{PtyReplSession, spawn_bash};
use std::process::Command;

/// A bash with a cached token; `None` without bash.
fn shell() -> Option<(Test, PtyReplSession)> {
    if !have("bash") {
        return None;
    }
    let test = Test::new();
    test.get().ok();
    // The default, `quit`, is no command of bash: every test would wait until the session kills it.
    let mut shell = spawn_bash(Some(30_000)).unwrap().quit_command(Some("exit".to_owned()));
    for (name, value) in test.vars() {
        shell.send_line(&format!("export {name}='{value}'")).unwrap();
        shell.wait_for_prompt().unwrap();
    }
    shell.send_line(&format!("alias zc='{PROGRAM}'; shopt -s expand_aliases; set -m")).unwrap();
    shell.wait_for_prompt().unwrap();
    Some((test, shell))
}

fn say(shell: &mut PtyReplSession, line: &str) -> String {
    shell.send_line(line).unwrap();
    shell.wait_for_prompt().unwrap()
}

#[test]
fn ctrl_c_ends_the_command() {
    let Some((_test, mut shell)) = shell() else { return };
    shell.send_line("zc exec -- sh -c 'echo begun; exec sleep 100'").unwrap();
    shell.exp_string("begun\r").unwrap();
    shell.send_control('c').unwrap();
    shell.wait_for_prompt().unwrap();
    assert!(say(&mut shell, "echo code=$?").contains("code=130"));
}

#[test]
fn ctrl_z_stops_it_and_fg_goes_on() {
    let Some((_test, mut shell)) = shell() else { return };
    shell.send_line("zc exec -- sh -c 'echo begun; read line; echo got=$line'").unwrap();
    shell.exp_string("begun\r").unwrap();
    shell.send_control('z').unwrap();
    shell.wait_for_prompt().unwrap();
    let jobs = say(&mut shell, "jobs");
    assert!(jobs.contains("Stopped"), "{jobs}");
    shell.send_line("fg").unwrap();
    shell.send_line("again").unwrap();
    shell.exp_string("got=again").unwrap();
    shell.wait_for_prompt().unwrap();
    let jobs = say(&mut shell, "jobs; echo code=$?");
    assert!(jobs.contains("code=0") && !jobs.contains("Stopped"), "{jobs}");
}

#[test]
fn the_window_has_its_size_and_tells_when_it_changes() {
    let Some((_test, mut shell)) = shell() else { return };
    let tty = say(&mut shell, "tty");
    let tty = tty.lines().map(str::trim).find(|line| line.starts_with("/dev/")).unwrap().to_owned();
    say(&mut shell, "stty rows 33 cols 77");
    assert!(say(&mut shell, "zc exec -- stty size").contains("33 77"));
    let script = "trap '\\''stty size; exit'\\'' WINCH; echo begun; while :; do sleep 0.05; done";
    shell.send_line(&format!("zc exec -- bash -c '{script}'")).unwrap();
    shell.exp_string("begun\r").unwrap();
    let resized = Command::new("stty").args(["-F", &tty, "rows", "44", "cols", "99"]).status().unwrap();
    assert!(resized.success());
    shell.exp_string("44 99").unwrap();
    shell.wait_for_prompt().unwrap();
}
