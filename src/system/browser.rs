//! Opens the user's browser.

use crate::i18n::tr;
use crate::system::{Env, process};

/// Port to the browser.
pub trait Browser {
    /// Opens `url`. The error is a message. Output of the browser never reaches our stdout.
    fn open(&self, url: &str) -> Result<(), String>;
}

/// The desktop's default browser. It outlives this process and shows untrusted pages, so it must not inherit our
/// secrets. A crate starts it, so we run the crate in a child process without secrets.
pub(crate) struct DesktopBrowser;

impl Browser for DesktopBrowser {
    fn open(&self, url: &str) -> Result<(), String> {
        if process::myself(&["open-url", url])? {
            return Ok(());
        }
        Err(tr!("none was found; BROWSER can name one"))
    }
}

/// Runs in the child, as the `open-url` command. True if a browser was started.
pub(crate) fn opens(url: &str) -> bool {
    let mut options = webbrowser::BrowserOptions::new();
    options.with_suppress_output(true);
    webbrowser::open_browser_with_options(webbrowser::Browser::Default, url, &options).is_ok()
}

/// Whether the user can see a browser opened here: there is a desktop and no SSH session.
pub(crate) fn is_at_hand(env: &Env) -> bool {
    let remote = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].iter().any(|name| env.get(name).is_some());
    let desktop = cfg!(any(target_os = "macos", windows))
        || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].iter().any(|name| env.get(name).is_some());
    desktop && !remote
}
