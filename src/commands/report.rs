//! The layout of reports: aligned, colored only on a terminal, and never wider than it.

use crate::i18n::{width, wrap};
use crate::sanitize::sanitize_lines;
use crate::system::System;
use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use jiff::{Timestamp, tz::TimeZone};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Strong,
    Good,
    Caution,
    Bad,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StyledText {
    text: String,
    style: Style,
}

impl StyledText {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

pub(crate) fn plain(text: impl Into<String>) -> StyledText {
    styled(Style::Plain, text)
}

/// Text in a style. Its line breaks are kept; values that could contain others must be sanitized first.
pub(crate) fn styled(style: Style, text: impl Into<String>) -> StyledText {
    StyledText { text: sanitize_lines(&text.into()).into_owned(), style }
}

/// A terminal with fewer columns is narrow.
const NARROW: u16 = 60;
const GAP: usize = 2;

/// The terminal or file that a report is formatted for.
pub(crate) struct Report {
    color: bool,
    /// Whether bars can use block characters.
    blocks: bool,
    /// Columns of the terminal; `None` if unknown or not a terminal.
    width: Option<u16>,
    zone: TimeZone,
    now_ms: i64,
}

impl Report {
    pub(crate) fn of(system: &System) -> Self {
        let blocks = system.draws_lines();
        // A terminal without a size reports 0.
        let width = Table::new().width().filter(|width| system.terminal.stdout && *width > 0);
        let now_ms = system.clock.now().wall_ms;
        Report { color: system.styles_stdout(), blocks, width, zone: TimeZone::system(), now_ms }
    }

    /// Whether the terminal is too narrow for columns side by side.
    pub(crate) fn is_narrow(&self) -> bool {
        self.width.is_some_and(|width| width < NARROW)
    }

    /// A bar of which `part` of `whole` is filled.
    pub(crate) fn bar(&self, part: u64, whole: u64) -> String {
        let cells = if self.is_narrow() { 10 } else { 20 };
        let filled = (part.min(whole) * cells).div_ceil(whole.max(1)) as usize;
        // Not `#`: two in a row begin a command for CI runners, and would be escaped.
        let (full, empty) = if self.blocks { ("█", "░") } else { ("=", ".") };
        full.repeat(filled) + &empty.repeat(cells as usize - filled)
    }

    /// A time (ms since 1970) in local time: `14:03`, with the date if it is not today.
    pub(crate) fn time(&self, ms: i64) -> String {
        let local = |ms| Timestamp::from_millisecond(ms).map(|at| at.to_zoned(self.zone.clone()));
        let (Ok(at), Ok(now)) = (local(ms), local(self.now_ms)) else { return "?".into() };
        let form = if at.date() == now.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        at.strftime(form).to_string()
    }

    /// Formats rows as a table that fits the terminal.
    pub(crate) fn table(&self, rows: impl IntoIterator<Item = Vec<StyledText>>) -> String {
        let mut rows: Vec<Vec<StyledText>> = rows.into_iter().collect();
        self.break_last_column(&mut rows);
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        if self.color {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        // Without this, comfy-table would query the terminal's width itself.
        if let Some(width) = self.width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        for row in rows {
            table.add_row(row.into_iter().map(cell));
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP as u16));
        }
        if table.is_empty() { String::new() } else { table.trim_fmt() + "\n" }
    }

    /// Wraps the last column by our own rules, if the other columns leave enough room.
    fn break_last_column(&self, rows: &mut [Vec<StyledText>]) {
        let last = rows.iter().map(Vec::len).max().unwrap_or_default().saturating_sub(1);
        let widest = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.flat_map(|text| text.text.lines()).map(width).max().unwrap_or_default() + GAP
        };
        let taken = (0..last).map(widest).sum::<usize>() + GAP;
        let Some(room) = self.width.and_then(|width| usize::from(width).checked_sub(taken)) else { return };
        if room < usize::from(NARROW) / 4 {
            return;
        }
        for text in rows.iter_mut().filter_map(|row| row.get_mut(last)) {
            text.text = wrap(&text.text, room);
        }
    }
}

fn cell(text: StyledText) -> Cell {
    let cell = Cell::new(text.text);
    match text.style {
        Style::Plain => cell,
        Style::Strong => cell.add_attribute(Attribute::Bold),
        Style::Good => cell.fg(comfy_table::Color::Green),
        Style::Caution => cell.fg(comfy_table::Color::Yellow),
        Style::Bad => cell.fg(comfy_table::Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(width: Option<u16>) -> Report {
        Report { color: false, blocks: true, width, zone: TimeZone::UTC, now_ms: 1_800_000_000_000 }
    }

    #[test]
    fn a_bar_is_empty_only_at_nought() {
        let report = report(Some(40));
        assert_eq!(report.bar(0, 10), "░░░░░░░░░░");
        assert_eq!(report.bar(1, 3600), "█░░░░░░░░░");
        assert_eq!(report.bar(3600, 3600), "██████████");
        assert_eq!(report.bar(5, 0), "░░░░░░░░░░");
    }

    #[test]
    fn another_day_is_named() {
        assert_eq!(report(None).time(1_800_000_000_000), "08:00");
        assert_eq!(report(None).time(1_800_000_000_000 + 86_400_000), "2027-01-16 08:00");
    }

    #[test]
    fn a_command_in_the_last_column_stays_in_one_line() {
        let rows =
            [vec![plain("failed"), plain("nothing is there\nfix: run 'zoho-cred login crm', or wait")]];
        let shown = report(Some(40)).table(rows);
        assert!(shown.contains("'zoho-cred login crm'"), "{shown}");
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let long = "text that go on and on ".repeat(8);
        let shown = report(Some(40)).table([vec![plain("label"), plain(long)]]);
        assert!(shown.lines().count() > 4 && shown.lines().all(|line| line.chars().count() <= 40), "{shown}");
        assert!(shown.lines().skip(1).all(|line| line.starts_with("       ")), "{shown}");
    }
}
