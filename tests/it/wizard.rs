//! The questions of `login` at a terminal, in English and Japanese: a wrong answer at every one is explained, asked
//! again, and loses nothing.

use crate::harness::consent::{GOOGLE, press, world};
use crate::harness::{Test, until};
use crate::person::Person;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;
use zoho_cred::sandbox::ClientKind;

#[derive(Deserialize)]
struct Catalog {
    messages: BTreeMap<String, String>,
}

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| toml::from_str(include_str!("../../src/i18n/ja.toml")).unwrap());

const LANGUAGES: [&str; 2] = ["C.UTF-8", "ja_JP.UTF-8"];
/// Questions whose answers are not shown.
const HIDDEN: [&str; 3] = ["Client Secret", "Refresh token", "Code"];
const EMPTY: (&str, &str) = ("", "nothing was entered");
const ORGANIZATION: &str = "Organization (soid) such as ZohoCRM.600000434, or Enter if the product has none";
const NO_ID: &str = "that is not a Client ID; it looks like 1000.ABCDEF0123456789";

/// A login in one language.
struct Wizard<'a> {
    test: &'a Test,
    person: Person,
    japanese: bool,
}

impl<'a> Wizard<'a> {
    fn starts(test: &'a mut Test, language: &str, args: &[&str]) -> Self {
        test.set("LANG", language);
        let person = Person::runs(test.call("login").args(args));
        Wizard { test, person, japanese: language.starts_with("ja") }
    }

    fn text<'t>(&self, english: &'t str) -> &'t str {
        if self.japanese { &CATALOG.messages[english] } else { english }
    }

    /// The part of a message without placeholders, as the terminal's bytes are read.
    fn said(&self, english: &str) -> String {
        let parts =
            self.text(english).split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
        as_read(parts.max_by_key(|part| part.len()).unwrap().trim())
    }

    fn reads(&mut self, english: &str) {
        let text = self.said(english);
        self.person.reads(&text);
    }

    /// Gives wrong answers, each followed by its reason, then a right one.
    fn asked(&mut self, question: &str, wrong: &[(&str, &str)], right: &str) {
        for (answer, reason) in wrong {
            self.answers(question, answer);
            self.reads(reason);
        }
        self.answers(question, right);
    }

    /// Answers a question. If it hides answers, waits until the terminal does.
    fn answers(&mut self, question: &str, answer: &str) {
        self.reads(question);
        if HIDDEN.iter().any(|begin| question.starts_with(begin)) {
            self.hides();
        }
        self.person.pty.send_line(answer).unwrap();
    }

    fn hides(&self) {
        until("the terminal to hide what is typed", || !self.person.echoes());
    }

    /// The questions that all flows have.
    fn client(&mut self, kind: ClientKind, secret: &str) {
        let id = self.test.sandbox.client(kind).client_id.clone();
        let reserved = "'env' is reserved for the environment; choose another name";
        self.asked("Profile name, such as crm", &[EMPTY, ("env", reserved)], "crm");
        self.asked("Client ID", &[EMPTY, ("MyZohoApp", NO_ID)], &id);
        let same = "that is a Client ID; the Client Secret is the line below it";
        let wide = ("秘密", "a Client Secret has only letters and digits");
        self.asked("Client Secret", &[EMPTY, (&id, same), wide], secret);
    }

    fn scopes(&mut self) {
        let wrong = [
            EMPTY,
            ("cmr", "'{word}' is not a scope, did you mean '{near}'?"),
            ("全部", "'{word}' is not a scope; a scope looks like ZohoCRM.modules.ALL"),
        ];
        self.asked("Scopes", &wrong, "ZohoCRM.modules.ALL、ＺｏｈｏＣＲＭ．ｏｒｇ．ＲＥＡＤ");
    }

    /// Asserts that the login succeeded, and that its token serves without another request.
    fn succeeds(self) {
        let next = self.said("zoho-cred: next: 'zoho-cred get {profile}' prints an access token");
        let shown = self.person.ends(0);
        assert!(shown.contains(&next), "{shown}");
        let requests = self.test.sandbox.token_requests();
        self.test.run("get crm").ok();
        assert_eq!(self.test.sandbox.token_requests(), requests);
    }
}

