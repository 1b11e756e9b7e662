//! Every message has a translation, and every translation has a message.

use crate::harness::files_below;
use clap::builder::StyledStr;
use clap::{CommandFactory, Parser};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use zoho_cred::cli::Cli;

/// Parts of sentences that are not translated, below the reason.
const NOT_SAID: &str = r#"
# Scripts for Redis, a line of shell, and messages for bugs.
redis.call( || gh secret set || error[internal]
# Text from other programs.
"unknown field" || "failed to lookup address information" || "did not contain valid UTF-8"
"Platform failure: " || "zbus error: " || "invalid type: " || "duplicate key"
"string values must be quoted" || oauth/access_denied.rs: || store/redis/errors.rs: || "no sentinel"
# What version 0.1 shows.
"the last request failed" || (os error
# Text that other programs read.
output/ || HTTP/1.1 || "400 Bad Request" || "404 Not Found"
# Commands for the user to paste, and a flag with its value.
"zoho-cred get {name} | || "chmod || "icacls || "zoho-cred login {name}" || "zoho-cred import sdk"
"zoho-cred helper || "zoho-cred profile || "output json"
# Commands in the help, of which only the heading is translated, and what is translated when the help is formatted.
cli/examples.rs: || "Global options"
# Names in Zoho's console, which are English in every language.
"Self Client" || Client Name || Homepage URL || Authorized Redirect URIs
"#;

#[derive(Deserialize)]
struct Catalog {
    messages: BTreeMap<String, String>,
    help: BTreeMap<String, String>,
}

/// A call of `tr!` in the source.
struct Call {
    file: PathBuf,
    text: String,
    names: BTreeSet<String>,
}

/// The catalogs of all languages, each with its name.
fn catalogs() -> Vec<(String, Catalog)> {
    let mut files = files_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/i18n"));
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    assert!(!files.is_empty());
    let read = |path: &PathBuf| toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    files.iter().map(|path| (path.display().to_string(), read(path))).collect()
}

/// The sources, without tests.
fn sources() -> Vec<(PathBuf, TokenStream)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = files_below(&root).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs"));
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            (path.strip_prefix(&root).unwrap().to_owned(), code.parse().unwrap())
        })
        .collect()
}

/// All calls of a macro in the sources.
fn calls(of: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    sources().into_iter().for_each(|(file, code)| find(code, of, &file, &mut calls));
    assert!(!calls.is_empty());
    calls
}

fn find(code: TokenStream, of: &str, file: &Path, calls: &mut Vec<Call>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let is_call = group.delimiter() == Delimiter::Parenthesis
            && at >= 2
            && tokens[at - 1].to_string() == "!"
            && tokens[at - 2].to_string() == of;
        if is_call {
            calls.push(call(group.stream(), file));
        }
        find(group.stream(), of, file, calls);
    }
}

/// Sentences outside of the translation macros.
fn bare(code: TokenStream, file: &Path, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => {
                let before = |back: usize| tokens.get(at.wrapping_sub(back)).map(ToString::to_string);
                let of_macro = (before(1).as_deref() == Some("!")).then(|| before(2)).flatten();
                let is_attribute = matches!(before(1).as_deref(), Some("#" | "!"))
                    && group.delimiter() == Delimiter::Bracket;
                let silent = ["tr", "info", "debug", "warn", "error", "debug_assert", "include_str"];
                let is_silent = of_macro.is_some_and(|name| silent.contains(&name.as_str()));
                if !is_attribute && !is_silent {
                    bare(group.stream(), file, found);
                }
            }
            TokenTree::Literal(literal) => {
                let text = syn::parse_str::<syn::LitStr>(&literal.to_string()).map(|text| text.value());
                found.extend(
                    text.ok().filter(|text| is_sentence(text)).map(|t| format!("{}: {t:?}", file.display())),
                );
            }
            _ => {}
        }
    }
}

/// Whether a text has two or more words, or one word and a placeholder.
fn is_sentence(text: &str) -> bool {
    let is_word =
        |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic() || ",;:.'".contains(c));
    let words = text.split(' ').filter(is_word).count();
    words >= 2 || (words == 1 && text.contains(' ') && text.contains('{'))
}

fn call(arguments: TokenStream, file: &Path) -> Call {
    let secret = arguments.to_string().contains("expose");
    assert!(!secret, "{}: a secret is put into words: {arguments}", file.display());
    let mut tokens = arguments.into_iter();
    let literal = tokens.next().unwrap().to_string();
    let text = syn::parse_str::<syn::LitStr>(&literal)
        .unwrap_or_else(|_| panic!("{}: {literal} is not a text", file.display()))
        .value();
    let mut names = BTreeSet::new();
    let mut before = TokenTree::Punct(proc_macro2::Punct::new(';', proc_macro2::Spacing::Alone));
    for token in tokens {
        if before.to_string() == "," && matches!(token, TokenTree::Ident(_)) {
            names.insert(token.to_string());
        }
        before = token;
    }
    Call { file: file.to_owned(), text, names }
}

