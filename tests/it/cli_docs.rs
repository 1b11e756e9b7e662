//! docs/cli.md matches the clap definitions. `ZOHO_CRED_WRITE_DOCS=1` regenerates it.

use crate::harness::Test;
use crate::links::is_generated;
use clap::{Arg, Command, CommandFactory, Parser};
use std::fmt::Write;
use zoho_cred::cli::Cli;

#[test]
fn the_page_is_what_the_definitions_say() {
    let mut page = "# Commands and flags\n\nMade from the definitions in `src/cli/args.rs`; `zoho-cred help COMMAND` and `man zoho-cred` \
                    say the same. Durations are\n`45s`, `10m`, `1h30m` or bare seconds.\n"
        .to_owned();
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write(&mut page, &command, "zoho-cred", true);
    is_generated("docs/cli.md", &page, "cli_docs");
}

fn write(page: &mut String, command: &Command, name: &str, whole: bool) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().bin_name(name).render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    write!(page, "\n## {name}\n\n{about}.\n\n```text\n{usage}\n```\n").unwrap();
    let shown = |arg: &&Arg| !arg.is_hide_set() && (whole || !arg.is_global_set()) && arg.get_id() != "help";
    let (arguments, flags): (Vec<_>, Vec<_>) =
        command.get_arguments().filter(shown).partition(|arg| arg.is_positional());
    table(page, "argument", &arguments);
    table(page, "flag", &flags);
    if let Some(examples) = command.get_after_help().map(ToString::to_string) {
        let commands = examples.replace("Examples:\n", "").replace("\n  ", "\n");
        write!(page, "\n```sh\n{}\n```\n", commands.trim_start()).unwrap();
    }
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        write(page, sub, &format!("{name} {}", sub.get_name()), false);
    }
}

fn table(page: &mut String, heading: &str, args: &[&Arg]) {
    if args.is_empty() {
        return;
    }
    write!(page, "\n| {heading} | what it does |\n|---|---|\n").unwrap();
    for arg in args {
        writeln!(page, "| {} | {} |", form(arg), meaning(arg)).unwrap();
    }
}

/// Formats the names of a flag: `-o`, `--output OUTPUT`.
fn form(arg: &Arg) -> String {
    let takes = arg.get_action().takes_values();
    let value = arg.get_value_names().filter(|_| takes).map(|names| names.join(" "));
    if arg.is_positional() {
        let dots = if arg.get_num_args().is_some_and(|n| n.max_values() > 1) { "..." } else { "" };
        return format!("`{}{dots}`", value.unwrap_or_default());
    }
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names: Vec<_> = arg.get_short().map(|short| format!("-{short}")).into_iter().chain(long).collect();
    let value = value.map(|value| format!(" {value}")).unwrap_or_default();
    format!("`{}{value}`", names.join(", "))
}

/// Formats the help text, the possible values and the default.
fn meaning(arg: &Arg) -> String {
    let mut meaning = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
    let values = arg.get_possible_values();
    if arg.get_action().takes_values() && !values.is_empty() {
        let values: Vec<_> = values.iter().map(|value| format!("`{}`", value.get_name())).collect();
        write!(meaning, ". One of {}", values.join(", ")).unwrap();
    }
    let defaults: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        write!(meaning, ". Default: `{}`", defaults.join(" ")).unwrap();
    }
    meaning
}

/// All commands that the help shows, as the arguments that name them.
fn commands(command: &Command, path: &[String]) -> Vec<Vec<String>> {
    let subs = command.get_subcommands().filter(|sub| !sub.is_hide_set());
    let below = subs.flat_map(|sub| commands(sub, &[path, &[sub.get_name().to_owned()]].concat()));
    std::iter::once(path.to_vec()).chain(below).collect()
}

#[test]
fn every_help_has_examples_and_only_the_top_level_lists_the_global_options() {
    let test = Test::new();
    for path in commands(&Cli::command(), &[]) {
        let help = test.call(&path).arg("--help").run().ok().to_owned();
        let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{path:?}: {help}"));
        assert!(examples.starts_with("  "), "{path:?}: {help}");
        for global in ["Global options", "--config", "--ca-file", "--error-format", "--color", "--quiet"] {
            assert_eq!(help.contains(global), path.is_empty(), "{path:?}: {help}");
        }
    }
}

#[test]
fn the_examples_of_the_help_are_valid_command_lines() {
    fn check(command: &Command) -> usize {
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let calls =
            examples.split("zoho-cred ").skip(1).map(|call| call.split(['|', ')', '<', '>', '\n']).next());
        let checked = calls.flatten().filter(|call| !call.starts_with('-')).map(|call| {
            let args = ["zoho-cred"].into_iter().chain(call.split_whitespace());
            assert!(Cli::try_parse_from(args).is_ok(), "{call}");
        });
        checked.count() + command.get_subcommands().map(check).sum::<usize>()
    }
    assert!(check(&Cli::command()) > 25);
}

/// The page of `import -` was `zoho-cred-import--.1`.
#[test]
fn every_manual_page_has_a_name_that_man_finds() {
    let test = Test::new();
    let folder = test.dir.path().join("man1");
    std::fs::create_dir(&folder).unwrap();
    test.run(["man", "--dir", folder.to_str().unwrap()]).exits(0);
    let pages = std::fs::read_dir(&folder).unwrap().map(|page| page.unwrap().file_name());
    let pages: Vec<_> = pages.map(|name| name.into_string().unwrap()).collect();
    assert!(pages.iter().any(|page| page == "zoho-cred-import-stdin.1"), "{pages:?}");
    assert!(pages.iter().all(|page| !page.contains("--")), "{pages:?}");
}

/// The main manual page names every variable and key of docs/config.md, and every exit code.
#[test]
fn the_manual_is_complete() {
    let page = Test::new().run("man").ok().replace("\\-", "-");
    let config = include_str!("../../docs/config.md");
    let rows =
        config.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let names: Vec<_> = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 40);
    for name in names {
        assert!(page.contains(name.trim_matches('"')), "{name} is not in the manual");
    }
    for code in [0, 1, 2, 65, 69, 70, 74, 75, 77, 78, 126, 127, 130, 143] {
        assert!(page.contains(&format!("\\fB{code}\\fR")), "{code}");
    }
}
