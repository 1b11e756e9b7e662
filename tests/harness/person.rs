//! A user at a pseudo-terminal with echo, unless the program turns it off. (rexpect's terminals never echo.)

use super::call::{Args, Call};
use super::{Test, until};
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};
use std::process::{Command, Stdio};

/// A user who runs `zoho-cred`.
pub struct Person {
    pub pty: PtySession,
    pub tty: String,
    shown: String,
}

impl Person {
    pub fn calls(test: &Test, args: impl Args) -> Self {
        Person::runs(test.call(args))
    }

    pub fn runs(call: Call<'_>) -> Self {
        let mut shell = call.under(["sh", "-c", r#"stty echo; tty; exec "$@""#, "sh"]).command();
        shell.stdin(Stdio::inherit());
        let mut pty = spawn_command(shell, Some(30_000)).unwrap();
        let tty = pty.read_line().unwrap().trim().to_owned();
        Person { pty, tty, shown: String::new() }
    }

    /// Reads the output up to this text.
    pub fn reads(&mut self, words: &str) {
        let before = self.pty.exp_string(words).unwrap_or_else(|error| panic!("{words}: {error}"));
        self.shown.push_str(&before);
        self.shown.push_str(words);
    }

    /// Reads up to a line that starts with this text, and returns the line.
    pub fn finds(&mut self, begin: &str) -> String {
        let (before, line) = self.pty.exp_regex(&format!(r"\n *{begin}[^\r\n]*\r")).unwrap();
        self.shown.push_str(&before);
        self.shown.push_str(&line);
        line.trim().to_owned()
    }

    /// Types a line after a prompt. If the prompt says "not shown", waits until echo is off.
    pub fn answers(&mut self, question: &str, answer: &str) {
        self.reads(question);
        if question.contains("(not shown)") {
            until("the terminal to hide what is typed", || !self.echoes());
        }
        self.pty.send_line(answer).unwrap();
    }

    /// Whether the terminal echoes input.
    pub fn echoes(&self) -> bool {
        let stty = Command::new("stty").args(["-F", &self.tty, "-a"]).output().unwrap();
        !String::from_utf8_lossy(&stty.stdout).contains(" -echo ")
    }

    /// Waits for the end with this exit code and returns the whole output.
    #[track_caller]
    pub fn ends(self, expected: i32) -> String {
        let (code, shown) = self.leaves();
        assert_eq!(code, expected, "{shown}");
        shown
    }

    /// Waits for the end and returns the exit code and the whole output.
    pub fn leaves(mut self) -> (i32, String) {
        self.shown.push_str(&self.pty.exp_eof().unwrap());
        match self.pty.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, self.shown),
            status => panic!("{status:?}: {}", self.shown),
        }
    }
}
