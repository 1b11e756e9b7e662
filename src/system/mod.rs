//! Access to the outside world: each port beside its one real adapter. All other code gets it as an argument.

#[cfg(windows)]
pub(crate) mod acl;
mod api_http;
pub mod browser;
mod clock;
mod env;
mod file_system;
pub(crate) mod files;
mod http;
mod https;
mod lookup;
pub(crate) mod new_file;
mod output_file;
pub(crate) mod password_prompt;
pub(crate) mod peer;
pub mod process;
pub(crate) mod random;
mod signals;
mod spinner;
pub(crate) mod stdio;
mod terminal;
mod verifier;

pub use api_http::{ApiAnswer, ApiBody, ApiHttp, ApiRequest};
pub use browser::Browser;
pub(crate) use browser::DesktopBrowser;
pub(crate) use clock::Deadline;
pub use clock::{Clock, RealClock};
pub use env::Env;
pub(crate) use env::secret_variables;
pub use file_system::FileSystem;
pub use http::{Http, HttpAnswer, HttpFailure, HttpRequest, Method};
#[cfg(feature = "object-storage")]
pub(crate) use https::{AsyncClients, is_loopback_url};
pub use https::{Https, Roots};
pub(crate) use output_file::OutputFile;
pub use process::harden;
pub use signals::Signals;
pub(crate) use spinner::Spinner;
pub(crate) use stdio::Stdin;
pub use stdio::Stdout;
pub use terminal::Terminal;

use crate::error::{Code, Error};
use crate::i18n::{causes, hang, tr};
use crate::sanitize::{sanitize, sanitize_lines};
use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::path::Path;
use std::rc::Rc;

/// Creates an HTTP client that trusts the given certificate authorities.
pub type OpenHttp = Box<dyn Fn(&Roots) -> Box<dyn Http>>;

/// Creates an HTTP client for the APIs.
pub type OpenApiHttp = Box<dyn Fn(&Roots) -> Box<dyn ApiHttp>>;

/// Everything outside the process that a call may use.
pub struct System {
    /// Environment variables.
    pub env: Env,
    /// The user's language in the settings of the operating system, as a BCP 47 tag.
    pub locale: fn() -> Option<String>,
    /// The clocks.
    pub clock: Rc<dyn Clock>,
    /// Creates the HTTP client. Not called for a cached `get`.
    pub http: OpenHttp,
    /// Creates the HTTP client of `api`.
    pub api_http: OpenApiHttp,
    /// Detects the file system of a path.
    pub file_system: fn(&Path) -> FileSystem,
    /// The user's browser.
    pub browser: Box<dyn Browser>,
    /// Signals that end the call.
    pub signals: Signals,
    /// Which streams are terminals.
    pub terminal: Terminal,
    /// Standard input.
    pub stdin: Box<dyn Read>,
    /// Standard output.
    pub stdout: Box<dyn Write>,
    /// Standard error. Shared, because waits are reported deep inside a call.
    pub stderr: RefCell<Box<dyn Write>>,
    /// Whether a line of the spinner is on the terminal, which the next message replaces.
    pub waits: Rc<Cell<bool>>,
}

impl System {
    /// The real system.
    pub fn real() -> Self {
        System {
            env: Env::real(),
            locale: env::locale,
            clock: Rc::new(RealClock::default()),
            http: Box::new(|roots| Box::new(Https::new(roots))),
            api_http: Box::new(|roots| Box::new(Https::new(roots))),
            file_system: FileSystem::of,
            browser: Box::new(DesktopBrowser),
            signals: Signals::default(),
            terminal: Terminal::real(),
            stdin: Box::new(Stdin),
            stdout: Box::new(Stdout),
            stderr: RefCell::new(Box::new(io::stderr())),
            waits: Rc::default(),
        }
    }

    /// Whether stderr may have colors, bold text or links.
    pub(crate) fn styles_stderr(&self) -> bool {
        self.terminal.color.unwrap_or(self.terminal.stderr && self.wants_color())
    }

    /// Whether stdout may have colors or bold text.
    pub(crate) fn styles_stdout(&self) -> bool {
        self.terminal.color.unwrap_or(self.terminal.stdout && self.wants_color())
    }

