//! Which streams are terminals, that is, whether a user is present.

/// Moves to the start of the line and clears it.
pub(crate) const EMPTY_LINE: &str = "\r\u{1b}[2K";
/// Limits of [`Terminal::columns`].
const NARROWEST: usize = 40;
const WIDEST: usize = 100;

/// The streams that are terminals.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terminal {
    /// Standard input: a user can answer.
    pub stdin: bool,
    /// Standard output: a user reads the result.
    pub stdout: bool,
    /// Standard error: a user sees what the call waits for.
    pub stderr: bool,
    /// The value of `--color`. `None` means: colors on terminals only.
    pub color: Option<bool>,
    /// Whether to show only errors.
    pub quiet: bool,
}

impl Terminal {
    /// The streams of this process.
    pub fn real() -> Self {
        let [stdin, stdout, stderr] = are_terminals();
        Terminal { stdin, stdout, stderr, color: None, quiet: false }
    }

    /// Width of the terminal on stdout. `None` if it is not a terminal or reports no width.
    pub(crate) fn stdout_columns(&self) -> Option<usize> {
        columns(&Terminal { stderr: false, ..*self })
    }

    /// Width of the terminal on stderr. `None` if it is not a terminal or reports no width.
    pub(crate) fn stderr_columns(&self) -> Option<usize> {
        columns(&Terminal { stdout: false, ..*self })
    }

    /// Width for wrapping text: that of the terminal on stdout or stderr, within readable limits.
    pub fn columns(&self) -> usize {
        columns(self).map_or(WIDEST, |columns| columns.clamp(NARROWEST, WIDEST))
    }
}

/// Width of the terminal on stderr.
pub(crate) fn stderr_columns() -> usize {
    columns(&Terminal { stderr: true, ..Terminal::default() }).unwrap_or(80)
}

/// Avoids the standard library's handles, which allocate buffers.
#[cfg(unix)]
fn are_terminals() -> [bool; 3] {
    use rustix::stdio::{stderr, stdin, stdout};
    [stdin(), stdout(), stderr()].map(rustix::termios::isatty)
}

/// Turns on the console's escape sequences, which are off in older consoles.
#[cfg(windows)]
fn are_terminals() -> [bool; 3] {
    use std::io::{IsTerminal, stderr, stdin, stdout};
    anstyle_query::windows::enable_ansi_colors();
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

#[cfg(windows)]
fn columns(terminal: &Terminal) -> Option<usize> {
    let (width, _) = terminal_size::terminal_size().filter(|_| terminal.stdout || terminal.stderr)?;
    Some(width.0.into())
}
