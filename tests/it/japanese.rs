//! Output with `LANG=ja_JP.UTF-8`: people see Japanese, programs see English.

use crate::harness::{PROGRAM, Test, files_below};
use crate::in_process::{ManualClock, Sink, run};
use crate::person::Person;
use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use zoho_cred::sandbox::{ClientKind, FaultKind};
use zoho_cred::system::{Env, System, Terminal};

const JAPANESE: &str = "ja_JP.UTF-8";

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| ('\u{3040}'..'\u{a000}').contains(&c))
}

fn test(lang: &str) -> Test {
    Test::new().with_profile().var("LANG", lang)
}

#[test]
fn an_error_is_said_in_the_language_of_the_call() {
    let japanese = test(JAPANESE).run("get crn");
    assert_eq!(
        japanese.stderr,
        "zoho-cred: error[unknown_profile]: プロファイル「crn」はありません\nzoho-cred: 対処: もしかして: crm\n"
    );
    for lang in ["C", "en_US.UTF-8", "de_DE.UTF-8", "ja_JP.eucJP", "ja_JP"] {
        let english = test(lang).run("get crn");
        let words = "zoho-cred: error[unknown_profile]: there is no profile 'crn'\nzoho-cred: hint: did you mean 'crm'?\n";
        assert_eq!(english.stderr, words, "{lang}");
    }
    let test = test("en_US.UTF-8").var("LC_ALL", JAPANESE);
    assert!(is_japanese(&test.run("get crn").stderr));
    assert!(!is_japanese(&test.var("LC_ALL", "C").run("get crn").stderr));
}

/// Windows and macOS have a setting instead of variables.
#[test]
fn without_variables_the_operating_system_says_the_language_on_a_terminal() {
    let run = |variables: &[(&str, &str)], is_terminal: bool| {
        let stderr = Sink::default();
        let mut system = System {
            env: Env::of(variables.iter().copied()),
            locale: || Some("ja-JP".into()),
            terminal: Terminal { stdout: is_terminal, stderr: is_terminal, ..Terminal::default() },
            stderr: RefCell::new(Box::new(stderr.clone())),
            ..System::real()
        };
        assert_eq!(zoho_cred::run(["zoho-cred", "gte"].map(Into::into), &mut system), 2);
        is_japanese(&stderr.text())
    };
    assert!(run(&[], true));
    assert!(!run(&[], false));
    assert!(!run(&[("LANG", "en_US.UTF-8")], true));
    assert!(!run(&[("LC_ALL", "C")], true));
}

#[test]
fn errors_as_json_are_english() {
    let test = test(JAPANESE);
    for args in
        ["--error-format json gte", "get crn --error-format=json", "get --min-ttl x --error-format=json"]
    {
        let stderr = test.run(args).stderr;
        assert!(stderr.starts_with("{\"error\":") && stderr.is_ascii(), "{stderr}");
    }
}

#[test]
fn helpers_and_outputs_for_machines_are_english() {
    let test = test(JAPANESE);
    let uri = test.run_with_stdin("helper uri get", b"no json");
    for args in [["man", "-q"], ["completions", "bash"], ["setup", "git"]] {
        let stdout = test.run(args).stdout;
        assert!(!is_japanese(&stdout), "{stdout}");
    }
    assert!(uri.stderr.contains("error[bad_input]") && uri.stderr.is_ascii(), "{}", uri.stderr);
    test.fault(FaultKind::Html);
    assert_ne!(test.run("get").code, 0);
    let status = test.run("status -o json");
    assert!(status.stdout.contains("\"last_failure\":{") && status.stdout.is_ascii(), "{}", status.stdout);
}

/// State written by a call in one language is shown in the language of the call that reads it.
#[test]
fn a_stored_failure_is_shown_in_the_language_of_each_caller() {
    let mut test = test(JAPANESE);
    test.fault(FaultKind::Html);
    for (lang, words) in [(JAPANESE, "アカウントサーバーが"), ("C", "the accounts server answered")]
    {
        test.set("LANG", lang);
        test.run("get").says(words);
        test.run("status").prints(words);
    }
    assert!(test.run("status").stdout.is_ascii());
}

