//! Shows waits as one line on a terminal, which disappears afterwards.

use crate::i18n::humanize;
use crate::i18n::{cut, language, speak, tr};
use crate::sanitize::sanitize;
use crate::system::System;
use crate::system::terminal::{EMPTY_LINE, stderr_columns};
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

/// Redraw interval.
const TICK: Duration = Duration::from_millis(200);

/// Shows the line until it is dropped.
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
    /// Shows `what` is waited for: the time left until `limit`, or the time elapsed. Shows nothing if stderr is not a
    /// terminal.
    pub(crate) fn show_spinner(&self, what: &str, limit: Option<Duration>) -> Spinner {
        if !self.can_redraw() {
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
        // Without a thread, nothing is shown and the call goes on.
        let Ok(thread) = thread else { return Spinner::default() };
        self.waits.set(true);
        Spinner(Some(Line { over, thread, shown: Rc::clone(&self.waits) }))
    }

    /// A status line, if stderr is a terminal that can redraw one.
    pub(crate) fn status_line(&self) -> StatusLine<'_> {
        StatusLine { system: self, shown: self.can_redraw() }
    }

    fn can_redraw(&self) -> bool {
        self.terminal.stderr && !self.terminal.quiet && self.env.get("TERM") != Some("dumb")
    }
}

/// A line on a terminal that is redrawn when it changes and cleared on drop.
pub(crate) struct StatusLine<'a> {
    system: &'a System,
    shown: bool,
}

impl StatusLine<'_> {
    /// Whether the line is displayed at all.
    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    /// Replaces the line's text.
    pub(crate) fn show(&self, text: &str) {
        draw(&sanitize(text));
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

fn line(tick: char, what: &str, limit: Option<Duration>, waited: Duration) -> String {
    let whole = |duration: Duration| humanize(Duration::from_secs(duration.as_secs()));
    let time = match limit {
        Some(limit) => tr!("{time} left", time = whole(limit.saturating_sub(waited))),
        None => whole(waited),
    };
    format!("{tick} {time}: {what}")
}

/// Some terminals wrap a line that is exactly as wide as they are.
fn draw(line: &str) {
    let line = cut(line, stderr_columns().saturating_sub(1));
    let _ = std::io::stderr().write_all(format!("{EMPTY_LINE}{line}").as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "what a person sees is drawn by a thread of its own")]
fn now() -> Instant {
    Instant::now()
}
