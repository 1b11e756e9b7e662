//! Shows URLs and codes during a login, with links and emphasis on a terminal.

use crate::i18n::tr;
use crate::sanitize::{sanitize, sanitize_lines};
use crate::system::System;

/// Prints a URL on a line of its own. On a terminal a link follows (OSC 8), because a URL that wraps cannot be
/// clicked.
pub(crate) fn address(system: &System, url: &str) {
    let url = sanitize_lines(url).replace('\n', "");
    system.say(&format!("\n  {url}\n"));
    if system.terminal.stderr && system.styles_stderr() {
        let label = tr!("open this page");
        system.say_styled(&format!("  \u{1b}]8;;{url}\u{1b}\\\u{1b}[4m{label}\u{1b}[0m\u{1b}]8;;\u{1b}\\\n"));
    }
}

/// Prints a code to type elsewhere, bold on a terminal.
pub fn code(system: &System, code: &str) {
    let code = sanitize(code);
    let (bold, plain) = if system.styles_stderr() { ("\u{1b}[1m", "\u{1b}[0m") } else { ("", "") };
    system.say_styled(&format!("      {bold}{code}{plain}\n"));
}
