//! The port to the person's browser.

use crate::i18n::tr;
use crate::system::{Env, process};

/// Opens addresses.
pub trait Browser {
    /// Opens `url`; the error is in words. Nothing it says reaches our stdout.
    fn open(&self, url: &str) -> Result<(), String>;
}

/// The desktop's default browser. It lives longer than we do and shows strangers' pages, so it must not inherit our
/// secrets; and as it is another crate that starts it, that is done in a child of ours that has none.
pub(crate) struct DesktopBrowser;

impl Browser for DesktopBrowser {
    fn open(&self, url: &str) -> Result<(), String> {
        match process::myself(&["open-url", url])? {
            true => Ok(()),
            false => Err(tr!("none was found; BROWSER can name one")),
        }
    }
}

/// What `open-url` does, in the child: whether a browser opens.
pub(crate) fn opens(url: &str) -> bool {
    let mut options = webbrowser::BrowserOptions::new();
    options.with_suppress_output(true);
    webbrowser::open_browser_with_options(webbrowser::Browser::Default, url, &options).is_ok()
}

/// Whether a browser that is opened here is in front of the person: there is a desktop, and no SSH in between.
pub(crate) fn is_at_hand(env: &Env) -> bool {
    let remote = ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].iter().any(|name| env.get(name).is_some());
    let desktop = cfg!(any(target_os = "macos", windows))
        || ["DISPLAY", "WAYLAND_DISPLAY", "BROWSER"].iter().any(|name| env.get(name).is_some());
    desktop && !remote
}