#[test]
fn status_is_aligned_although_its_characters_are_wide() {
    let test = test(JAPANESE);
    test.get().ok();
    let status = test.run("status").ok().to_owned();
    for name in ["データセンター", "トークン", "発行枠", "発行数", "シークレット"] {
        assert!(status.lines().any(|line| line.starts_with(name)), "{status}");
    }
    let starts: Vec<usize> = status
        .lines()
        .map(|line| columns(&line[..line.len() - line.trim_start_matches(|c| c != ' ').trim_start().len()]))
        .collect();
    assert!(starts.windows(2).all(|pair| pair[0] == pair[1]), "{starts:?} {status}");
    assert!(status.lines().skip(1).all(|line| is_japanese(line.split(' ').next().unwrap())), "{status}");
}

#[test]
fn reports_are_japanese_for_people_and_english_for_scripts() {
    let test = test(JAPANESE);
    test.get().ok();
    for report in ["list", "status", "doctor"] {
        let text = test.run([report]).stdout;
        assert!(text.lines().filter(|line| is_japanese(line)).count() > 1, "{report}: {text}");
        let json = test.run([report, "-o", "json"]).stdout;
        assert!(json.starts_with(['[', '{']) && json.is_ascii(), "{report}: {json}");
    }
    let doctor = test.run("doctor").stdout;
    assert!(doctor.lines().all(is_japanese), "{doctor}");
}

#[test]
fn help_is_in_the_language_of_the_call() {
    let test = test(JAPANESE);
    for args in ["--help", "get -h", "login --help", "help import", "import sdk -h"] {
        let outcome = test.run(args);
        outcome.exits(0).says_nothing().prints("使い方: zoho-cred").prints("オプション:");
        let help = outcome.stdout;
        assert!(help.ends_with("\n"), "{help}");
        // Neither clap's own words nor our help texts are left in English.
        let english =
            ["Usage", "Options", "Commands", "Arguments", "default:", "possible values", "[OPTIONS]"];
        let english = english.into_iter().chain(["Print", "the "]).find(|word| help.contains(word));
        assert_eq!(english, None, "{help}");
        let long = help.lines().find(|line| columns(line) > 100);
        assert_eq!(long, None, "{help}");
    }
    let english = test.var("LANG", "C").run("get -h").ok().to_owned();
    assert!(english.contains("Usage: zoho-cred get [OPTIONS] [PROFILE]") && english.is_ascii(), "{english}");
}

