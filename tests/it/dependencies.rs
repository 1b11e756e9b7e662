//! Enforces the order of modules in the doc comment of `src/lib.rs`, and that no files use each other in a cycle.

use crate::harness::files_below;
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
    let names = uses.iter().map(|(module, used)| (&**module, used.keys().map(|used| &**used).collect()));
    has_no_cycle(&names.collect());
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
    let files = files_below(Path::new("src"));
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

#[test]
fn files_do_not_use_each_other_in_a_cycle() {
    let sources: BTreeMap<String, String> =
        files_below(Path::new("src")).iter().filter_map(|file| source(file)).collect();
    let exports: BTreeMap<String, String> =
        sources.iter().flat_map(|(file, code)| exports(file, code)).collect();
    let file_of = |path: &str| -> Option<&str> {
        let path = exports.get(path).map_or(path, String::as_str);
        let mut parents =
            std::iter::successors(Some(path), |path| path.rsplit_once("::").map(|(parent, _)| parent));
        parents.find_map(|parent| sources.get_key_value(parent)).map(|(file, _)| file.as_str())
    };
    let uses: BTreeMap<&str, BTreeSet<&str>> = sources
        .iter()
        .map(|(file, code)| {
            let paths = uses_of(file, code);
            (&**file, paths.iter().filter_map(|path| file_of(path)).filter(|used| used != file).collect())
        })
        .collect();
    has_no_cycle(&uses);
}

fn has_no_cycle(uses: &BTreeMap<&str, BTreeSet<&str>>) {
    for start in uses.keys() {
        let (mut reached, mut queue) = (BTreeSet::new(), vec![*start]);
        while let Some(next) = queue.pop() {
            queue.extend(uses[next].iter().filter(|used| reached.insert(**used)));
        }
        assert!(!reached.contains(start), "{start} is part of a cycle among {reached:?}");
    }
}

/// The path of a file's module, such as `store::local`, and its code without comments, unit tests and blanks.
fn source(file: &Path) -> Option<(String, String)> {
    let text = fs::read_to_string(file).ok().filter(|_| file.extension().is_some_and(|end| end == "rs"))?;
    let module = file.strip_prefix("src").unwrap().with_extension("").to_str()?.replace('/', "::");
    let module = module.trim_end_matches("::mod").to_owned();
    let code = text.split("#[cfg(test)]").next()?.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<String>().replace("pub(crate) use", "pub use").replace(' ', "");
    let is_checked = !EXCEPTIONS.contains(&module.split("::").next()?);
    is_checked.then_some((module, code))
}

/// What `module` re-exports: the path of the item here, and in the file that defines it.
fn exports(module: &str, code: &str) -> Vec<(String, String)> {
    let exported = code.split("pubuse").skip(1).flat_map(|tree| names(tree.split(';').next().unwrap()));
    exported
        .filter_map(|path| {
            let (_, name) = path.rsplit_once("::")?;
            Some((format!("{module}::{name}"), format!("{module}::{path}")))
        })
        .collect()
}

/// The paths that `module` names: by `crate::`, by `super::`, or in a module of its own.
fn uses_of(module: &str, code: &str) -> Vec<String> {
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let code = code
        .replace("super::", &format!("crate::{parent}::"))
        .replace("self::", &format!("crate::{module}::"));
    let mut paths: Vec<String> = code.split("crate::").skip(1).flat_map(names).collect();
    let children = code.split("mod").skip(1).filter_map(|rest| Some(rest.split_once(';')?.0));
    let own = code
        .replace("pubuse", "\n")
        .lines()
        .map(|line| line.split_once(';').map_or(line, |(_, code)| code))
        .collect::<String>();
    paths.extend(
        children
            .filter(|child| own.contains(&format!("{child}::")))
            .map(|child| format!("{module}::{child}")),
    );
    paths
}

/// The paths of a `use` tree at the beginning of `code`, at most one list deep: `a::{b,c}` gives `a::b` and `a::c`.
fn names(code: &str) -> Vec<String> {
    let is_path = |c: char| c == '_' || c == ':' || c.is_alphanumeric();
    let (path, rest) = code.split_at(code.find(|c| !is_path(c)).unwrap_or(code.len()));
    match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
        Some((list, _)) => list.split(',').map(|name| format!("{path}{name}")).collect(),
        None => vec![path.to_owned()],
    }
}