/// Each byte as a character, as a `Person` reads them.
fn as_read(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

fn secret_of(test: &Test, kind: ClientKind) -> String {
    test.sandbox.client(kind).client_secrets["us"].clone()
}

/// Drives one flow in both languages.
fn in_both_languages(
    flow: &[&str],
    kind: ClientKind,
    first_secret: impl Fn(&Test) -> String + Sync,
    rest: impl Fn(&mut Wizard<'_>) + Sync,
) {
    let in_one = |language| {
        let (mut test, callback) = world();
        let url = test.sandbox.url().to_owned();
        let mut args = vec!["--secrets", "file", "--accounts-url", &url, "--flow"];
        args.extend(flow);
        if flow[0] == "browser" {
            args.extend(["--redirect-uri", &callback]);
        }
        let secret = first_secret(&test);
        let mut wizard = Wizard::starts(&mut test, language, &args);
        wizard.client(kind, &secret);
        rest(&mut wizard);
        wizard.succeeds();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| in_one(LANGUAGES[0]));
        in_one(LANGUAGES[1]);
    });
}

const WRONG_SECRET: &str = "0123456789abcdef";

fn wrong_secret(_: &Test) -> String {
    WRONG_SECRET.to_owned()
}

const SECRET_AGAIN: &str = "Client Secret again, or Enter if it is right";
const REJECTED: &str = "Zoho rejected the client with '{error}'";

#[test]
fn paste_asks_again_for_a_wrong_paste_and_for_a_rejected_secret() {
    in_both_languages(
        &["paste", "--redirect-uri", GOOGLE],
        ClientKind::ServerBased,
        wrong_secret,
        |wizard| {
            wizard.scopes();
            let landed = press("accept", &wizard.person.finds("http://127"));
            let stale = format!("{GOOGLE}?state=x&code=1000.aa.bb");
            let wrong = [
                ("hello there", "that is neither the redirected URL nor a code"),
                (&*stale, "its state is not the one of this login"),
            ];
            wizard.asked("Paste the whole URL", &wrong, &landed);
            wizard.reads(REJECTED);
            let right = secret_of(wizard.test, ClientKind::ServerBased);
            wizard.asked(SECRET_AGAIN, &[(WRONG_SECRET, REJECTED)], &right);
        },
    );
}

#[test]
fn the_redirected_url_can_be_pasted_while_the_browser_is_awaited() {
    let secret = |test: &Test| secret_of(test, ClientKind::ServerBased);
    in_both_languages(&["browser", "--no-browser"], ClientKind::ServerBased, secret, |wizard| {
        wizard.scopes();
        let landed = press("accept", &wizard.person.finds("http://127"));
        let question = "zoho-cred: if the browser shows an error after you accept, paste its URL here";
        wizard.reads(question);
        wizard.person.pty.send_line("hello there").unwrap();
        wizard.reads("that is neither the redirected URL nor a code");
        wizard.person.pty.send_line(&landed).unwrap();
    });
}

#[test]
fn device_asks_for_everything_before_its_code() {
    let secret = |test: &Test| secret_of(test, ClientKind::Device);
    in_both_languages(&["device"], ClientKind::Device, secret, |wizard| {
        wizard.scopes();
        let (_, page) = wizard.person.pty.exp_regex("http://127[^ \\r]*user_code=[^ \\r]+").unwrap();
        let (page, code) = page.split_once("?user_code=").unwrap();
        let form = [("user_code", code), ("decision", "accept")];
        crate::harness::consent::http().post(page).form(&form).send().unwrap();
    });
}

#[test]
fn a_self_client_registers_nothing_and_is_asked_for_another_code() {
    let secret = |test: &Test| secret_of(test, ClientKind::SelfClient);
    in_both_languages(&["self-client"], ClientKind::SelfClient, secret, |wizard| {
        let typo = ("cmr", "'{word}' is not a scope, did you mean '{near}'?");
        wizard.asked("Scopes, or Enter to choose them in the API console", &[typo], "ZohoCRM.modules.ALL");
        let wrong = [
            EMPTY,
            ("no code", "that is not a code from the API console"),
            ("1000.aa.bb", "Zoho rejected the code: '{error}'"),
        ];
        let code = wizard.test.sandbox.self_client_code(&["ZohoCRM.modules.ALL"], Duration::from_secs(180));
        wizard.asked("Code", &wrong, &code);
    });
}

