//! What a person is shown during a login: addresses as links and codes that stand out, on a terminal only.

use crate::system::System;

/// An address: on a terminal one that can be clicked (OSC 8).
pub fn link(system: &System, url: &str) -> String {
    match system.styles_stderr() {
        true => format!("\u{1b}]8;;{url}\u{1b}\\\u{1b}[4m{url}\u{1b}[0m\u{1b}]8;;\u{1b}\\"),
        false => url.to_owned(),
    }
}

/// A code that is to be typed elsewhere: on a terminal framed and bold.
pub fn code(system: &System, code: &str) -> String {
    if !system.styles_stderr() {
        return format!("      {code}");
    }
    let line = "─".repeat(code.chars().count() + 6);
    format!("      ╭{line}╮\n      │   \u{1b}[1m{code}\u{1b}[0m   │\n      ╰{line}╯")
}
