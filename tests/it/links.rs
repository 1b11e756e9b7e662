//! What the documentation points to is there, and what can be set or can fail stands in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use zoho_cred::config::{ConfigFile, ProfileName, data_center};
use zoho_cred::error::Code;

/// Written and held by another test, so it may not be there yet while that is being made.
const GENERATED: &str = "docs/cli.md";

const CODES: [Code; 16] = [
    Code::Failure,
    Code::Usage,
    Code::BadInput,
    Code::Unavailable,
    Code::Internal,
    Code::Store,
    Code::RateLimited,
    Code::Busy,
    Code::LoginRequired,
    Code::Config,
    Code::UnknownProfile,
    Code::ClientRejected,
    Code::Interrupted(2),
    Code::Interrupted(15),
    Code::Command(126),
    Code::Command(127),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The files with this ending in a folder and those below it.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = entries.flat_map(|path| match path.is_dir() {
        true => files(&path, ending),
        false => vec![path],
    });
    below.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

fn pages() -> BTreeMap<PathBuf, String> {
    let mut paths = files(&root().join("docs"), "md");
    paths.push(root().join("README.md"));
    paths.into_iter().map(|path| (path.canonicalize().unwrap(), fs::read_to_string(&path).unwrap())).collect()
}

/// The lines of a page outside of its fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fence = None;
    text.lines().filter(move |line| {
        let marker = ["```", "~~~"].into_iter().find(|marker| line.trim_start().starts_with(marker));
        match (fence, marker) {
            (None, None) => true,
            (None, Some(_)) => {
                fence = marker;
                false
            }
            (Some(open), Some(marker)) if open == marker => {
                fence = None;
                false
            }
            (Some(_), _) => false,
        }
    })
}

/// The targets of a page's links and images, and of its link definitions.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // What stands in code is no link, but code may stand in a link's text.
        let bare: String = line.split('`').step_by(2).collect();
        let definition = bare.trim_start().strip_prefix('[').and_then(|rest| rest.split_once("]: "));
        found.extend(definition.map(|(_, target)| target.to_owned()));
        found.extend(bare.split("](").skip(1).map(target));
    }
    let plain = |target: &String| target.split_whitespace().next().unwrap_or_default().to_owned();
    found.iter().map(plain).map(|target| target.trim_matches(['<', '>']).to_owned()).collect()
}

/// What stands before the parenthesis that closes a link.
fn target(rest: &str) -> String {
    let mut depth = 0;
    let inside = |c: &char| {
        depth += i32::from(*c == '(') - i32::from(*c == ')');
        depth >= 0
    };
    rest.chars().take_while(inside).collect()
}

/// The anchors that GitHub makes of a page's headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in prose(text) {
        let title = line.trim_start_matches('#');
        if !(1..=6).contains(&(line.len() - title.len())) || !title.starts_with(' ') {
            continue;
        }
        let base = anchor(title.trim().trim_end_matches('#').trim_end());
        let numbered = (1..).map(|n| format!("{base}-{n}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

/// One heading's anchor: lower case, letters, digits, `_` and `-` kept in every script, blanks made hyphens, all else
/// left out; of a link only the text counts.
fn anchor(title: &str) -> String {
    let mut text = title.to_owned();
    while let Some((start, end)) = link_target(&text) {
        text.replace_range(start..end, "");
    }
    let kept = text.chars().flat_map(char::to_lowercase).filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphabetic() || c.is_ascii_digit() || ('０'..='９').contains(&c) => Some(c),
        _ => None,
    });
    kept.collect()
}

/// Where the first link's target stands, with its parentheses.
fn link_target(text: &str) -> Option<(usize, usize)> {
    let start = text.find("](")? + 1;
    Some((start, start + text[start..].find(')')? + 1))
}

