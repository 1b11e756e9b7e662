//! Weaves all mutants into one program that takes one of them when told to, so that there is one build and not
//! hundreds.
//!
//! `weave LIST SKIP TREE` reads the mutants as `cargo mutants --list --json` names them, passes over those whose
//! numbers are in the file SKIP, rewrites the sources in TREE, and prints the number and name of each one that is in
//! them. `weave read TREE` reads cargo's messages and prints `unviable N` for a mutant that does not compile, and
//! `executable TARGET PATH` for what was built.
#![expect(clippy::disallowed_methods, reason = "a tool for tests is outside")]

mod sites;

use serde_json::Value;
use sites::Mutant;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_to_string, write};
use std::io::stdin;

/// What every mutant asks. The number of the one to take stands in a file, as tests start programs without variables;
/// it is read by system calls alone, as the warm path runs before Rust has started.
const SWITCH: &str = r#"
static MUTANT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(u32::MAX);

/// Whether this mutant is the one to take.
#[inline(never)]
pub fn mutant(number: u32) -> bool {
    use std::sync::atomic::Ordering::Relaxed;
    let mut taken = MUTANT.load(Relaxed);
    if taken == u32::MAX {
        taken = u32::MAX - 1;
        let flags = rustix::fs::OFlags::RDONLY;
        if let Ok(file) = rustix::fs::open(env!("MUTANT_FILE"), flags, rustix::fs::Mode::empty()) {
            let mut bytes = [0; 16];
            let length = rustix::io::read(&file, &mut bytes).unwrap_or(0);
            let digits = bytes[..length].iter().take_while(|b| b.is_ascii_digit());
            taken = digits.fold(None, |n: Option<u32>, b| Some(n.unwrap_or(0) * 10 + u32::from(b - b'0'))).unwrap_or(taken);
        }
        MUTANT.store(taken, Relaxed);
    }
    taken == number
}
"#;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["read", tree] => read(tree),
        [list, skip, tree] => weave(list, skip, tree),
        _ => panic!("usage: weave LIST SKIP TREE | weave read TREE"),
    }
}

fn weave(list: &str, skip: &str, tree: &str) {
    let list: Vec<Value> = serde_json::from_str(&read_to_string(list).unwrap()).unwrap();
    let skip = read_to_string(skip).unwrap();
    let skip: BTreeSet<usize> = skip.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let mut files: BTreeMap<&str, Vec<Mutant>> = BTreeMap::new();
    for (number, json) in list.iter().enumerate() {
        let mutants = files.entry(json["file"].as_str().unwrap()).or_default();
        if !skip.contains(&number) {
            mutants.push(Mutant::new(number, json));
        }
    }
    for (file, mutants) in files {
        let (text, woven) = sites::weave(&read_to_string(file).unwrap(), &mutants);
        write(format!("{tree}/{file}"), text).unwrap();
        for mutant in &mutants {
            match woven.contains(&mutant.number) {
                true => println!("{} {}", mutant.number, mutant.name),
                false => eprintln!("not woven: {}", mutant.name),
            }
        }
    }
    let library = read_to_string("src/lib.rs").unwrap();
    write(format!("{tree}/src/lib.rs"), library + SWITCH).unwrap();
}

fn read(tree: &str) {
    let mut found = BTreeSet::new();
    for line in stdin().lines() {
        let message: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str())
        {
            found.insert(format!("executable {name} {path}"));
        }
        if message["message"]["level"] == "error" {
            let spans = message["message"]["spans"].as_array().unwrap();
            found.extend(spans.iter().filter(|span| span["is_primary"] == true).map(|span| {
                let text = read_to_string(format!("{tree}/{}", span["file_name"].as_str().unwrap())).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                let line = span["line_start"].as_u64().unwrap() as usize;
                let number = lines[..line].iter().rev().find_map(|line| sites::number_in(line));
                format!("unviable {}", number.expect("an error that no mutant makes"))
            }));
        }
    }
    found.iter().for_each(|line| println!("{line}"));
}