/// The placeholders `{name}` of a text.
fn placeholders(text: &str) -> BTreeSet<String> {
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
    };
    let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    parts.map(|(name, _)| name).filter(is_name).map(str::to_owned).collect()
}

/// Fails with all differences between the messages and their translations.
fn compare(name: &str, texts: &BTreeSet<String>, translations: &BTreeMap<String, String>) {
    let mut wrong = Vec::new();
    for text in texts {
        match translations.get(text) {
            None => wrong.push(format!("no translation: {text:?}")),
            Some(translation) if placeholders(translation) != placeholders(text) => {
                wrong.push(format!("other placeholders: {text:?} = {translation:?}"));
            }
            Some(translation) if translation.is_empty() => wrong.push(format!("empty: {text:?}")),
            Some(_) => {}
        }
    }
    let unused = translations.keys().filter(|text| !texts.contains(*text));
    wrong.extend(unused.map(|text| format!("unused: {text:?}")));
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
}

#[test]
fn every_text_that_is_said_has_its_translation() {
    let texts = calls("tr").into_iter().map(|call| call.text).collect();
    catalogs().iter().for_each(|(name, catalog)| compare(name, &texts, &catalog.messages));
}

#[test]
fn commands_in_texts_can_be_pasted() {
    let mut pasted = 0;
    // The texts of more than one line are those of `setup`, which name other programs.
    let catalogs = catalogs();
    let said = catalogs.iter().flat_map(|(_, catalog)| &catalog.messages);
    let texts = said.flat_map(|(english, japanese)| [english, japanese]);
    for text in texts.filter(|text| !text.contains('\n')) {
        assert!(!text.contains("docs/"), "an installed program has no such path: {text}");
        let text = text.replace("{profile}", "crm");
        let commands = text.split(['\'', '「', '」']).skip(1).filter(|part| part.starts_with("zoho-cred "));
        for command in commands.filter(|command| !command.contains('{')) {
            let parsed = Cli::try_parse_from(command.split(' '));
            let is_help = parsed.as_ref().is_err_and(|error| !error.use_stderr());
            assert!(parsed.is_ok() || is_help, "{command} in {text}");
            pasted += 1;
        }
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for flag in words.filter_map(|word| word.strip_prefix("--")).filter(|name| !name.is_empty()) {
            assert!(is_flag(&Cli::command(), flag), "--{flag} in {text}");
        }
    }
    assert!(pasted > 20, "{pasted}");
}

pub fn is_flag(command: &clap::Command, name: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(name))
        || ["help", "version"].contains(&name)
        || command.get_subcommands().any(|sub| is_flag(sub, name))
}

#[test]
fn no_sentence_is_said_past_the_translation() {
    let mut found = Vec::new();
    // The sandbox is for developers; only the pages that stand for Zoho's are translated.
    let translated = sources().into_iter().filter(|(file, _)| !file.starts_with("sandbox"));
    translated.for_each(|(file, code)| bare(code, &file, &mut found));
    let known = NOT_SAID.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let known: Vec<_> = known.flat_map(|line| line.split(" || ")).collect();
    found.retain(|text| !known.iter().any(|known| text.contains(known)));
    assert!(found.is_empty(), "write these with tr!, or add them to NOT_SAID:\n{found:#?}");
}

#[test]
fn every_placeholder_of_a_text_is_given() {
    for call in calls("tr") {
        let wanted = placeholders(&call.text);
        // The templates of `setup` are filled in later.
        let given = call.names == wanted || call.file.ends_with("setup/mod.rs");
        assert!(given, "{}: {:?} is given {:?}", call.file.display(), call.text, call.names);
    }
}

#[test]
fn every_word_of_the_help_has_its_translation() {
    let mut command = Cli::command();
    command.build();
    let mut texts = BTreeSet::new();
    help(&command, &mut texts);
    catalogs().iter().for_each(|(name, catalog)| compare(name, &texts, &catalog.help));
}

fn help(command: &clap::Command, texts: &mut BTreeSet<String>) {
    let mut add = |text: Option<&StyledStr>| {
        let text = text.map(ToString::to_string).filter(|text| !text.is_empty());
        // Of the examples only the heading is translated.
        texts
            .extend(text.map(|text| if text.starts_with("Examples:\n") { "Examples:".into() } else { text }));
    };
    add(command.get_about());
    add(command.get_long_about());
    add(command.get_after_help());
    add(command.get_after_long_help());
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        add(arg.get_help());
        add(arg.get_long_help());
        if arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
            arg.get_possible_values().iter().for_each(|value| add(value.get_help()));
        }
    }
    texts.extend(command.get_arguments().filter_map(clap::Arg::get_help_heading).map(str::to_owned));
    command.get_subcommands().for_each(|sub| help(sub, texts));
}