/// What is wrong with a link of `page`, if anything.
fn fault(page: &Path, link: &str, pages: &BTreeMap<PathBuf, String>) -> Option<String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let place = match path {
        "" => page.to_owned(),
        path => page.parent().unwrap().join(path),
    };
    if place.ends_with(GENERATED) && !place.exists() {
        return None;
    }
    let Ok(place) = place.canonicalize() else { return Some("leads to nothing".into()) };
    if path.starts_with('/') || !place.starts_with(root().canonicalize().unwrap()) {
        return Some("leads out of the repository".into());
    }
    let known =
        anchor.is_none_or(|anchor| pages.get(&place).is_some_and(|text| anchors(text).contains(anchor)));
    (!known).then(|| "leads to no heading".into())
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    let mut faults = Vec::new();
    let mut count = 0;
    for (page, text) in &pages {
        let elsewhere = |link: &String| link.contains("://") || link.starts_with("mailto:");
        for link in links(text).into_iter().filter(|link| !elsewhere(link)) {
            count += 1;
            let name = page.strip_prefix(root().canonicalize().unwrap()).unwrap().display();
            faults.extend(fault(page, &link, &pages).map(|fault| format!("{name}: {link} {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 50, "only {count} links were found");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let pages = pages();
    let mut reached = BTreeSet::new();
    let mut next = vec![root().join("README.md").canonicalize().unwrap()];
    while let Some(page) = next.pop() {
        let Some(text) = pages.get(&page).filter(|_| reached.insert(page.clone())) else { continue };
        for link in links(text) {
            let place = page.parent().unwrap().join(link.split('#').next().unwrap_or_default());
            match place.canonicalize() {
                Ok(folder) if folder.is_dir() => next.extend(files(&folder, "md")),
                Ok(place) => next.push(place),
                Err(_) => {}
            }
        }
    }
    let lost: Vec<_> = pages.keys().filter(|page| !reached.contains(*page)).collect();
    assert!(lost.is_empty(), "no link leads to {lost:?}");
}

/// The keys of every table that `src/config/file.rs` reads: the fields of its strict structs.
fn keys() -> BTreeSet<String> {
    let source = read("src/config/file.rs");
    let structs = source.split("#[serde(deny_unknown_fields)]").skip(1);
    let fields = structs.flat_map(|rest| rest.split_once('}').unwrap().0.lines());
    let names = fields.filter_map(|line| line.trim().trim_start_matches("pub ").split_once(": "));
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    names.map(|(name, _)| name).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn every_key_is_documented() {
    let (keys, page) = (keys(), read("docs/config.md"));
    assert!(keys.len() >= 19 && keys.contains("data_center") && keys.contains("prefix"), "{keys:?}");
    let missing: Vec<_> = keys.iter().filter(|key| !page.contains(&format!("\n| `{key}` |"))).collect();
    assert!(missing.is_empty(), "docs/config.md has no row for {missing:?}");
}

#[test]
fn every_variable_is_documented() {
    let page = read("docs/config.md");
    let mut found = BTreeSet::new();
    for path in files(&root().join("src"), "rs") {
        if path.starts_with(root().join("src/sandbox")) {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        let is_name = |text: &&str| {
            text.starts_with("ZOHO_")
                && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        };
        found.extend(code.split('"').filter(is_name).map(str::to_owned));
    }
    assert!(found.len() >= 18, "{found:?}");
    let missing: Vec<_> = found.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/config.md does not name {missing:?}");
}

#[test]
fn the_examples_of_the_settings_are_settings() {
    let page = read("docs/config.md");
    let examples: Vec<_> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        let config = ConfigFile::parse(Path::new("docs/config.md"), example).unwrap();
        for name in config.names() {
            config.profile(&ProfileName::new(&name).unwrap()).unwrap().unwrap();
        }
    }
}

#[test]
fn the_table_of_data_centres_is_the_programs() {
    let page = read("docs/config.md");
    for dc in data_center::ALL {
        let cells = [dc.code, dc.accounts_host, dc.api_host, dc.console_host, dc.product_domain];
        let row = format!("| {} |", cells.map(|cell| format!("`{cell}`")).join(" | "));
        assert!(page.contains(&row), "docs/config.md lacks {row}");
    }
}

#[test]
fn every_error_code_is_documented() {
    let source = read("src/error.rs");
    let body = source.split_once("fn word(").unwrap().1.split_once("fn exit_code(").unwrap().0;
    let words: BTreeSet<&str> = body.lines().filter_map(|line| line.split('"').nth(1)).collect();
    let listed: BTreeSet<&str> = CODES.into_iter().map(Code::word).collect();
    assert_eq!(words, listed, "the list in this test is not the program's");
    let page = read("docs/troubleshooting.md");
    let rows: Vec<Vec<&str>> = page.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for code in CODES {
        let (exit, word) = (code.exit_code().to_string(), format!("`{}`", code.word()));
        let has = |row: &Vec<&str>| row.len() > 4 && row[1].split(", ").any(|c| c == exit) && row[2] == word;
        assert!(rows.iter().any(has), "docs/troubleshooting.md has no row with {exit} and {word}");
    }
}

/// What Zoho says is met in both languages.
#[test]
fn every_word_of_zohos_is_explained_in_japanese_too() {
    let (english, japanese) = (read("docs/troubleshooting.md"), read("docs/ja/troubleshooting.md"));
    let headings = english.lines().filter(|line| line.starts_with("### `"));
    let words: BTreeSet<&str> = headings.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    assert!(words.len() > 15, "{words:?}");
    let missing: Vec<_> = words.iter().filter(|word| !japanese.contains(&format!("`{word}`"))).collect();
    assert!(missing.is_empty(), "docs/ja/troubleshooting.md lacks {missing:?}");
}

/// There a semicolon ends a statement, and GitHub shows an error in the picture's place.
#[test]
fn pictures_in_mermaid_can_be_drawn() {
    let pages = pages();
    let pictures: Vec<&str> = pages
        .values()
        .flat_map(|text| text.split("```mermaid\n").skip(1))
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(pictures.len() >= 2);
    for picture in pictures {
        assert!(!picture.contains(';'), "{picture}");
    }
}

#[test]
fn anchors_are_made_as_github_makes_them() {
    let page = "# A `b_c`, and D!\n```\n# no heading\n```\n## A b\n## A b\n#hash\n## 1〜5. クライアントを登録する\n\
                ### `Access Denied`、「何度も」\n## [Link](x.md) & more\n";
    let wanted =
        ["a-b_c-and-d", "a-b", "a-b-1", "15-クライアントを登録する", "access-denied何度も", "link--more"];
    assert_eq!(anchors(page), wanted.map(str::to_owned).into());
}

#[test]
fn links_are_found_in_prose_only() {
    let page =
        "see [`a`](b.md#c) and ![p](d.svg \"title\"), `[not](one)`\n```\n[nor](this)\n```\n[e]: <f.md>\n";
    assert_eq!(links(page), ["b.md#c", "d.svg", "f.md"]);
}
