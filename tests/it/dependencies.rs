//! Enforces the order of modules in the doc comment of `src/lib.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sandbox is a separate program behind a feature.
const EXCEPTIONS: [&str; 4] = ["bin", "lib", "main", "sandbox"];

#[test]
fn modules_use_only_modules_to_their_right() {
    let ranks = ranks();
    let uses = uses();
    for (module, used) in &uses {
        let rank =
            ranks.get(module).unwrap_or_else(|| panic!("{module} is missing in src/lib.rs's doc comment"));
        for (used, file) in used {
            assert!(rank <= &ranks[used], "{} must not use crate::{used}", file.display());
        }
    }
    for module in uses.keys() {
        let (mut reached, mut queue) = (BTreeSet::new(), vec![module]);
        while let Some(next) = queue.pop() {
            queue.extend(uses[next].keys().filter(|used| reached.insert(*used)));
        }
        assert!(!reached.contains(module), "{module} is part of a cycle among {reached:?}");
    }
}

/// The group of each module: `a → b, c` gives 0 for `a`, and 1 for `b` and `c`.
fn ranks() -> BTreeMap<String, usize> {
    let lib = fs::read_to_string("src/lib.rs").unwrap().replace("\n//!", "");
    let order = lib.split('`').find(|text| text.contains('→')).unwrap();
    let groups = order.split('→').enumerate();
    groups
        .flat_map(|(rank, group)| group.split(',').map(move |module| (module.trim().to_owned(), rank)))
        .collect()
}

/// The modules that each module uses outside unit tests, with a file that does.
fn uses() -> BTreeMap<String, BTreeMap<String, PathBuf>> {
    let mut uses = BTreeMap::<_, BTreeMap<_, _>>::new();
    let files = files(Path::new("src"));
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let module = file.components().nth(1).unwrap().as_os_str().to_str().unwrap();
        let module = module.trim_end_matches(".rs").to_owned();
        if EXCEPTIONS.contains(&&*module) {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap().lines();
        let code = code.filter(|line| !line.trim_start().starts_with("//"));
        let used = uses.entry(module.clone()).or_default();
        for path in code.flat_map(|line| line.split("crate::").skip(1)) {
            let name = path.split(|c: char| c != '_' && !c.is_alphanumeric()).next().unwrap();
            assert!(!name.is_empty(), "{}: write one `use crate::module` a line", file.display());
            if name != module && !EXCEPTIONS.contains(&name) {
                used.insert(name.to_owned(), file.clone());
            }
        }
    }
    uses
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
