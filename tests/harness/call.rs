//! A call of the program: its arguments, environment and stdin, then `run` or `start`.

use super::{Outcome, Running, Test, random};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::{Command, Stdio};

/// Arguments: a text of words separated by blanks, or a list.
pub trait Args {
    fn words(&self) -> Vec<OsString>;
}

impl Args for str {
    fn words(&self) -> Vec<OsString> {
        self.split_whitespace().map(Into::into).collect()
    }
}

impl<T: AsRef<OsStr>> Args for [T] {
    fn words(&self) -> Vec<OsString> {
        self.iter().map(Into::into).collect()
    }
}

impl<T: AsRef<OsStr>, const N: usize> Args for [T; N] {
    fn words(&self) -> Vec<OsString> {
        self.as_slice().words()
    }
}

impl<T: AsRef<OsStr>> Args for Vec<T> {
    fn words(&self) -> Vec<OsString> {
        self.as_slice().words()
    }
}

impl<A: Args + ?Sized> Args for &A {
    fn words(&self) -> Vec<OsString> {
        (**self).words()
    }
}

/// A call that has not started yet.
#[must_use]
pub struct Call<'t> {
    test: &'t Test,
    /// The program, after the one that runs it, if any.
    program: Vec<OsString>,
    args: Vec<OsString>,
    vars: Vec<(String, OsString)>,
    stdin: Stdin,
}

enum Stdin {
    Null,
    /// Written by [`Running::stdin`].
    Open,
    Text(Vec<u8>),
}

impl<'t> Call<'t> {
    pub fn new(test: &'t Test, program: impl Args) -> Self {
        let program = program.words();
        Call { test, program, args: Vec::new(), vars: Vec::new(), stdin: Stdin::Null }
    }

    pub fn args(mut self, args: impl Args) -> Self {
        self.args.extend(args.words());
        self
    }

    pub fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.vars.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn stdin(mut self, text: impl AsRef<[u8]>) -> Self {
        self.stdin = Stdin::Text(text.as_ref().to_owned());
        self
    }

    /// Leaves stdin open, for [`Running::stdin`] and [`Running::type_in`].
    pub fn open_stdin(mut self) -> Self {
        self.stdin = Stdin::Open;
        self
    }

    /// Adds a flag with a file that contains `text`. Each call has a file of its own: an earlier one may still be read.
    pub fn file(self, flag: &str, text: &str) -> Self {
        let file = self.test.file(&format!("given-{:x}", random(u64::MAX)), text);
        self.arg(flag).arg(file)
    }

    /// Lets another program, such as strace, run the program.
    pub fn under(mut self, runner: impl Args) -> Self {
        self.program.splice(0..0, runner.words());
        self
    }

    pub fn arguments(self) -> Vec<OsString> {
        self.args
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).args(&self.args).env_clear().envs(self.test.vars());
        let vars = self.vars.iter().map(|(name, value)| (name, value));
        command.envs(vars).stdin(if matches!(self.stdin, Stdin::Null) {
            Stdio::null()
        } else {
            Stdio::piped()
        });
        command
    }

    pub fn start(self) -> Running {
        let mut running = self.test.start(self.command());
        if let Stdin::Text(text) = self.stdin {
            running.unread = running.child.stdin.take().unwrap().write_all(&text).is_err();
        }
        running
    }

    pub fn run(self) -> Outcome {
        self.start().wait()
    }
}
