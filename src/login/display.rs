//! What a person is shown during a login: addresses that can be clicked and codes that stand out, on a terminal only.

use crate::i18n::tr;
use crate::sanitize::{sanitize, sanitize_lines};
use crate::system::System;

/// Shows an address on a line of its own, to be read and copied; on a terminal with a link below (OSC 8), as an address
/// that is broken over lines cannot be clicked.
pub(crate) fn address(system: &System, url: &str) {
    let url = sanitize_lines(url).replace('\n', "");
    system.say(&format!("\n  {url}\n"));
    if system.terminal.stderr && system.styles_stderr() {
        let words = tr!("open this page");
        system.say_styled(&format!("  \u{1b}]8;;{url}\u{1b}\\\u{1b}[4m{words}\u{1b}[0m\u{1b}]8;;\u{1b}\\\n"));
    }
}

/// Shows a code that is to be typed elsewhere: on a terminal framed and bold.
pub fn code(system: &System, code: &str) {
    let code = sanitize(code);
    if !system.styles_stderr() {
        return system.say(&format!("      {code}\n"));
    }
    let line = "─".repeat(code.chars().count() + 6);
    system.say_styled(&format!("      ╭{line}╮\n      │  \u{1b}[1m {code} \u{1b}[0m  │\n      ╰{line}╯\n"));
}
