//! Translated help. clap cannot translate its own headings, so these pages are formatted here. English help is
//! clap's.

use crate::cli::GLOBAL;
use crate::cli::examples::HEADING;
use crate::i18n::{hang, help, pad, tr, width, wrap};
use clap::builder::{PossibleValue, StyledStr};
use clap::{Arg, Command};

/// Indentation of the descriptions in the long form.
const INDENT: usize = 10;

/// Hides the global options in the help of subcommands, so that only the top level lists them.
pub(crate) fn hide_repeated_globals(mut command: Command) -> Command {
    fn hide(command: Command) -> Command {
        let is_global = |arg: &Arg| arg.get_help_heading() == Some(GLOBAL);
        command.mut_args(|arg| if is_global(&arg) { arg.hide(true) } else { arg }).mut_subcommands(hide)
    }
    command.build();
    command.mut_subcommands(hide)
}

/// Sets translated help pages for `command` and its subcommands. `long` is `--help`, as opposed to `-h`.
pub(crate) fn translated(mut command: Command, long: bool, columns: usize) -> Command {
    command.build();
    page_for_each(command, long, columns)
}

fn page_for_each(command: Command, long: bool, columns: usize) -> Command {
    let page =
        HelpPage { long: long && explains_values(&command), columns, text: String::new() }.of(&command);
    command.override_help(page).mut_subcommands(|sub| page_for_each(sub, long, columns))
}

/// Whether the long form has more information than the short one.
fn explains_values(command: &Command) -> bool {
    command.get_arguments().any(|arg| arg.get_long_help().is_some() || !explained(arg).is_empty())
}

struct HelpPage {
    long: bool,
    columns: usize,
    text: String,
}

impl HelpPage {
    fn of(mut self, command: &Command) -> String {
        let about = command.get_long_about().filter(|_| self.long).or(command.get_about());
        self.paragraph(about);
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage:").trim().replace("[OPTIONS]", &tr!("[OPTIONS]"));
        let usage = usage.replace("<COMMAND>", &tr!("<COMMAND>")).replace("[COMMAND]", &tr!("[COMMAND]"));
        let usage = tr!("Usage: {usage}\n", usage);
        self.text += wrap(usage.trim_end(), self.columns).trim_end();
        self.text.push('\n');
        let subcommands: Vec<_> = command.get_subcommands().filter(|sub| !sub.is_hide_set()).collect();
        let rows = subcommands.iter().map(|sub| (sub.get_name().to_owned(), translation(sub.get_about())));
        self.table(&tr!("Commands"), rows.collect());
        let shown = |arg: &&Arg| !arg.is_hide_set() && arg.get_help_heading().is_none();
        let (arguments, options): (Vec<&Arg>, Vec<&Arg>) =
            command.get_arguments().filter(shown).partition(|arg| arg.is_positional());
        self.arguments(&tr!("Arguments"), &arguments);
        self.arguments(&tr!("Options"), &options);
        for heading in headings(command) {
            let under: Vec<&Arg> =
                command.get_arguments().filter(|arg| arg.get_help_heading() == Some(heading)).collect();
            self.arguments(help(heading).unwrap_or(heading), &under);
        }
        let after = command.get_after_long_help().filter(|_| self.long).or(command.get_after_help());
        if after.is_some() {
            self.text.push('\n');
            self.paragraph(after);
        }
        self.text.trim_end().to_owned() + "\n"
    }

    /// A paragraph; its line breaks are kept.
    fn paragraph(&mut self, text: Option<&StyledStr>) {
        if text.is_none() {
            return;
        }
        for line in translation(text).lines() {
            // An indented line is a command; a line break would make it unusable.
            let is_command = line.starts_with("  ");
            self.text += &if is_command { line.to_owned() } else { wrap(line, self.columns) };
            self.text.push('\n');
        }
        self.text.push('\n');
    }