#[test]
fn client_credentials_ask_for_the_organization() {
    in_both_languages(&["client-credentials"], ClientKind::SelfClient, wrong_secret, |wizard| {
        wizard.scopes();
        let no_soid = ("600000434", "that is not an organization; it looks like ZohoCRM.600000434");
        let soid = wizard.test.sandbox.soid().to_owned();
        wizard.asked(ORGANIZATION, &[no_soid], "ZohoCRM.1");
        wizard.reads(REJECTED);
        let right = secret_of(wizard.test, ClientKind::SelfClient);
        wizard.asked(SECRET_AGAIN, &[], &right);
        wizard.reads(REJECTED);
        wizard.asked(ORGANIZATION, &[], &soid);
    });
}

/// Zoho has the same word for a wrong client and a wrong data center, and sometimes for a wrong secret.
#[test]
fn a_client_that_zoho_does_not_know_is_asked_for_again() {
    for language in LANGUAGES {
        let (mut test, _) = world();
        let (url, soid) = (test.sandbox.url().to_owned(), test.sandbox.soid().to_owned());
        let secret = secret_of(&test, ClientKind::SelfClient);
        let flow = ["crm", "--flow", "client-credentials", "--secrets", "file", "--accounts-url", &url];
        let args = [&flow[..], &["--soid", &soid, "--scope", "ZohoCRM.modules.ALL"]].concat();
        let mut wizard = Wizard::starts(&mut test, language, &args);
        wizard.asked("Client ID", &[], "1000.WRONG");
        wizard.asked("Client Secret", &[], &secret);
        wizard.reads(REJECTED);
        wizard.asked(SECRET_AGAIN, &[], "");
        let id = wizard.test.sandbox.client(ClientKind::SelfClient).client_id.clone();
        wizard.asked("Client ID", &[], &id);
        wizard.asked("Client Secret", &[], &secret);
        wizard.succeeds();
    }
}

#[test]
fn a_dead_refresh_token_is_asked_for_again() {
    let secret = |test: &Test| secret_of(test, ClientKind::Any);
    in_both_languages(&["refresh-token"], ClientKind::Any, secret, |wizard| {
        let wrong = [EMPTY, ("no token", "that is not a refresh token")];
        wizard.asked("Refresh token", &wrong, "1000.dead.token");
        let right = wizard.test.sandbox.refresh_token().to_owned();
        wizard.asked("Refresh token again, or Enter to stop", &[], &right);
    });
}

#[test]
fn a_busy_port_is_reported_before_anything_is_asked() {
    let (mut test, callback) = world();
    let port = url::Url::parse(&callback).unwrap().port().unwrap();
    let _busy = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    let args = ["--secrets", "file", "--flow", "browser", "--redirect-uri", &callback];
    let shown = Wizard::starts(&mut test, LANGUAGES[0], &args).person.ends(75);
    assert!(shown.contains("--flow paste") && !shown.contains("Profile name"), "{shown}");
}

#[test]
fn the_end_of_the_input_ends_a_question() {
    for (args, question, flag) in [
        ("--flow paste", "Profile name, such as crm", "PROFILE"),
        ("crm", "Data center (", "--data-center"),
        ("crm --data-center jp --client-id 1000.A", "Client Secret", "--client-secret-file"),
    ] {
        let (mut test, _) = world();
        let args: Vec<&str> = args.split(' ').chain(["--secrets", "file"]).collect();
        let mut wizard = Wizard::starts(&mut test, LANGUAGES[0], &args);
        wizard.reads(question);
        if question == "Client Secret" {
            wizard.hides();
        }
        wizard.person.pty.send_control('d').unwrap();
        let shown = wizard.person.ends(2);
        assert!(shown.contains("nothing was entered; use ") && shown.contains(flag), "{shown}");
    }
}

