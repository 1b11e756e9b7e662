//! `man`: the manual pages, generated from the clap definitions.

use crate::cli::{Cli, ManArgs, hide_repeated_globals};
use crate::error::Error;
use crate::system::{System, files, unprinted};
use clap::CommandFactory;
use clap_mangen::Man;

/// Prints the main page, or writes all pages to a directory.
pub(crate) fn man(system: &mut System, args: &ManArgs) -> Result<u8, Error> {
    match &args.dir {
        None => {
            let mut report = Vec::new();
            Man::new(Cli::command()).render(&mut report).map_err(|error| unprinted(&error))?;
            system.print(&report)?;
        }
        Some(folder) => {
            let command = hide_repeated_globals(Cli::command().disable_help_subcommand(true));
            clap_mangen::generate_to(command, folder).map_err(|error| files::unwritable(folder, &error))?;
        }
    }
    Ok(0)
}