    fn arguments(&mut self, heading: &str, arguments: &[&Arg]) {
        if !self.long {
            return self.table(heading, arguments.iter().map(|arg| (term(arg), brief(arg))).collect());
        }
        if !arguments.is_empty() {
            self.text += &heading_line(heading);
        }
        let blocks: Vec<String> = arguments.iter().map(|arg| self.block(arg)).collect();
        self.text += &blocks.join("\n");
    }

    /// An argument in the long form: its name, then the description, then the possible values.
    fn block(&self, arg: &Arg) -> String {
        let mut text = format!("  {}\n", term(arg));
        let margin = " ".repeat(INDENT);
        let mut add = |description: &str| text += &(hang(&margin, description, self.columns, INDENT) + "\n");
        let values = explained(arg);
        let description = translation(arg.get_long_help().or(arg.get_help()));
        if values.is_empty() {
            add(&(description + &default(arg) + &choices(arg)))
        } else {
            add(&(description + &default(arg)));
            values.iter().for_each(|value| {
                let meaning = translation(value.get_help());
                add(&format!("- {}: {meaning}", value.get_name()));
            });
        }
        text
    }

    fn table(&mut self, heading: &str, rows: Vec<(String, String)>) {
        let Some(widest) = rows.iter().map(|(term, _)| width(term)).max() else { return };
        self.text += &heading_line(heading);
        let left = widest + 4;
        // If the names take half of the width, descriptions go on the next line.
        let below = left * 2 > self.columns;
        let left = if below { INDENT } else { left };
        for (term, description) in rows {
            let start = if below {
                self.text += &format!("  {term}\n");
                " ".repeat(left)
            } else {
                format!("  {}  ", pad(&term, widest))
            };
            self.text += hang(&start, &description, self.columns, left).trim_end();
            self.text.push('\n');
        }
    }
}

/// In bold, as clap has it; without color, clap drops the escape sequences.
fn heading_line(heading: &str) -> String {
    format!("\n\u{1b}[1;4m{heading}:\u{1b}[0m\n")
}

fn headings(command: &Command) -> Vec<&str> {
    let mut headings = Vec::new();
    for heading in command.get_arguments().filter(|arg| !arg.is_hide_set()).filter_map(Arg::get_help_heading)
    {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

/// For example `-o, --output <OUTPUT>`.
fn term(arg: &Arg) -> String {
    match (arg.is_positional(), arg.get_short()) {
        (true, _) => arg.to_string(),
        (false, Some(short)) if arg.get_long().is_some() => format!("-{short}, {arg}"),
        (false, Some(_)) => arg.to_string(),
        (false, None) => format!("    {arg}"),
    }
}

fn brief(arg: &Arg) -> String {
    translation(arg.get_help()) + &default(arg) + &choices(arg)
}

fn default(arg: &Arg) -> String {
    let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if values.is_empty() || !arg.get_action().takes_values() || arg.is_hide_default_value_set() {
        String::new()
    } else {
        tr!(" [default: {values}]", values = values.join(&tr!(", ")))
    }
}

fn choices(arg: &Arg) -> String {
    let values: Vec<String> = values(arg).iter().map(|value| value.get_name().to_owned()).collect();
    if values.is_empty() {
        String::new()
    } else {
        tr!(" [possible values: {values}]", values = values.join(&tr!(", ")))
    }
}

/// The possible values that the long form describes one by one.
fn explained(arg: &Arg) -> Vec<PossibleValue> {
    let values = values(arg);
    if values.iter().any(|value| value.get_help().is_some()) { values } else { Vec::new() }
}

fn values(arg: &Arg) -> Vec<PossibleValue> {
    if arg.get_action().takes_values() && !arg.is_hide_possible_values_set() {
        arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set()).collect()
    } else {
        Vec::new()
    }
}

fn translation(text: Option<&StyledStr>) -> String {
    let english = text.map(ToString::to_string).unwrap_or_default();
    if let Some(commands) = english.strip_prefix(HEADING) {
        return help(HEADING).unwrap_or(HEADING).to_owned() + commands;
    }
    help(&english).map(str::to_owned).unwrap_or(english)
}