/// The next message began on the line of the question, and `--code-file` cannot answer it.
#[test]
fn the_end_of_the_input_ends_the_line_of_the_question() {
    let (mut test, _) = world();
    let args = "crm --secrets file --flow paste --data-center jp --client-id 1000.A --scope A.b.READ \
        --redirect-uri https://www.google.com/";
    let secret = test.file("secret", "abc").display().to_string();
    let args: Vec<&str> = args.split_whitespace().chain(["--client-secret-file", &secret]).collect();
    let mut wizard = Wizard::starts(&mut test, LANGUAGES[0], &args);
    wizard.reads("Paste the whole URL: ");
    wizard.person.pty.send_control('d').unwrap();
    assert_eq!(wizard.person.pty.read_line().unwrap().trim(), "");
    let shown = wizard.person.ends(65);
    assert!(shown.contains("nothing was entered") && !shown.contains("--code-file"), "{shown}");
}

/// Ctrl-C while the browser is awaited prints the command that goes on from there.
#[test]
fn a_data_center_is_taken_as_people_write_it_and_nothing_typed_is_lost() {
    for (typed, code, host) in [
        ("ｊｐ", "jp", "zoho.jp"),
        ("com", "us", "zoho.com"),
        ("https://crm.zoho.eu/crm/org1/tab/Home/begin", "eu", "zoho.eu"),
    ] {
        let (mut test, callback) = world();
        let args =
            ["crm", "--secrets", "file", "--flow", "browser", "--no-browser", "--redirect-uri", &callback];
        let mut wizard = Wizard::starts(&mut test, LANGUAGES[0], &args);
        let typo = ("jpp", "'{text}' is not a data center, did you mean '{near}'?");
        wizard.asked("Data center (", &[EMPTY, typo], typed);
        let console = format!("open https://api-console.{host} and choose 'Server-based Applications'");
        for words in [&*console, &callback, "press CREATE"] {
            wizard.person.reads(words);
        }
        wizard.asked("Client ID", &[], "1000.ABC");
        wizard.asked("Client Secret", &[], "abc123");
        wizard.asked("Scopes: ", &[], "crm-readonly A.b.READ");
        wizard.person.reads("warning: zoho-cred does not know the scope A.b.READ");
        wizard.person.finds(&format!("https://accounts.{host}/"));
        wizard.person.reads("paste its URL here");
        wizard.person.pty.send_control('c').unwrap();
        let again = wizard.person.finds("zoho-cred login crm");
        let begin =
            format!("zoho-cred login crm --flow browser --data-center {code} --client-id 1000.ABC --scope ");
        assert!(again.starts_with(&begin), "{again}");
        assert!(again.contains("ZohoCRM.modules.READ") && again.contains("A.b.READ"), "{again}");
        wizard.person.ends(130);
    }
}

/// Ctrl-C at any question ends the login with the command that goes on with the answers so far.
#[test]
fn no_answer_is_lost_at_a_later_question() {
    let questions = [
        ("Profile name, such as crm", "crm", ""),
        ("Data center ({codes})", "crm.zoho.jp", "--data-center jp"),
        ("Client ID", "1000.ABC", "--client-id 1000.ABC"),
        ("Client Secret", "abc123", ""),
        ("Scopes", "crm-readonly", "--scope ZohoCRM."),
    ];
    for (at, language) in (0..questions.len()).zip(LANGUAGES.into_iter().cycle()) {
        let (mut test, _) = world();
        let mut wizard =
            Wizard::starts(&mut test, language, &["--secrets", "file", "--flow", "client-credentials"]);
        for (question, answer, _) in &questions[..=at] {
            wizard.answers(question, answer);
        }
        let next = questions.get(at + 1).map_or(ORGANIZATION, |(question, _, _)| question);
        wizard.reads(next);
        if next == "Client Secret" {
            wizard.hides();
        }
        wizard.person.pty.send_control('c').unwrap();
        let go_on = wizard.person.finds("zoho-cred login crm --flow client-credentials");
        for (_, _, flag) in &questions[..=at] {
            assert!(go_on.contains(flag), "{go_on}");
        }
        assert!(go_on.ends_with("--secrets file") && !go_on.contains("abc123"), "{go_on}");
        wizard.person.ends(130);
    }
}

