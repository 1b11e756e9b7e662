//! Output in a real terminal with 80 and with 40 columns.

use crate::harness::{PROGRAM, Test, have, until};
use std::cell::Cell;
use std::process::Command;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use zoho_cred::sandbox::{ClientKind, Options};

/// A terminal with `columns` columns and a shell in the test's environment.
struct Screen {
    socket: String,
    columns: usize,
    typed: Cell<usize>,
}

impl Screen {
    fn open(test: &Test, columns: usize) -> Option<Self> {
        if !have("tmux") {
            return None;
        }
        let socket = test.dir.path().join("tmux").display().to_string();
        let vars: String = test.vars().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
        let shell = format!("{vars}export LANG=C.UTF-8 PS1='ready$ '\nalias zc='{PROGRAM}'\n");
        let start = test.file("rc", &shell).display().to_string();
        let screen = Screen { socket, columns, typed: Cell::new(0) };
        let size = columns.to_string();
        let bash = format!("bash --noprofile --rcfile {start} -i");
        screen.tmux(&["-f", "/dev/null", "-u", "new-session", "-d", "-x", &size, "-y", "60", &bash]);
        screen.waits_for("ready$");
        Some(screen)
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux").args(["-S", &self.socket]).args(args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Clears the screen and types a command line.
    fn types(&self, line: &str) {
        self.typed.set(self.typed.get() + 1);
        self.tmux(&["send-keys", "-l", &format!("clear; {line}; echo line {} ended: $?", self.typed.get())]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Waits until the last command has ended and the prompt is shown.
    fn ends(&self, code: i32) {
        self.waits_for(&format!("line {} ended: {code}\nready$", self.typed.get()));
    }

    fn shown(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn waits_for(&self, words: &str) {
        until(words, || self.shown().contains(words));
    }

    /// Runs a command and returns the screen. Asserts that no line wrapped.
    #[track_caller]
    fn report(&self, line: &str, code: i32) -> String {
        self.types(line);
        self.ends(code);
        let shown = self.shown();
        let joined = self.tmux(&["capture-pane", "-p", "-J"]);
        let trimmed = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
        assert_eq!(trimmed(&shown), trimmed(&joined), "a line of '{line}' wraps at {}", self.columns);
        shown
    }

    /// The lines that the terminal wrapped, without the command line.
    fn broken(&self) -> Vec<String> {
        let whole = self.tmux(&["capture-pane", "-p", "-J"]);
        let lines = whole.lines().map(str::trim_end).filter(|line| line.width() > self.columns);
        lines.filter(|line| !line.contains("; echo line ")).map(str::to_owned).collect()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.socket, "kill-server"]).status();
    }
}

fn log_in_by_device(test: &Test, screen: &Screen) {
    let client = test.sandbox.client(ClientKind::Device);
    let secret = test.file("secret", &client.client_secrets["us"]).display().to_string();
    screen.types(&format!(
        "zc login dev --flow device --secrets file --scope ZohoCRM.modules.ALL --accounts-url {} --client-id {} --client-secret-file {secret}",
        test.sandbox.url(),
        client.client_id,
    ));
    screen.waits_for("left: waiting for");
    let shown = screen.shown();
    // The code has a line of its own at any width.
    let is_code =
        |line: &&str| line.len() == 8 && line.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let code = shown.lines().map(str::trim).find(is_code).unwrap_or_else(|| panic!("{shown}"));
    // Only URLs are wrapped by the terminal, so that they can be copied. Text is wrapped between words.
    let broken = screen.broken();
    assert!(broken.iter().all(|line| line.trim().starts_with("http")), "{broken:?}");
    let page = format!("{}/oauth/v3/device", test.sandbox.url());
    let form = [("user_code", code), ("decision", "accept")];
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    assert_eq!(http.post(page).form(&form).send().unwrap().status(), 200);
    screen.ends(0);
    assert!(!screen.shown().contains("left: waiting for"), "{}", screen.shown());
}

#[test]
fn reports_fit_into_80_and_40_columns() {
    for columns in [80, 40] {
        let test = Test::with(Options::default()).without_environment();
        let Some(screen) = Screen::open(&test, columns) else { return };
        log_in_by_device(&test, &screen);
        let status = screen.report("zc status", 0);
        assert!(status.contains("█") && status.contains("of 10 left"), "{status}");
        assert!(status.contains("refreshes"), "{status}");
        assert!(screen.report("zc list", 0).contains("dev *"));
        let doctor = screen.report("zc doctor", 0);
        assert!(doctor.contains("ok") && doctor.contains("clock"), "{doctor}");
        for report in ["zc status", "zc list", "zc doctor"] {
            let shown = screen.report(&format!("LC_ALL=ja_JP.UTF-8 {report}"), 0);
            let ambiguous: String = shown.chars().filter(|c| c.width() != c.width_cjk()).collect();
            assert_eq!(ambiguous, "", "an East Asian terminal may draw these in two columns: {shown}");
        }
        let piped = screen.report("zc status --color auto | od -c | grep -c 033", 1);
        assert!(piped.starts_with("0\n"), "{piped}");
    }
}

#[test]
fn words_are_broken_between_words_in_both_languages() {
    for columns in [80, 40] {
        let test = Test::new().without_environment();
        let Some(screen) = Screen::open(&test, columns) else { return };
        for lang in ["C.UTF-8", "ja_JP.UTF-8"] {
            let wrong = "zc login x --secrets file --data-center zz";
            for (line, code) in [(wrong, 2), ("zc", 2), ("zc -h", 0), ("zc get -h", 0), ("zc get", 2)] {
                screen.types(&format!("export LANG={lang}; {line}"));
                screen.ends(code);
                // The terminal wraps the commands of the examples, so that they can be copied.
                let is_example = |line: &String| line.starts_with("  ") && line.contains("zoho-cred ");
                let broken: Vec<_> = screen.broken().into_iter().filter(|line| !is_example(line)).collect();
                assert_eq!(broken, Vec::<String>::new(), "{line}");
            }
            assert!(screen.shown().contains("zoho-cred login crm"), "{}", screen.shown());
        }
    }
}

#[test]
fn questions_are_broken_between_words_in_both_languages() {
    for columns in [80, 40] {
        let test = Test::new().without_environment();
        let Some(screen) = Screen::open(&test, columns) else { return };
        let secret = test.file("secret", "x").display().to_string();
        for (lang, end) in [("C.UTF-8", "none:"), ("ja_JP.UTF-8", "):")] {
            screen.types(&format!(
                "export LANG={lang}; zc login x --secrets file --flow client-credentials --data-center jp \
                 --client-id 1000.A --scope crm --client-secret-file {secret}"
            ));
            screen.waits_for(end);
            assert_eq!(screen.broken(), Vec::<String>::new());
            screen.tmux(&["send-keys", "C-c"]);
            screen.waits_for("ready$");
        }
    }
}

#[test]
fn a_wait_for_the_lock_is_shown_and_goes() {
    let test = Test::new();
    let Some(screen) = Screen::open(&test, 80) else { return };
    test.sandbox.set_limits(|limits| limits.latency = std::time::Duration::from_secs(4)).unwrap();
    let holder = test.start_request("get");
    screen.types("zc get > /dev/null");
    screen.waits_for(&format!("waiting for process {}", holder.pid()));
    screen.ends(0);
    assert!(!screen.shown().contains("waiting for"), "{}", screen.shown());
    holder.wait().ok();
    assert_eq!(test.sandbox.token_requests(), 1);
}

#[test]
fn a_wait_for_budget_is_shown() {
    let test = Test::new();
    let Some(screen) = Screen::open(&test, 40) else { return };
    test.spend(10);
    screen.types("zc get --refresh --wait 20m --timeout 20m > /dev/null");
    screen.waits_for("left: waiting for budget");
    assert_eq!(screen.broken(), Vec::<String>::new());
    screen.tmux(&["send-keys", "C-c"]);
    screen.ends(130);
}