/// The width of a line in columns, counting every non-ASCII character as two.
fn columns(line: &str) -> usize {
    line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

#[test]
fn the_help_explains_the_same_flags_in_both_languages() {
    let mut test = test(JAPANESE);
    for command in ["get", "login", "logout", "import", "status", "exec", "setup", "helper"] {
        let flags = |help: &str| -> Vec<String> {
            let words = help.split_whitespace().filter(|word| word.starts_with("--"));
            let mut flags: Vec<String> = words.map(|word| word.trim_end_matches(',').to_owned()).collect();
            flags.sort_unstable();
            flags
        };
        test.set("LANG", JAPANESE);
        let japanese = flags(test.run([command, "-h"]).ok());
        test.set("LANG", "C");
        assert_eq!(japanese, flags(test.run([command, "-h"]).ok()), "{command}");
        assert!(!japanese.is_empty());
    }
}

#[test]
fn typos_suggest_the_nearest_name() {
    let (mut test, clock) = (test("C"), ManualClock::at_the_wall());
    for (args, near) in [
        ("gte", "get"),
        ("statsu", "status"),
        ("import sdkk", "sdk"),
        ("get --ofline", "--offline"),
        ("get --tmieout 3s", "--timeout"),
        ("get -o jsn", "json"),
        ("get crn", "crm"),
        ("setup kubctl", "kubectl"),
        ("setup github", "github-actions"),
        ("exec crm env", "-- env"),
        ("login x --client-id 1 --data-center jq", "jp"),
        ("import sdk f.csv --data-center jq", "jp"),
        // Words of other tools.
        ("token", "get"),
        ("refresh", "get --refresh"),
        ("ls", "list"),
        ("get --format json", "--output"),
        ("get --json", "--output json"),
        ("login --dc jp", "--data-center"),
        ("login --code 1", "--code-file"),
        ("get --no-cache", "--refresh"),
    ] {
        for (lang, words) in
            [("C", format!("did you mean '{near}'?")), (JAPANESE, format!("もしかして: {near}"))]
        {
            test.set("LANG", lang);
            run(&test, &clock, args).says(&words);
        }
    }
    let config = test.read_config();
    for (slip, near) in [("clientid", "client_id"), ("acounts_url", "accounts_url")] {
        test.write_config(&config.replacen(near, slip, 1));
        test.get().says(&format!("もしかして: {near}"));
    }
    test.write_config(&config.replace("default_profile = \"crm\"", "default_profile = \"crn\""));
    test.get().says("もしかして: crm");
}

#[test]
fn errors_of_libraries_are_translated() {
    let mut test = test(JAPANESE).var("ZOHO_CRED_CONFIG", "/nonexistent/config.toml");
    test.get().says("設定ファイル /nonexistent/config.toml").says("--config");
    test = test.unset("ZOHO_CRED_CONFIG");
    let output = test.run("get crm --output-file /proc/nonexistent/x");
    output.says("そのようなファイルやフォルダーはありません").hides(&["os error"]);
    test.write_config("[profile.crm]\ndata_center = jp\n");
    test.get().says("2 行目: 文字列は引用符で囲んでください");
    test.write_config("[profile.crm]\ndata_center = 'jp'\nclient_secret = 'x'\n");
    test.get().says("3 行目").says("zoho-cred login crm");
    test.write_config(
        "[profile.crm]\naccounts_url = 'http://127.0.0.1:9'\nclient_id = '1'\nsecrets = 'file'\n",
    );
    test.run("doctor").prints("127.0.0.1 に接続できませんでした: 接続を拒否されました");
    test.run("setup").says("<TARGET> がありません").says("kubectl");
}

/// Converts a text to rexpect's view, which treats every byte as a character.
fn seen(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

#[test]
fn the_page_after_the_consent_is_in_the_language_of_the_call() {
    for (lang, tag, heading) in [(JAPANESE, "ja", "承認されませんでした"), ("C", "en", "Access denied")]
    {
        let test = Test::new().without_environment().var("LANG", lang).var("TERM", "xterm");
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let uri = format!("http://localhost:{port}/callback");
        let login = test.login("crm", ClientKind::Any).args("--flow browser --no-browser --scope A.b.READ");
        let mut pty = Person::runs(login.args(["--redirect-uri", &uri])).pty;
        let (_, state) = pty.exp_regex("state=[A-Za-z0-9_-]+").unwrap();
        let ask = |query: &str| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            write!(stream, "GET {query} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
            let mut page = String::new();
            stream.read_to_string(&mut page).unwrap();
            page
        };
        pty.exp_regex(&seen("承認を待っています|waiting up to")).unwrap();
        let stray = ask("/favicon.ico");
        assert!(stray.contains(&format!("<html lang=\"{tag}\">")), "{stray}");
        assert_eq!(is_japanese(&stray), lang == JAPANESE, "{stray}");
        let page = ask(&format!("/callback?error=access_denied&{state}"));
        assert!(page.contains(&format!("<h1>{heading}</h1>")), "{page}");
    }
}

/// Kinsoku: no mark that ends something begins a line, and no opening bracket ends one.
#[test]
fn japanese_breaks_where_it_may_in_terminals_of_80_and_40_columns() {
    let test = test(JAPANESE).var("TERM", "xterm").var("NO_COLOR", "1");
    for columns_of_terminal in [80, 40] {
        for command in ["--help", "login --help", "get --help", "get -h", "doctor", "status", "get nobody"] {
            let mut shell = Command::new("sh");
            shell.env_clear().envs(test.vars());
            shell.args(["-c", &format!("stty cols {columns_of_terminal}; exec {PROGRAM} {command}")]);
            let mut pty = rexpect::session::spawn_command(shell, Some(20_000)).unwrap();
            let bytes: Vec<u8> = pty.exp_eof().unwrap().chars().map(|byte| byte as u8).collect();
            let page = String::from_utf8(bytes).unwrap().replace('\r', "");
            assert!(page.lines().filter(|line| is_japanese(line)).count() > 1, "{page}");
            for line in page.lines().map(str::trim) {
                let misplaced = |c: char| "、。」）・？！々ーっッょョゎヵヶ".contains(c);
                assert!(!line.starts_with(misplaced) && !line.ends_with(['「', '（']), "{page}");
            }
            // Usage, commands and paths stay in one line.
            let is_prose = |line: &&str| is_japanese(line) && !line.contains(['「', '/', '<', '█', '[']);
            let long = page.lines().filter(is_prose).find(|line| columns(line) > columns_of_terminal);
            assert_eq!(long, None, "{columns_of_terminal} {page}");
        }
    }
}

/// Words that the glossary rules out, and the term in their place.
const RULED_OUT: &str = "\
    機械=マシン、このコンピューター; 端末=ターミナル; 移った先=リダイレクト先; トークンを更新=再発行; \
    トークンの更新=再発行; 更新でき=再発行; 利用者=ユーザー; ユーザ =ユーザー; 呼び出し側=呼び出し元; \
    残り回数=発行枠; 残りがありません=発行枠; 封を=暗号化; データセンタ =データセンター; \
    クライアント秘密=クライアントシークレット; 同意=承認; 要求=リクエスト; ことば=用語; 手で=手動で; \
    住所=URL; のことですか=もしかして: ; あるのは:=登録済みのプロファイル: ; \
    どのプロファイルですか=プロファイルを指定してください; \
    どのコマンドですか=実行するコマンドを指定してください; 戻ってこられません=応答を受け取れません; \
    まるごと=全体、アトミックな; 機器=デバイス; 先に進みました=続行されました; 二つ重ねる=-vv; \
    新しく保=更新し続けます; わかることを=取得した情報を; だれも=どのマシンも; \
    別のものになって=変更されました; 接続を切りました=切断されました; いつもの順=優先順位; \
    決めたこと=設計上の決定; あなた=自分; 誰のため=どの呼び出し元";

/// Everything that a Japanese reader sees: messages, help, pages and pictures.
#[test]
fn the_terms_of_the_glossary_are_used_everywhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> =
        ["docs/ja", "docs/pictures"].iter().flat_map(|it| files_below(&root.join(it))).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "md" || end == "svg"));
    assert!(paths.len() > 4, "{paths:?}");
    paths.push(root.join("src/i18n/ja.toml"));
    let test = test(JAPANESE);
    let read = |path: &PathBuf| (path.display().to_string(), fs::read_to_string(path).unwrap());
    let mut texts: Vec<_> = paths.iter().map(read).collect();
    for command in ["", "get", "login", "status", "doctor"] {
        let help = test.call(command).arg("--help").run().ok().to_owned();
        texts.push((format!("{command} --help"), help));
    }
    let mut wrong = Vec::new();
    for (name, text) in &texts {
        for line in text.lines().filter(|line| is_japanese(line) && !line.starts_with('#')) {
            let ruled_out = RULED_OUT.split("; ").map(|pair| pair.split_once('=').unwrap());
            let found = ruled_out.filter(|(word, _)| line.contains(word));
            wrong.extend(found.map(|(word, term)| format!("{name}: {word} → {term}: {line}")));
            let is_prose = !line.contains(['`', '|']);
            let full = ["ください.", "ます.", "です."].iter().any(|end| is_prose && line.contains(end));
            wrong.extend(full.then(|| format!("{name}: 。 instead of a period: {line}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Questions end in か, and only those that are answered with y or n have a question mark. Lists have 、.
#[test]
fn questions_and_lists_are_written_the_japanese_way() {
    let catalog: toml::Table = toml::from_str(include_str!("../../src/i18n/ja.toml")).unwrap();
    let texts = ["messages", "help"].map(|name| catalog[name].as_table().unwrap());
    for (english, japanese) in texts.into_iter().flatten() {
        let japanese = japanese.as_str().unwrap();
        let is_question = english.ends_with('?') && japanese.contains("か？");
        assert!(!japanese.contains("か?") && japanese.contains('？') == is_question, "{japanese}");
        let asks = japanese.ends_with('か') && !japanese.ends_with("どうか");
        assert!(!asks || english.ends_with('?'), "{japanese}");
        // Fragments that begin with a particle do not read as sentences.
        assert!(!japanese.starts_with(['は', 'が', 'に', 'を', 'の']), "{japanese}");
    }
    let known = Test::new().with_profile().var("LANG", JAPANESE);
    known.configure("[profile.dev]\ndata_center = 'jp'\nclient_id = '1'");
    known.run("get nobody").says("登録済みのプロファイル: crm、dev");
}
