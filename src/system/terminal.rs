//! Which streams are a terminal, that is, whether a person is there.

/// The bounds of [`Terminal::columns`].
const NARROWEST: usize = 40;
const WIDEST: usize = 100;

/// What is a terminal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Standard input: a person can answer.
    pub stdin: bool,
    /// Standard output: a person reads the result.
    pub stdout: bool,
    /// Standard error: a person sees what is being waited for.
    pub stderr: bool,
    /// What `--color` said of colours; `None` leaves it to the terminal.
    pub color: Option<bool>,
    /// Whether nothing is to be shown but errors.
    pub quiet: bool,
}

impl Terminal {
    /// The process's own streams.
    pub fn real() -> Self {
        let [stdin, stdout, stderr] = are_terminals();
        Terminal { stdin, stdout, stderr, color: None, quiet: false }
    }

    /// The columns of the terminal that standard error is; `None` where it is none, or does not tell.
    pub(crate) fn stderr_columns(&self) -> Option<usize> {
        columns(&Terminal { stdout: false, ..*self })
    }

    /// For a page of text: the columns of the terminal that standard output or error is, but no more than a line can
    /// be read in.
    pub fn columns(&self) -> usize {
        columns(self).map_or(WIDEST, |columns| columns.clamp(NARROWEST, WIDEST))
    }
}

/// The columns of the terminal that standard error is.
pub(crate) fn stderr_columns() -> usize {
    columns(&Terminal { stderr: true, ..Terminal::default() }).unwrap_or(80)
}

/// Past the standard library's handles, which make their buffers first.
#[cfg(unix)]
fn are_terminals() -> [bool; 3] {
    use rustix::stdio::{stderr, stdin, stdout};
    [stdin(), stdout(), stderr()].map(rustix::termios::isatty)
}

#[cfg(not(unix))]
fn are_terminals() -> [bool; 3] {
    use std::io::{IsTerminal, stderr, stdin, stdout};
    [stdin().is_terminal(), stdout().is_terminal(), stderr().is_terminal()]
}

#[cfg(unix)]
fn columns(terminal: &Terminal) -> Option<usize> {
    let size = match (terminal.stdout, terminal.stderr) {
        (true, _) => rustix::termios::tcgetwinsize(rustix::stdio::stdout()),
        (_, true) => rustix::termios::tcgetwinsize(rustix::stdio::stderr()),
        _ => return None,
    };
    size.ok().map(|size| size.ws_col.into()).filter(|columns| *columns > 0)
}

#[cfg(not(unix))]
fn columns(terminal: &Terminal) -> Option<usize> {
    (terminal.stdout || terminal.stderr).then_some(80)
}