    /// See <https://no-color.org>.
    fn wants_color(&self) -> bool {
        let can = cfg!(windows) || self.env.get("TERM").is_some_and(|term| term != "dumb");
        can && self.env.get("NO_COLOR").is_none_or(str::is_empty)
    }

    /// Whether blocks and box lines take one column. Terminals in East Asian languages may draw them in two.
    pub(crate) fn draws_lines(&self) -> bool {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| self.env.get(name));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        let is_utf8 = locale.ends_with("utf-8") || locale.ends_with("utf8");
        is_utf8 && !["ja", "ko", "zh"].iter().any(|language| locale.starts_with(language))
    }

    /// Writes lines to stderr. On a terminal, our own messages are wrapped at words. Errors are ignored.
    pub fn say(&self, text: &str) {
        self.say_styled(&self.wrapped(text));
    }

    /// Writes a message that begins with a label, such as `hint:`, which is bold and in this color on a terminal.
    pub(crate) fn say_labeled(&self, label: &str, color: LabelColor, text: &str) {
        let mut message = self.wrapped(&format!("{NAME}{label} {}", sanitize(text)));
        if self.styles_stderr() {
            let styled = format!("\u{1b}[1;{}m{label}\u{1b}[0m", color as u8);
            message = message.replacen(label, &styled, 1);
        }
        self.say_styled(&message);
    }

    fn wrapped(&self, text: &str) -> String {
        let text = sanitize_lines(text);
        let Some(columns) = self.terminal.stderr_columns() else { return text.into_owned() };
        let wrap =
            |line: &str| if line.starts_with(NAME) { hang("", line, columns, 2) } else { line.to_owned() };
        text.split('\n').map(wrap).collect::<Vec<_>>().join("\n")
    }

    /// Writes lines to stderr without wrapping, so that they can be pasted.
    pub(crate) fn say_as_it_is(&self, text: &str) {
        self.say_styled(&sanitize_lines(text));
    }

    /// Writes lines with our escape sequences to stderr. The caller has sanitized everything else.
    pub(crate) fn say_styled(&self, text: &str) {
        let mut stderr = self.stderr.borrow_mut();
        let prefix = if self.waits.get() { terminal::EMPTY_LINE } else { "" };
        let _ = writeln!(stderr, "{prefix}{text}").and_then(|()| stderr.flush());
    }

    /// Writes a question to stderr without a line break at its end.
    pub(crate) fn say_part(&self, text: &str) {
        let mut stderr = self.stderr.borrow_mut();
        let _ = write!(stderr, "{}", self.question(text)).and_then(|()| stderr.flush());
    }

    /// A question, wrapped on a terminal so that the answer begins on the same line.
    pub(crate) fn question(&self, text: &str) -> String {
        let text = sanitize_lines(text);
        match self.terminal.stderr_columns() {
            Some(columns) => hang("", text.trim_end(), columns.saturating_sub(1), 2) + " ",
            None => text.into_owned(),
        }
    }

    /// Writes lines about a success to stderr, unless `--quiet` is given.
    pub(crate) fn inform(&self, text: &str) {
        if !self.terminal.quiet {
            self.say(text);
        }
    }

    /// Writes a warning to stderr, unless `--quiet` is given.
    pub fn warn(&self, words: &str) {
        if !self.terminal.quiet {
            self.say_labeled(&tr!("warning:"), LabelColor::Yellow, words);
        }
    }

    /// Writes a result to stdout. `Code::Failure` if that fails.
    pub fn print(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.stdout.write_all(bytes).and_then(|()| self.stdout.flush());
        written.map_err(|error| unprinted(&error))
    }
}

/// Begins our own messages.
const NAME: &str = "zoho-cred: ";

/// Colors of labels, as numbers of ANSI escape sequences.
#[derive(Clone, Copy)]
pub(crate) enum LabelColor {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Cyan = 36,
}

pub(crate) fn unprinted(error: &io::Error) -> Error {
    Error::new(
        Code::Failure,
        tr!("could not write to standard output"),
        tr!("check where the output is going"),
    )
    .with_cause(causes::cause(error))
}