#[test]
fn files_are_offered_where_no_keyring_answers() {
    for (language, answer) in [(LANGUAGES[0], ""), (LANGUAGES[0], "ｙ"), (LANGUAGES[1], "はい")] {
        let (mut test, _) = world();
        test.set("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
        let url = test.sandbox.url().to_owned();
        let args = ["crm", "--flow", "refresh-token", "--accounts-url", &url];
        let mut wizard = Wizard::starts(&mut test, language, &args);
        let offer = "Store the secrets in files that only you can read (mode 0600) instead of a keyring?";
        wizard.asked(offer, &[], answer);
        if answer.is_empty() {
            let shown = wizard.person.ends(74);
            assert!(shown.contains("--secrets file"), "{shown}");
            continue;
        }
        let client = wizard.test.sandbox.client(ClientKind::Any).clone();
        wizard.asked("Client ID", &[], &client.client_id);
        wizard.asked("Client Secret", &[], &client.client_secrets["us"]);
        let token = wizard.test.sandbox.refresh_token().to_owned();
        wizard.asked("Refresh token", &[], &token);
        wizard.succeeds();
        assert!(test.read_config().contains("secrets = \"file\""), "{}", test.read_config());
    }
}

/// Gives the answers of the guide's screen, and compares what is shown, in both languages.
#[test]
fn the_guide_shows_the_screen_as_it_is() {
    let guides = [include_str!("../../docs/guide.md"), include_str!("../../docs/ja/guide.md")];
    for (language, guide) in LANGUAGES.into_iter().zip(guides) {
        let (mut test, callback) = world();
        let guide = guide.replace("http://localhost:9437/callback", &callback);
        let screen = guide.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
        let args =
            ["crm", "--secrets", "file", "--flow", "browser", "--no-browser", "--redirect-uri", &callback];
        let mut wizard = Wizard::starts(&mut test, language, &args);
        let opened = "zoho-cred: opened the consent page in your browser; if you do not see it, visit:";
        let begin: String = wizard.text(opened).chars().take(20).collect();
        let (asked, end) = screen.split_once(&begin).unwrap();
        let hidden = wizard.text("{question} (not shown): ").replace("{question}", "");
        for line in asked.lines().filter(|line| !line.starts_with("zoho-cred: ") && !line.starts_with("  ")) {
            match line.strip_suffix(hidden.trim_end()) {
                Some(question) => {
                    wizard.person.reads(&as_read(question));
                    wizard.hides();
                    wizard.person.pty.send_line("0123456789abcdef").unwrap();
                }
                None => {
                    let (question, answer) = line.rsplit_once(": ").unwrap();
                    // The part that the guide leaves out, and the end of the question.
                    let (begin, end) = question.split_once('…').unwrap_or((question, ""));
                    wizard.person.reads(&as_read(begin));
                    wizard.person.answers(&as_read(&format!("{end}: ")), answer);
                }
            }
        }
        wizard.reads("zoho-cred: if the browser shows an error after you accept, paste its URL here");
        wizard.person.pty.send_control('c').unwrap();
        let last = [
            "zoho-cred: logged in as {name}",
            "zoho-cred: the secrets are in the system keyring",
            "zoho-cred: next: 'zoho-cred get {profile}' prints an access token",
        ];
        for message in last.map(|message| wizard.text(message).replace("{profile}", "crm")) {
            assert!(end.contains(message.split("{name}").last().unwrap()), "{message}");
        }
        let (_, shown) = wizard.person.leaves();
        // Lines may break elsewhere in a terminal of another width.
        let one_line = |text: &str| text.split_whitespace().collect::<String>();
        let shown = one_line(&String::from_utf8(shown.chars().map(|c| c as u8).collect()).unwrap());
        let mut rest = shown.as_str();
        for part in one_line(asked).split('…') {
            let found = rest.find(part).unwrap_or_else(|| panic!("no {part:?} in {rest:?}"));
            rest = &rest[found + part.len()..];
        }
    }
}
