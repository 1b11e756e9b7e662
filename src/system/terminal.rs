//! Which streams are a terminal, that is, whether a person is there.

use std::io::IsTerminal;

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
}

impl Terminal {
    /// The process's own streams.
    pub fn real() -> Self {
        Terminal {
            stdin: std::io::stdin().is_terminal(),
            stdout: std::io::stdout().is_terminal(),
            stderr: std::io::stderr().is_terminal(),
            color: None,
        }
    }
}
