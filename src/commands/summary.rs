//! No command at all: a person at a terminal is told how things stand and what to do next.

use super::page::Page;
use super::session::{Session, read_config};
use super::status::{self, Found, judge};
use crate::cli::Global;
use crate::config::resolve;
use crate::error::Error;
use crate::system::System;

/// Prints the state of the default profile in three lines. Without a profile that a call would mean, the error says
/// what to do.
pub fn summary(system: &mut System, global: &Global) -> Result<u8, Error> {
    let resolved = resolve(&system.env, read_config(system, global, true)?, None)?;
    let session = Session::of(system, global, resolved)?;
    let found = Found::read(&session, system)?;
    let status = judge(&session, system, &found);
    let text = status::summary(&status, &Page::of(system), system.clock.now().wall_ms);
    system.print(text.as_bytes())?;
    Ok(0)
}
