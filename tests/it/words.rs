//! Every text that is said has its translation, and every translation its text.

use clap::CommandFactory;
use clap::builder::StyledStr;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use zoho_cred::cli::Cli;

const CATALOGUE: &str = include_str!("../../src/words/ja.toml");

#[derive(Deserialize)]
struct Catalogue {
    said: BTreeMap<String, String>,
    kept: BTreeMap<String, String>,
    help: BTreeMap<String, String>,
}

/// A call of `t!` or `kept!`.
struct Call {
    file: PathBuf,
    text: String,
    names: BTreeSet<String>,
}

fn catalogue() -> Catalogue {
    toml::from_str(CATALOGUE).unwrap()
}

/// The calls of a macro in our sources, tests left out.
fn calls(of: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|end| end == "rs") => {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                    find(code.parse().unwrap(), of, &path, &mut calls);
                }
                false => {}
            }
        }
    }
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

fn call(arguments: TokenStream, file: &Path) -> Call {
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

/// The `{name}`s of a text.
fn placeholders(text: &str) -> BTreeSet<String> {
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
    };
    let parts = text.split('{').skip(1).filter_map(|part| part.split_once('}'));
    parts.map(|(name, _)| name).filter(is_name).map(str::to_owned).collect()
}

/// Fails with all that is wrong between the texts and their translations.
fn compare(what: &str, texts: &BTreeSet<String>, translations: &BTreeMap<String, String>) {
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
    assert!(wrong.is_empty(), "{what} of src/words/ja.toml:\n{}", wrong.join("\n"));
}

#[test]
fn every_text_that_is_said_has_its_translation() {
    let texts = calls("t").into_iter().map(|call| call.text).collect();
    compare("[said]", &texts, &catalogue().said);
}

#[test]
fn every_text_that_is_kept_has_its_translation() {
    let texts = calls("kept").into_iter().map(|call| call.text).collect();
    compare("[kept]", &texts, &catalogue().kept);
}

#[test]
fn every_placeholder_of_a_text_is_given() {
    for call in calls("t").into_iter().chain(calls("kept")) {
        let wanted = placeholders(&call.text);
        // Without a value at all the text is taken as it stands, as those of `setup` are.
        let given = call.names.is_empty() || call.names == wanted;
        assert!(given, "{}: {:?} is given {:?}", call.file.display(), call.text, call.names);
    }
}

#[test]
fn every_word_of_the_help_has_its_translation() {
    let mut command = Cli::command();
    command.build();
    let mut texts = BTreeSet::new();
    help(&command, &mut texts);
    compare("[help]", &texts, &catalogue().help);
}

fn help(command: &clap::Command, texts: &mut BTreeSet<String>) {
    let mut add = |text: Option<&StyledStr>| {
        texts.extend(text.map(ToString::to_string).filter(|text| !text.is_empty()));
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
