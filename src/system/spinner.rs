//! Waiting that a person can see: one line on a terminal, gone when the wait is over.

use crate::i18n::humanize;
use crate::i18n::{cut, language, speak, tr};
use crate::sanitize::sanitize;
use crate::system::System;
use crate::system::terminal::stderr_columns;
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(200);
/// Moves to the begin of the line and empties it.
pub(crate) const EMPTY_LINE: &str = "\r\u{1b}[2K";

/// The line, as long as this lives.
#[derive(Default)]
pub(crate) struct Spinner(Option<Line>);

struct Line {
    over: Sender<()>,
    thread: JoinHandle<()>,
    shown: Rc<Cell<bool>>,
}

impl Drop for Spinner {
    fn drop(&mut self) {
        if let Some(Line { over, thread, shown }) = self.0.take() {
            drop(over);
            let _ = thread.join();
            shown.set(false);
        }
    }
}

impl System {
    /// Shows on a terminal what is waited for: how long that may last yet, or without a limit how long it has
    /// lasted. Elsewhere nothing is shown.
    pub(crate) fn show_spinner(&self, what: &str, limit: Option<Duration>) -> Spinner {
        if !self.terminal.stderr || self.terminal.quiet || self.env.get("TERM") == Some("dumb") {
            return Spinner::default();
        }
        let (over, is_over) = channel();
        let (what, language) = (sanitize(what).into_owned(), language());
        let thread = Builder::new().name("waiting".into()).spawn(move || {
            let _speaking = speak(language);
            let begun = now();
            for tick in "|/-\\".chars().cycle() {
                draw(&line(tick, &what, limit, now().duration_since(begun)));
                if is_over.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            draw("");
        });
        // Without a thread nothing is shown, which no call may fail for.
        let Ok(thread) = thread else { return Spinner::default() };
        self.waits.set(true);
        Spinner(Some(Line { over, thread, shown: Rc::clone(&self.waits) }))
    }
}

/// A line on a terminal that is drawn anew when it changes, and goes when this is dropped.
pub(crate) struct StatusLine<'a> {
    system: &'a System,
    shown: bool,
}

impl StatusLine<'_> {
    /// Whether there is a terminal for it.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Shows `words` in place of what the line said.
    pub(crate) fn show(&self, words: &str) {
        draw(&sanitize(words));
        self.system.waits.set(true);
    }
}

impl Drop for StatusLine<'_> {
    fn drop(&mut self) {
        if self.shown {
            draw("");
            self.system.waits.set(false);
        }
    }
}

impl System {
    /// A status line, if standard error is a terminal that can redraw one.
    pub(crate) fn status_line(&self, quiet: bool) -> StatusLine<'_> {
        let shown = self.terminal.stderr && !quiet && self.env.get("TERM") != Some("dumb");
        StatusLine { system: self, shown }
    }
}

fn line(tick: char, what: &str, limit: Option<Duration>, waited: Duration) -> String {
    let whole = |duration: Duration| humanize(Duration::from_secs(duration.as_secs()));
    let time = match limit {
        Some(limit) => tr!("{time} left", time = whole(limit.saturating_sub(waited))),
        None => whole(waited),
    };
    format!("{tick} {time}: {what}")
}

/// A line that is as wide as the terminal would wrap on some.
fn draw(line: &str) {
    let line = cut(line, stderr_columns().saturating_sub(1));
    let _ = std::io::stderr().write_all(format!("{EMPTY_LINE}{line}").as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "what a person sees is drawn by a thread of its own")]
fn now() -> Instant {
    Instant::now()
}
