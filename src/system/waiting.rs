//! Waiting that a person can see: one line on a terminal, gone when the wait is over.

use super::System;
use crate::config::duration::words;
use crate::words::{language, speak, t};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::cell::Cell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// The line, as long as this lives.
#[derive(Default)]
pub struct Waiting(Option<(ProgressBar, Rc<Cell<bool>>)>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some((bar, shown)) = &self.0 {
            bar.finish_and_clear();
            shown.set(false);
        }
    }
}

impl System {
    /// Shows on a terminal what is waited for: how long that may last yet, or without a limit how long it has
    /// lasted. Elsewhere nothing is shown.
    pub fn show_waiting(&self, what: &str, limit: Option<Duration>) -> Waiting {
        if !self.terminal.stderr || self.env.get("TERM") == Some("dumb") {
            return Waiting::default();
        }
        // The line is drawn by a thread of its own.
        let language = language();
        let time = move |state: &ProgressState, out: &mut dyn Write| {
            let _speaking = speak(language);
            let whole = |duration: Duration| words(Duration::from_secs(duration.as_secs()));
            let _ = match limit {
                Some(limit) => {
                    let time = whole(limit.saturating_sub(state.elapsed()));
                    write!(out, "{}", t!("{time} left", time))
                }
                None => write!(out, "{}", whole(state.elapsed())),
            };
        };
        let Ok(style) = ProgressStyle::with_template("{spinner} {time}: {wide_msg}") else {
            return Waiting::default();
        };
        let bar = ProgressBar::new_spinner().with_style(style.with_key("time", time).tick_chars("|/-\\ "));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(TICK);
        self.waits.set(true);
        Waiting(Some((bar, Rc::clone(&self.waits))))
    }
}
