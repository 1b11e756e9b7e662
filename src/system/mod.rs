//! The outside: each port beside its one real adapter. Everything else in the library gets it passed in.

pub mod browser;
mod clock;
mod env;
mod file_system;
pub(crate) mod files;
mod http;
mod https;
mod lookup;
mod output_file;
pub(crate) mod password_prompt;
pub(crate) mod peer;
pub mod process;
mod signals;
mod spinner;
pub(crate) mod stdio;
mod terminal;

pub use browser::Browser;
pub(crate) use browser::DesktopBrowser;
pub(crate) use clock::Deadline;
pub use clock::{Clock, RealClock};
pub use env::Env;
pub(crate) use env::secret_variables;
pub use file_system::FileSystem;
pub use http::{Http, HttpAnswer, HttpFailure, HttpRequest, Method};
pub use https::{Https, Roots};
pub(crate) use output_file::OutputFile;
pub use process::harden;
pub use signals::Signals;
pub(crate) use spinner::Spinner;
pub(crate) use stdio::Stdin;
pub use stdio::Stdout;
pub use terminal::Terminal;

use crate::error::Error;
use crate::i18n::{hang, tr};
use crate::sanitize::sanitize_lines;
use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::path::Path;
use std::rc::Rc;

/// Makes an HTTP adapter that believes the given certificate authorities.
pub type OpenHttp = Box<dyn Fn(&Roots) -> Result<Box<dyn Http>, Error>>;

/// All that a call may touch: clock, network, streams, variables.
pub struct System {
    /// The environment's variables.
    pub env: Env,
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// Makes the HTTP adapter once the TLS roots are known; called on the cold path only.
    pub http: OpenHttp,
    /// What kind of file system a path is on.
    pub file_system: fn(&Path) -> FileSystem,
    /// The person's browser.
    pub browser: Box<dyn Browser>,
    /// Signals that end the call.
    pub signals: Signals,
    /// What is a terminal.
    pub terminal: Terminal,
    /// Standard input.
    pub stdin: Box<dyn Read>,
    /// Standard output.
    pub stdout: Box<dyn Write>,
    /// Standard error; shared, as waiting is told from deep inside a call.
    pub stderr: RefCell<Box<dyn Write>>,
    /// Whether a line of [`Spinner`] stands on the terminal, which words take the place of.
    pub waits: Rc<Cell<bool>>,
}

impl System {
    /// The real one.
    pub fn real() -> Self {
        System {
            env: Env::real(),
            clock: Rc::new(RealClock::default()),
            http: Box::new(|roots| Ok(Box::new(Https::new(roots)?))),
            file_system: FileSystem::of,
            browser: Box::new(DesktopBrowser),
            signals: Signals::default(),
            terminal: Terminal::real(),
            stdin: Box::new(Stdin),
            stdout: Box::new(Stdout),
            stderr: RefCell::new(Box::new(std::io::stderr())),
            waits: Rc::default(),
        }
    }

    /// Whether words on stderr may be coloured, bold or links.
    pub(crate) fn styles_stderr(&self) -> bool {
        self.terminal.color.unwrap_or(self.terminal.stderr && self.wants_color())
    }

    /// Whether words on stdout may be coloured or bold.
    pub(crate) fn styles_stdout(&self) -> bool {
        self.terminal.color.unwrap_or(self.terminal.stdout && self.wants_color())
    }

    /// See <https://no-color.org>.
    fn wants_color(&self) -> bool {
        self.env.get("NO_COLOR").is_none_or(str::is_empty) && self.env.get("TERM") != Some("dumb")
    }

    /// Writes lines of words to stderr; on a terminal what we say ourselves breaks between words. It does not matter if
    /// nobody can read it.
    pub fn say(&self, words: &str) {
        let words = &sanitize_lines(words);
        let Some(columns) = self.terminal.stderr_columns() else { return self.say_as_it_is(words) };
        let fold = |line: &str| match line.starts_with("zoho-cred: ") {
            true => hang(line, columns, 2),
            false => line.to_owned(),
        };
        self.say_as_it_is(&words.split('\n').map(fold).collect::<Vec<_>>().join("\n"));
    }

    /// Writes lines to stderr that are to be pasted.
    pub(crate) fn say_as_it_is(&self, words: &str) {
        self.say_styled(&sanitize_lines(words));
    }

    /// Writes lines to stderr that hold escape sequences of ours; the caller has sanitized everything else in them.
    pub(crate) fn say_styled(&self, words: &str) {
        let mut stderr = self.stderr.borrow_mut();
        let instead = if self.waits.get() { spinner::EMPTY_LINE } else { "" };
        let _ = writeln!(stderr, "{instead}{words}").and_then(|()| stderr.flush());
    }

    /// Writes words to stderr and stays on the line: a question.
    pub(crate) fn say_part(&self, words: &str) {
        let mut stderr = self.stderr.borrow_mut();
        let _ = write!(stderr, "{}", sanitize_lines(words)).and_then(|()| stderr.flush());
    }

    /// Writes a warning to stderr.
    pub fn warn(&self, words: &str) {
        self.say(&tr!("zoho-cred: warning: {words}", words));
    }

    /// Writes a result to stdout; [`Error::Stdout`] where it does not arrive.
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.stdout.write_all(bytes).and_then(|()| self.stdout.flush());
        written.map_err(|error| Error::Stdout { problem: error.to_string() })
    }
}
