//! `man`: the manual pages, generated from the clap definitions and two sections in roff.

use crate::cli::{Cli, ManArgs, hide_repeated_globals};
use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::system::{System, files, process, unprinted};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::io;
use std::path::Path;

const EXIT_STATUS: &str = include_str!("exit_status.roff");
/// Environment and files, in the main page only.
const REFERENCE: &str = include_str!("reference.roff");

/// Opens a page on a terminal, prints it elsewhere, or writes all pages to a directory.
pub(crate) fn run(system: &mut System, args: &ManArgs) -> Result<u8, Error> {
    let mut root = hide_repeated_globals(Cli::command().disable_help_subcommand(true));
    root.build();
    if let Some(folder) = &args.dir {
        return write_all(&root, folder).map(|()| 0).map_err(|error| files::unwritable(folder, &error));
    }
    let mut command = &root;
    for name in &args.command {
        let found = command.find_subcommand(name);
        command =
            found.ok_or_else(|| Error::usage(tr!("there is no command '{name}'", name), "zoho-cred"))?;
    }
    let page = page(command).map_err(|error| unprinted(&error))?;
    if !system.terminal.stdout {
        return system.print(&page).map(|()| 0);
    }
    process::read_manual(&file_name(command), &page).map_err(|error| {
        Error::new(
            Code::Failure,
            tr!("could not run {what}", what = "man"),
            tr!("run '{command} --help'", command = command.get_bin_name().unwrap_or("zoho-cred")),
        )
        .with_cause(causes::cause(&error))
    })
}

fn write_all(command: &Command, folder: &Path) -> io::Result<()> {
    files::write(&folder.join(file_name(command)), &page(command)?)?;
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| write_all(sub, folder))
}

/// For example `zoho-cred-helper-git.1`.
fn file_name(command: &Command) -> String {
    Man::new(command.clone()).get_filename()
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let is_main = command.get_name() == "zoho-cred";
    let man = Man::new(command.clone()).source(concat!("zoho-cred ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    // No hyphens in names and commands.
    page.extend_from_slice(b".nh\n");
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|arg| !arg.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if command.get_subcommands().any(|sub| !sub.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    examples(command).to_writer(&mut page)?;
    page.extend_from_slice(EXIT_STATUS.as_bytes());
    if is_main {
        page.extend_from_slice(REFERENCE.as_bytes());
    } else {
        see_also().to_writer(&mut page)?;
    }
    Ok(page)
}

/// The examples of the help page, as they can be pasted.
fn examples(command: &Command) -> Roff {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in text.lines().skip(1) {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    roff
}

/// Where environment and files are described.
fn see_also() -> Roff {
    let mut roff = Roff::new();
    for section in ["ENVIRONMENT", "FILES"] {
        roff.control("SH", [section]).text([roman("See "), bold("zoho-cred"), roman("(1).")]);
    }
    roff
}
